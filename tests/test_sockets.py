"""The plain names for what the kernel tells about a socket, on real sockets of the loopback."""

import fcntl
import os
import select
import socket
import time

import pytest

import muxlab
from muxlab.sockets import unacknowledged_bytes


@pytest.fixture
def ends():
    """Return both ends of a TCP connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        conn, _ = listener.accept()
    with client, conn:
        yield client, conn


def wait_readable(sock):
    assert select.select([sock], [], [], 10)[0], "nothing arrived in 10 s"


def test_waiting_bytes_are_those_that_arrived_and_are_unread(ends):
    client, conn = ends
    assert muxlab.waiting_bytes(conn) == 0
    client.sendall(b"hello")
    wait_readable(conn)
    assert muxlab.waiting_bytes(conn) == muxlab.waiting_bytes(conn.fileno()) == 5
    conn.recv(2)
    assert muxlab.waiting_bytes(conn) == 3


def test_unsent_bytes_are_those_that_the_peer_has_no_room_for(ends):
    client, conn = ends
    client.setblocking(False)
    sent = 0
    with pytest.raises(BlockingIOError):
        while True:
            sent += client.send(bytes(65536))
    assert 0 < muxlab.unsent_bytes(client) <= sent
    conn.settimeout(10)
    while sent:
        sent -= len(conn.recv(65536))
    assert muxlab.waiting_bytes(conn) == 0


def test_what_the_peer_has_no_room_for_is_unsent_and_not_under_way(ends):
    client, _ = ends
    client.setblocking(False)
    with pytest.raises(BlockingIOError):
        while True:
            client.send(bytes(65536))
    end = time.monotonic() + 10
    while unacknowledged_bytes(client):
        assert time.monotonic() < end, "what arrived was not acknowledged in 10 s"
    assert muxlab.unsent_bytes(client) > 0


@pytest.mark.slow
def test_a_syn_that_finds_the_accept_queue_full_is_sent_again(ends):
    with socket.create_server(("127.0.0.1", 0), backlog=1) as listener:
        clients = [socket.socket() for _ in range(3)]
        for client in clients:
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        listener.settimeout(10)
        accepted = [listener.accept()[0] for _ in range(3)]  # the third one knocks again after a second
        assert [muxlab.packets_sent_again(client) for client in clients[:2]] == [0, 0]
        assert muxlab.packets_sent_again(clients[2]) >= 1
        for sock in (*clients, *accepted):
            sock.close()
    assert muxlab.packets_sent_again(ends[0]) == 0


def test_a_reset_is_an_error_at_the_other_end(ends):
    client, conn = ends
    muxlab.reset(client)
    assert client.fileno() == -1
    wait_readable(conn)
    with pytest.raises(ConnectionResetError):
        conn.recv(1)


def test_a_duplicate_has_the_number_asked_for_and_is_not_inherited(ends):
    client, conn = ends
    number = muxlab.duplicate(conn, at_least=200)
    try:
        assert number >= 200
        assert fcntl.fcntl(number, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
        client.sendall(b"x")
        wait_readable(conn)
        assert muxlab.waiting_bytes(number) == 1
    finally:
        os.close(number)
    with pytest.raises(OSError, match="Invalid argument"):
        muxlab.duplicate(conn, at_least=-1)


@pytest.mark.skipif(not hasattr(select, "epoll"), reason="needs epoll")
def test_interest_list_names_descriptors_and_masks(ends):
    _, conn = ends
    with select.epoll() as epoll:
        epoll.register(conn, select.EPOLLIN | select.EPOLLET)
        assert muxlab.interest_list(epoll) == {conn.fileno(): select.EPOLLIN | select.EPOLLET}
        assert muxlab.mask_names(muxlab.interest_list(epoll)[conn.fileno()]) == "IN|ET"
        epoll.unregister(conn)
        assert muxlab.interest_list(epoll) == {}
