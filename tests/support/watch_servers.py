"""Servers as learners write them, some of them bad ones, for the tests of the tap and the stepper."""

# ruff: noqa: B007, E722, F841, RUF059 - written the way learners write

import select
import selectors
import socket
import threading
import time


def wait_until(condition):
    """Look again until it is so: a server works in its own thread."""
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.005)
    raise AssertionError("it did not come about in 5 s")


def one_function(listener):
    listener.setblocking(False)
    epoll = select.epoll()
    epoll.register(listener.fileno(), select.EPOLLIN)
    clients = {}
    while True:
        events = epoll.poll()
        for fd, event in events:
            if fd == listener.fileno():
                client, address = listener.accept()
                client.setblocking(False)
                epoll.register(client.fileno(), select.EPOLLIN)
                clients[client.fileno()] = client
            else:
                data = clients[fd].recv(1024)
                if data:
                    clients[fd].send(data)
                else:
                    epoll.unregister(fd)
                    clients.pop(fd).close()


def accept_one(listener, epoll, clients):
    client, address = listener.accept()
    epoll.register(client, select.EPOLLIN)
    clients[client.fileno()] = client


def two_functions(listener, stop):
    import select as another_name

    epoll = another_name.epoll()
    epoll.register(listener, another_name.EPOLLIN)
    epoll.register(stop, another_name.EPOLLIN)
    clients = {}
    while not stop.is_set():
        for fd, event in epoll.poll():
            if fd == listener.fileno():
                accept_one(listener, epoll, clients)
            elif fd in clients:
                data = clients[fd].recv(1024)
                if data:
                    clients[fd].sendall(data)
                else:
                    clients.pop(fd).close()
    for client in clients.values():
        client.close()
    epoll.close()


class Echo:
    def __init__(self):
        self.epoll = select.epoll()
        self.clients = {}

    def serve(self, listener):
        self.epoll.register(listener, select.EPOLLIN)
        while True:
            for fd, event in self.epoll.poll():
                if fd == listener.fileno():
                    self.welcome(listener)
                else:
                    self.answer(fd)

    def welcome(self, listener):
        client, address = listener.accept()
        self.clients[client.fileno()] = client
        self.epoll.register(client, select.EPOLLIN)

    def answer(self, fd):
        data = self.clients[fd].recv(1024)
        if data:
            self.clients[fd].sendall(data)
        else:
            self.clients.pop(fd).close()


def with_poll(listener):
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    clients = {}
    while True:
        for fd, event in poll.poll():
            if fd == listener.fileno():
                client, address = listener.accept()
                clients[client.fileno()] = client
                poll.register(client, select.POLLIN)
            else:
                data = clients[fd].recv(1024)
                if data:
                    clients[fd].sendall(data)
                else:
                    poll.unregister(fd)
                    clients.pop(fd).close()


def with_selectors(listener):
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        while True:
            for key, mask in selector.select():
                if key.fileobj is listener:
                    client, address = listener.accept()
                    selector.register(client, selectors.EVENT_READ)
                else:
                    data = key.fileobj.recv(1024)
                    if data:
                        key.fileobj.sendall(data)
                    else:
                        selector.unregister(key.fileobj)
                        key.fileobj.close()


def one_at_a_time(listener):
    while True:
        client, address = listener.accept()
        with client:
            while data := client.recv(1024):
                client.sendall(data)


def threaded(listener):
    while True:
        client, address = listener.accept()
        threading.Thread(target=answer_all, args=[client], daemon=True).start()


def answer_all(client):
    with client:
        while data := client.recv(1024):
            client.sendall(data)


class Room:
    """A class of a learner's that waits by itself: `with_class` knows nothing of how."""

    def __init__(self, listener):
        self.listener, self.clients = listener, []

    def run(self):
        while True:
            readable, _, _ = select.select([self.listener, *self.clients], [], [])
            for sock in readable:
                if sock is self.listener:
                    self.clients.append(sock.accept()[0])
                elif data := sock.recv(1024):
                    sock.sendall(data)
                else:
                    self.clients.remove(sock)
                    sock.close()


def with_class(listener):
    Room(listener).run()


LEARNERS = {
    "one_function": one_function,
    "two_functions": two_functions,
    "method": Echo,
    "with_poll": with_poll,
    "with_selectors": with_selectors,
    "one_at_a_time": one_at_a_time,
    "with_class": with_class,
}


def bare_except(listener):
    while True:
        try:
            select.select([listener], [], [])
            client, address = listener.accept()
        except:
            pass


def swallow_and_spin(listener):
    count = 0
    while True:
        try:
            count += len("spin")
        except:
            count = 0


def swallow_in_helper(listener):
    while True:
        careless(listener)


def careless(listener):
    listener.setblocking(False)
    try:
        client, address = listener.accept()
    except BaseException:
        listener = listener


def spin(listener):
    count = 0
    while True:
        count += 1


def sleep_long(listener):
    while True:
        time.sleep(60)


def work_hard(listener):
    while True:
        try:
            total = sum(range(10**6))
        except:
            total = 0


NASTY = {fn.__name__: fn for fn in (bare_except, swallow_and_spin, swallow_in_helper, spin, sleep_long, work_hard)}


def crash(listener):
    epoll = select.epoll()
    epoll.register(listener, select.EPOLLIN)
    for fd, event in epoll.poll():
        client = clients[fd]  # noqa: F821


def crash_in_helper(listener):
    listener.setblocking(False)
    take(listener)


def take(listener):
    wanted = "a client"
    return listener.accept()


def connect_out(listener):
    sock = socket.create_connection(listener.getsockname())
    sock.sendall(b"hello")
    accepted, _ = listener.accept()
    with sock, accepted:
        accepted.recv(10)


def watch_with_made_earlier(listener):
    if hasattr(made_earlier, "register"):  # noqa: F821
        made_earlier.register(listener, select.POLLIN)  # noqa: F821


served = 0


def count_globally(listener):
    global served
    served = 0
    for _ in range(3):
        listener.accept()[0].close()
        served += 1
