"""Servers for the trials: right ones that are unlike the course's, and broken ones that the museum has no exhibit of.

The docstring of a broken one says what one sees. Most are one right server, with a bug at a place that it leaves open.
"""

import asyncio
import logging
import os
import select
import threading
import time

from muxlab.connection import Acceptor, Connection, echo

# ---- right, and unlike the course's


def asyncio_echo(listener, stop):
    """Echo by asyncio's streams."""

    async def talk(reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            return
        finally:
            writer.close()

    async def main():
        told = asyncio.Event()
        asyncio.get_running_loop().add_reader(stop, told.set)
        server = await asyncio.start_server(talk, sock=listener)
        await told.wait()
        server.close()

    logging.getLogger("asyncio").disabled = True  # it logs that it has no descriptors
    listener.setblocking(False)
    asyncio.run(main())


def answers_lines(listener, stop):
    """Echo line by line: it waits for the end of a line, and reads into a buffer of its own."""
    listener.setblocking(False)
    space = bytearray(65536)
    clients = {}  # what was read of an unfinished line, and what is to be sent
    while not stop.is_set():
        owed = [conn for conn in clients if clients[conn][1]]
        readable, writable, _ = select.select([stop, listener, *clients.keys() - owed], owed, [])
        for conn in readable + writable:
            try:
                if conn is listener:
                    new, _ = listener.accept()
                    new.setblocking(False)
                    clients[new] = [b"", b""]
                elif conn is not stop:
                    begun, unsent = clients[conn]
                    if not unsent:
                        size = conn.recv_into(space)
                        if not size:
                            raise ConnectionError
                        lines, end, begun = (begun + space[:size]).rpartition(b"\n")
                        unsent = lines + end
                        clients[conn] = [begun, unsent]
                    clients[conn][1] = unsent[conn.send(unsent) :]
            except BlockingIOError:
                pass
            except OSError:
                del clients[conn]
                conn.close()
    for conn in clients:
        conn.close()


# ---- broken, each in one place


def nothing(*_):
    """Do no more than a right server does."""


def serve(listener, stop, before_accept=nothing, before_turn=nothing, turn=echo, see_off=Connection.close):
    """Serve as the epoll server of the course does, but for what is done at four places.

    Args:
        listener: a listening TCP socket.
        stop: has `is_set()`, and a `fileno()` that becomes readable when the server has to return.
        before_accept: called when clients wait at the door.
        before_turn: called with a client that has something to say.
        turn: what is done with it then.
        see_off: what is done with a client that is done.
    """
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
                    before_accept()
                    for client in acceptor.accept():
                        clients[client.fileno()] = client
                        epoll.register(client, select.EPOLLIN)
                    if acceptor.resting:
                        epoll.modify(acceptor, 0)
                elif fd in clients:
                    client = clients[fd]
                    before_turn(client)
                    turn(client)
                    epoll.modify(fd, client.wants_read * select.EPOLLIN | client.wants_write * select.EPOLLOUT)
                    if client.done:
                        epoll.unregister(fd)
                        see_off(clients.pop(fd))
    for client in clients.values():
        client.close()


def with_nothing_wrong(listener, stop):
    """Echo: the server that those below differ from."""
    serve(listener, stop)


def says_it_twice(listener, stop):
    """Every reply comes twice."""

    def turn(client):
        client.flush()
        data = client.receive() if client.wants_read else b""
        client.send(data)
        time.sleep(0.005)  # a client that looks no more after the first has not seen the second
        client.send(data)

    serve(listener, stop, turn=turn)


def repeats_the_tail(listener, stop):
    """After a long question, the reply to a short one ends in what is left of the long one."""
    space = {}

    def turn(client):
        client.flush()
        data = client.receive() if client.wants_read else b""
        if data:
            space[client] = data + space.get(client, b"")[len(data) :]
            client.send(space[client])
        if client.done:
            space.pop(client, None)

    serve(listener, stop, turn=turn)


def naps_at_the_door(listener, stop):
    """Of a crowd that comes, fifty clients a second are let in."""
    serve(listener, stop, before_accept=lambda: time.sleep(0.02))


def naps_in_select(listener, stop):
    """However quick the machine, it gives some hundred answers a second, of all clients together."""
    serve(listener, stop, before_turn=lambda _: select.select([], [], [], 0.002))


def naps_on_a_lock(listener, stop):
    """However quick the machine, it gives a hundred answers a second, of all clients together."""
    taken = threading.Lock()
    taken.acquire()
    serve(listener, stop, before_turn=lambda _: taken.acquire(timeout=0.01))


def loses_descriptors(listener, stop):
    """With every client that breaks off it has one descriptor less, until it can accept nobody any more."""
    serve(listener, stop, see_off=lambda client: client.sock.detach() if client.broken else client.close())


def drops_a_byte(listener, stop):
    """Of long messages a byte is missing now and then."""

    def turn(client):
        client.flush()
        data = client.receive() if client.wants_read else b""
        client.send(data[:-1] if len(data) == 65536 else data)

    serve(listener, stop, turn=turn)


def keeps_it_on_the_list(listener, stop):
    """After a client has broken off in the middle of a reply it takes a whole core, for nobody."""
    acceptor, clients, poll = Acceptor(listener), {}, select.poll()
    poll.register(stop, select.POLLIN)
    poll.register(acceptor, select.POLLIN)
    while not stop.is_set():
        ready = poll.poll(None if acceptor.timeout is None else acceptor.timeout * 1000)
        if acceptor.rest_is_over():
            poll.modify(acceptor, select.POLLIN)
        for fd, _ in ready:
            if fd == acceptor.fileno():
                for client in acceptor.accept():
                    clients[client.fileno()] = client
                    poll.register(client, select.POLLIN)
                if acceptor.resting:
                    poll.modify(acceptor, 0)
            elif fd in clients:
                client = clients[fd]
                owed = client.wants_write
                echo(client)
                poll.modify(fd, client.wants_read * select.POLLIN | client.wants_write * select.POLLOUT)
                if client.done:
                    if not (client.broken and owed):
                        poll.unregister(fd)
                    clients.pop(fd).close()
    for client in clients.values():
        client.close()


def closes_its_listener(listener, stop):
    """When the first client has left, nobody can connect any more."""

    def see_off(client):
        client.close()
        listener.close()

    serve(listener, stop, see_off=see_off)


def forks_and_forgets(listener, stop):
    """With every client that comes and leaves there is one process more."""
    while not stop.is_set():
        if listener not in select.select([stop, listener], [], [])[0]:
            continue
        conn, _ = listener.accept()
        if os.fork() == 0:
            try:
                while data := conn.recv(65536):
                    conn.sendall(data)
            finally:
                os._exit(0)
        conn.close()


# ---- broken in the first place


def misspelt(listener, stop):
    """It ends before anybody is served."""
    while not stop.is_set():
        conn, _ = lisener.accept()  # noqa: F821
        conn.close()


def swallows_everything(listener, stop):
    """It takes a whole core, and nobody is served."""
    while True:
        try:
            conn, _ = lisener.accept()  # noqa: F821
            conn.sendall(conn.recv(65536))
        except:  # noqa: E722
            pass


def sleeps_for_good(listener, stop):
    """Nobody is served, and nothing ends it."""
    time.sleep(3600)
