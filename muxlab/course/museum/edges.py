"""The wrong answer to an edge: these servers are told of news once, and leave some of it lying.

What they do with a client is the course's own `Connection`. Put them beside `muxlab.servers.epoll_edge_server`.
"""

import select

from ...connection import Acceptor, Connection, echo
from .waits import _let_in, _see_off, _wanted


def one_accept_for_each_edge(listener, stop):
    """Of a burst of clients one is served; the others wait at the door until somebody else comes."""
    listener.setblocking(False)
    clients = {}
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN | select.EPOLLET)
        while not stop.is_set():
            for fd, _ in epoll.poll():
                if fd == listener.fileno():
                    client = Connection(listener.accept()[0])
                    clients[client.fileno()] = client
                    epoll.register(client, select.EPOLLIN)
                elif fd in clients:
                    echo(clients[fd])
                    epoll.modify(fd, _wanted(clients[fd]))
                    if clients[fd].done:
                        _see_off(epoll, clients, fd)
    for client in clients.values():
        client.close()


def one_recv_for_each_edge(listener, stop):
    """A long message comes back in part; the rest comes when the client says something more."""
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
                    _let_in(epoll, acceptor, clients, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
                elif fd in clients:
                    echo(clients[fd])
                    if clients[fd].done:
                        _see_off(epoll, clients, fd)
    for client in clients.values():
        client.close()


def four_recvs_for_each_edge(listener, stop):
    """Of a message that is much longer than four pieces the rest comes when the client says something more."""
    acceptor, clients = Acceptor(listener), {}
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(acceptor, select.EPOLLIN)
        while not stop.is_set():
            ready = epoll.poll(acceptor.timeout)
            if acceptor.rest_is_over():
                epoll.modify(acceptor, select.EPOLLIN)
            for fd, mask in ready:
                if fd == acceptor.fileno():
                    asked = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
                    _let_in(epoll, acceptor, clients, asked)
                elif fd in clients:
                    left = 4
                    while left and echo(clients[fd]):
                        if not mask & select.EPOLLRDHUP:  # of one who will say no more, all is read
                            left -= 1
                    if clients[fd].done:
                        _see_off(epoll, clients, fd)
    for client in clients.values():
        client.close()
