"""Ending server functions that know nothing of `stop`: wherever they sleep, whatever they swallow."""

import select
import selectors
import socket
import sys
import threading
import time
import warnings

import pytest
from helpers import connect, eventually

import muxlab
from muxlab.listener import Listener


def in_accept(listener):
    while True:
        listener.accept()[0].close()


def in_recv(listener):
    while True:
        conn, _ = listener.accept()
        while data := conn.recv(100):
            conn.sendall(data)


def in_select(listener):
    socks = [listener]
    while True:
        for sock in select.select(socks, [], [])[0]:
            if sock is listener:
                socks.append(sock.accept()[0])
            else:
                sock.sendall(sock.recv(100))


def in_poll(listener):
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    while True:
        for _ in poll.poll():
            listener.accept()[0].close()


def in_epoll(listener):
    conns = {}
    epoll = select.epoll()
    epoll.register(listener, select.EPOLLIN)
    while True:
        for fd, _ in epoll.poll():
            if fd == listener.fileno():
                conn, _ = listener.accept()
                conns[conn.fileno()] = conn
                epoll.register(conn, select.EPOLLIN)
            else:
                conns[fd].sendall(conns[fd].recv(100))


def in_an_empty_epoll(listener):
    epoll = select.epoll()
    while True:
        epoll.poll()


def in_an_epoll_that_drops_strangers(listener):
    """As event loops do with a descriptor that no task waits for: it sleeps again at once."""
    epoll = select.epoll()
    while True:
        for fd, _ in epoll.poll():
            epoll.unregister(fd)


def in_selectors(listener):
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            key.fileobj.accept()[0].close()


def swallowing(listener):
    listener.setblocking(False)
    while True:
        try:
            listener.accept()
        except:  # noqa: E722
            continue


def spinning(listener):
    number = 0
    while True:
        number += 1


def spinning_and_swallowing(listener):
    number = 0
    while True:
        try:
            number += 1
        except:  # noqa: E722
            number = 0


ALL = [in_accept, in_recv, in_select, in_poll, in_epoll, in_an_empty_epoll, in_an_epoll_that_drops_strangers]
ALL += [in_selectors, swallowing, spinning, spinning_and_swallowing]


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # these functions close nothing, by intention
@pytest.mark.parametrize("fn", ALL)
@pytest.mark.parametrize("with_client", [False, True])
def test_it_ends_wherever_it_is(fn, with_client: bool) -> None:
    server = muxlab.serve(fn)
    client = connect(server.address) if with_client else None
    if client and fn in (in_recv, in_select, in_epoll):
        client.sendall(b"hello")
        assert client.recv(5) == b"hello"
    began = time.monotonic()
    server.stop()
    assert not server.alive and server.error is None
    assert time.monotonic() - began < 2
    if client:
        client.close()


def test_an_accept_that_has_just_succeeded_is_not_cut_off(monkeypatch) -> None:
    """Between the kernel's accept and Python's socket there is a bare descriptor, which nobody else knows."""
    accepted = threading.Event()

    def slow(listener) -> tuple:
        pair = socket.socket._accept(listener)
        accepted.set()
        until = time.monotonic() + 0.1
        while time.monotonic() < until:  # awake, so that an exception can be raised here
            pass
        return pair

    monkeypatch.setattr(Listener, "_accept", slow, raising=False)
    server = muxlab.serve(in_accept)
    with connect(server.address):
        assert accepted.wait(5)
        server.stop()  # the fixture counts descriptors
    assert not server.alive


@pytest.mark.parametrize("fn", [in_select, in_epoll, spinning])
def test_other_threads_are_not_harmed(fn) -> None:
    """On CPython 3.11 an exception left pending for a sleeper makes traced calls elsewhere spin for ever."""
    calls = []

    def traced() -> None:
        sys.settrace(lambda *event: calls.append(event[1]))
        try:
            (lambda *_: None)(*[1])
        finally:
            sys.settrace(None)

    for _ in range(5):
        muxlab.serve(fn).stop()
        thread = threading.Thread(target=traced, daemon=True)
        thread.start()
        thread.join(5)
        assert not thread.is_alive() and calls


def test_one_that_takes_stop_and_does_not_heed_it_is_warned_of() -> None:
    def deaf(listener, stop):
        select.select([listener], [], [])

    server = muxlab.serve(deaf)
    with pytest.warns(RuntimeWarning, match="deaf did not return within 0.1 s"):
        server.stop(timeout=0.1)
    assert not server.alive


def test_one_that_heeds_stop_is_not_warned_of() -> None:
    with warnings.catch_warnings(), muxlab.serve(muxlab.SERVERS["epoll"]):
        warnings.simplefilter("error")


@pytest.mark.slow
def test_one_that_sleeps_where_nothing_wakes_it_is_told_of_and_ends_later() -> None:
    def sleeper(listener):
        time.sleep(3)  # what is tested

    server = muxlab.serve(sleeper)
    with pytest.raises(TimeoutError, match=r"time\.sleep"):
        server.stop()
    assert eventually(lambda: not server.alive)
    server.stop()
