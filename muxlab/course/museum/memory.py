"""The wrong memory: these servers wait for the right things, and keep too much, too little or too long.

What they do with a client is the course's own `Connection`, or what takes its place here.
"""

import select

from ...connection import Acceptor, echo
from .waits import _let_in, _see_off, _wanted


def spins_without_descriptors(listener, stop):
    """When the process has no descriptor left, it takes a whole core until somebody leaves."""
    acceptor, clients = Acceptor(listener), {}
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(acceptor, select.EPOLLIN)
        while not stop.is_set():
            for fd, _ in epoll.poll():
                if fd == acceptor.fileno():
                    for client in acceptor.accept():
                        clients[client.fileno()] = client
                        epoll.register(client, select.EPOLLIN)
                elif fd in clients:
                    echo(clients[fd])
                    epoll.modify(fd, _wanted(clients[fd]))
                    if clients[fd].done:
                        _see_off(epoll, clients, fd)
    for client in clients.values():
        client.close()


def a_thousand_at_most(listener, stop):
    """The thousand-and-first client is turned away."""
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
                    epoll.modify(fd, _wanted(clients[fd]))
                    if clients[fd].done or len(clients) > 1000:
                        _see_off(epoll, clients, fd)
    for client in clients.values():
        client.close()


def never_forgets(listener, stop):
    """With every client that comes and leaves it takes a little more memory."""
    acceptor, clients, gone = Acceptor(listener), {}, []
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
                    epoll.modify(fd, _wanted(clients[fd]))
                    if clients[fd].done:
                        gone.append(clients[fd])
                        _see_off(epoll, clients, fd)
    for client in clients.values():
        client.close()


def remembers_who_broke_off(listener, stop):
    """With every client that breaks off it takes a little more memory."""
    acceptor, clients, turns = Acceptor(listener), {}, {}
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
                    turns[clients[fd]] = turns.get(clients[fd], 0) + 1
                    epoll.modify(fd, _wanted(clients[fd]))
                    if clients[fd].done:
                        if clients[fd].ended:
                            del turns[clients[fd]]
                        _see_off(epoll, clients, fd)
    for client in clients.values():
        client.close()


def still_owes(listener, stop):
    """With every client that breaks off in the middle of a reply it takes a little more memory."""
    acceptor, clients, owed = Acceptor(listener), {}, set()
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
                        _see_off(epoll, clients, fd)
                    else:
                        epoll.modify(fd, _wanted(clients[fd]))
                        (owed.add if clients[fd].unsent else owed.discard)(clients[fd])
    for client in clients.values():
        client.close()


def reads_without_end(listener, stop):
    """A client that sends and never reads fills the memory."""
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
                    clients[fd].flush()
                    clients[fd].send(clients[fd].receive())
                    epoll.modify(fd, select.EPOLLIN | clients[fd].wants_write * select.EPOLLOUT)
                    if clients[fd].done:
                        _see_off(epoll, clients, fd)
    for client in clients.values():
        client.close()


def leaves_before_the_end(listener, stop):
    """A client that half-closes after a long question gets part of the reply."""
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
                    epoll.modify(fd, _wanted(clients[fd]))
                    if clients[fd].done or clients[fd].ended:
                        _see_off(epoll, clients, fd)
    for client in clients.values():
        client.close()


def remembers_by_descriptor(listener, stop):
    """A new client is sent what was meant for another, that had left before it was read."""
    acceptor, clients = Acceptor(listener), {}
    unsent = {}  # by descriptor
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
                    client = clients[fd]
                    try:
                        unsent[fd] = unsent.get(fd) or client.sock.recv(65536)
                        ended = not unsent[fd]
                        unsent[fd] = unsent[fd][client.sock.send(unsent[fd]) :]
                    except BlockingIOError:
                        ended = False
                    except OSError:
                        ended = True
                    epoll.modify(fd, select.EPOLLOUT if unsent.get(fd) else select.EPOLLIN)
                    if ended:
                        _see_off(epoll, clients, fd)
    for client in clients.values():
        client.close()


def asks_who_it_is(listener, stop):
    """A client that is gone before the server looks at the door ends the server."""
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
                    for client in acceptor.accept():
                        clients[client.fileno()] = client, client.sock.getpeername()
                        epoll.register(client, select.EPOLLIN)
                    if acceptor.resting:
                        epoll.modify(acceptor, 0)
                elif fd in clients:
                    client, _who = clients[fd]
                    echo(client)
                    epoll.modify(fd, _wanted(client))
                    if client.done:
                        epoll.unregister(fd)
                        del clients[fd]
                        client.close()
    for client, _who in clients.values():
        client.close()
