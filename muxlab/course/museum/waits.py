"""The wrong wait: what these servers do with a client is right, and they wait for the wrong things.

What they do with a client is the course's own `Connection`. Put them beside `muxlab.servers`.
"""

import select
import time

from ...connection import Acceptor, echo


def _let_in(epoll, acceptor, clients, mask=select.EPOLLIN):
    """Accept who is at the door; while there are no descriptors, do not look at the door."""
    for client in acceptor.accept():
        clients[client.fileno()] = client
        epoll.register(client, mask)
    if acceptor.resting:
        epoll.modify(acceptor, 0)


def _see_off(epoll, clients, fd):
    """Forget a client that is done."""
    epoll.unregister(fd)
    clients.pop(fd).close()


def _wanted(client):
    """What to watch a client for."""
    return client.wants_read * select.EPOLLIN | client.wants_write * select.EPOLLOUT


def rests_after_each_event(listener, stop):
    """However quick the machine, it gives some hundred answers a second, of all clients together."""
    acceptor, clients = Acceptor(listener), {}
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(acceptor, select.EPOLLIN)
        while not stop.is_set():
            ready = epoll.poll(acceptor.timeout)
            if acceptor.rest_is_over():
                epoll.modify(acceptor, select.EPOLLIN)
            for fd, _ in ready:
                if fd == acceptor.fileno():
                    _let_in(epoll, acceptor, clients)
                elif fd in clients:
                    echo(clients[fd])
                    time.sleep(0.001)  # "so that the processor can rest"
                    epoll.modify(fd, _wanted(clients[fd]))
                    if clients[fd].done:
                        _see_off(epoll, clients, fd)
    for client in clients.values():
        client.close()


def always_writable(listener, stop):
    """It takes a whole core as soon as one client is connected, whether or not anybody talks."""
    acceptor, clients = Acceptor(listener), {}
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(acceptor, select.EPOLLIN)
        while not stop.is_set():
            ready = epoll.poll(acceptor.timeout)
            if acceptor.rest_is_over():
                epoll.modify(acceptor, select.EPOLLIN)
            for fd, _ in ready:
                if fd == acceptor.fileno():
                    _let_in(epoll, acceptor, clients, select.EPOLLIN | select.EPOLLOUT)
                elif fd in clients:
                    echo(clients[fd])
                    if clients[fd].done:
                        _see_off(epoll, clients, fd)
    for client in clients.values():
        client.close()


def still_watches_for_bytes(listener, stop):
    """It takes a whole core while one client does not read its reply."""
    acceptor, clients = Acceptor(listener), {}
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(acceptor, select.EPOLLIN)
        while not stop.is_set():
            ready = epoll.poll(acceptor.timeout)
            if acceptor.rest_is_over():
                epoll.modify(acceptor, select.EPOLLIN)
            for fd, _ in ready:
                if fd == acceptor.fileno():
                    _let_in(epoll, acceptor, clients)
                elif fd in clients:
                    echo(clients[fd])
                    epoll.modify(fd, select.EPOLLIN | clients[fd].wants_write * select.EPOLLOUT)
                    if clients[fd].done:
                        _see_off(epoll, clients, fd)
    for client in clients.values():
        client.close()


def watches_for_the_end(listener, stop):
    """While a client that has half-closed does not read its reply, it takes a whole core."""
    acceptor, clients = Acceptor(listener), {}
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(acceptor, select.EPOLLIN)
        while not stop.is_set():
            ready = epoll.poll(acceptor.timeout)
            if acceptor.rest_is_over():
                epoll.modify(acceptor, select.EPOLLIN)
            for fd, _ in ready:
                if fd == acceptor.fileno():
                    _let_in(epoll, acceptor, clients, select.EPOLLIN | select.EPOLLRDHUP)
                elif fd in clients:
                    echo(clients[fd])
                    epoll.modify(fd, _wanted(clients[fd]) | select.EPOLLRDHUP)
                    if clients[fd].done:
                        _see_off(epoll, clients, fd)
    for client in clients.values():
        client.close()


def stays_armed(listener, stop):
    """After one client was slow to read it takes a whole core, until that client leaves."""
    acceptor, clients, slow = Acceptor(listener), {}, set()
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(acceptor, select.EPOLLIN)
        while not stop.is_set():
            ready = epoll.poll(acceptor.timeout)
            if acceptor.rest_is_over():
                epoll.modify(acceptor, select.EPOLLIN)
            for fd, _ in ready:
                if fd == acceptor.fileno():
                    _let_in(epoll, acceptor, clients)
                elif fd in clients:
                    echo(clients[fd])
                    if clients[fd].wants_write:
                        slow.add(clients[fd])
                    epoll.modify(fd, _wanted(clients[fd]) | (clients[fd] in slow) * select.EPOLLOUT)
                    if clients[fd].done:
                        slow.discard(clients[fd])
                        _see_off(epoll, clients, fd)
    for client in clients.values():
        client.close()


def drains_one_client(listener, stop):
    """While one client sends without end, nobody else is answered."""
    acceptor, clients = Acceptor(listener), {}
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(acceptor, select.EPOLLIN)
        while not stop.is_set():
            ready = epoll.poll(acceptor.timeout)
            if acceptor.rest_is_over():
                epoll.modify(acceptor, select.EPOLLIN)
            for fd, _ in ready:
                if fd == acceptor.fileno():
                    _let_in(epoll, acceptor, clients)
                elif fd in clients:
                    while echo(clients[fd]):
                        pass
                    epoll.modify(fd, _wanted(clients[fd]))
                    if clients[fd].done:
                        _see_off(epoll, clients, fd)
    for client in clients.values():
        client.close()


def unregisters_after_close(listener, stop):
    """The first client that leaves ends the server."""
    acceptor, clients = Acceptor(listener), {}
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(acceptor, select.EPOLLIN)
        while not stop.is_set():
            ready = epoll.poll(acceptor.timeout)
            if acceptor.rest_is_over():
                epoll.modify(acceptor, select.EPOLLIN)
            for fd, _ in ready:
                if fd == acceptor.fileno():
                    _let_in(epoll, acceptor, clients)
                elif fd in clients:
                    echo(clients[fd])
                    if clients[fd].done:
                        clients[fd].close()
                        epoll.unregister(fd)
                        del clients[fd]
                    else:
                        epoll.modify(fd, _wanted(clients[fd]))
    for client in clients.values():
        client.close()


def deaf_to_stop(listener, stop):
    """It is told to stop, and goes on sleeping."""
    acceptor, clients = Acceptor(listener), {}
    with select.epoll() as epoll:
        epoll.register(acceptor, select.EPOLLIN)
        while not stop.is_set():
            ready = epoll.poll(acceptor.timeout)
            if acceptor.rest_is_over():
                epoll.modify(acceptor, select.EPOLLIN)
            for fd, _ in ready:
                if fd == acceptor.fileno():
                    _let_in(epoll, acceptor, clients)
                elif fd in clients:
                    echo(clients[fd])
                    epoll.modify(fd, _wanted(clients[fd]))
                    if clients[fd].done:
                        _see_off(epoll, clients, fd)
    for client in clients.values():
        client.close()
