"""The x-ray: what the kernel says about a server, without root and without reading a byte."""

import select
import socket

import pytest
from leaks import descriptors
from watch_servers import wait_until

import muxlab
from muxlab.server import serve


def deaf(listener, stop):
    """Take two clients, write one of them more than it takes, and read nothing."""
    epoll = select.epoll()
    epoll.register(listener, 0)
    clients = [listener.accept()[0] for _ in range(2)]
    clients[0].setblocking(False)
    for client in clients:
        epoll.register(client, select.EPOLLIN | select.EPOLLET)
    try:
        while True:
            clients[0].send(bytes(2**16))
    except BlockingIOError:
        pass
    with epoll:
        epoll.register(stop, select.EPOLLIN)
        while not stop.is_set():
            epoll.poll()
    for client in clients:
        client.close()


@pytest.mark.parametrize("tap", [False, True])
def test_the_tables(tap):
    with serve(deaf, backlog=7, tap=tap) as server:
        socks = [socket.create_connection(server.address) for _ in range(3)]
        socks[1].sendall(b"hello")
        wait_until(lambda: server.xray().asleep_in == "epoll_wait" and len(server.xray().connections) == 2)
        seen = server.xray()
        for _ in range(3):
            assert server.xray() == seen  # looking changes nothing
        assert (seen.listener.receive, seen.listener.limit, seen.listener.ready) == (1, 7, "IN")
        first, second = seen.connections
        assert (first.name, second.name) == ("client 1", "client 2")
        assert (first.receive, second.receive) == (0, 5)
        assert first.send > 0 == second.send
        assert (first.ready, second.ready) == ("", "IN|OUT")
        assert first.interest == second.interest == "IN|ET"
        assert seen.listener.interest == "nothing"
        text = str(seen)
        assert "1 of 7 connections" in text and "5 bytes" in text and "the server is asleep in epoll_wait" in text
        html = seen._repr_html_()
        assert html.count("<tr>") == 4 and "IN|ET" in html
        for sock in socks:
            sock.close()


def test_many_connections_are_counted_in_the_text():
    with serve(muxlab.SERVERS["epoll"]) as server, muxlab.Swarm(server, connections=30, active=0) as swarm:
        swarm.wait_connected()
        wait_until(lambda: len(server.xray().connections) == 30)
        text = str(server.xray())
    assert "client 20" in text and "client 21" not in text
    assert "and 10 more connections, 0 of them with unread bytes" in text


def test_a_server_without_epoll_and_one_that_is_stopped():
    with serve(muxlab.SERVERS["select"]) as server:
        seen = server.xray()
        assert (seen.listener.interest, seen.connections) == ("", ())
    assert server.xray().listener.where == "closed by the server"
    assert server.xray().asleep_in == ""


def test_it_opens_nothing_that_stays():
    with serve(muxlab.SERVERS["epoll"]) as server, socket.create_connection(server.address):
        wait_until(lambda: server.xray().connections)
        before = descriptors()
        for _ in range(10):
            str(server.xray())
        assert descriptors() == before


def test_masks_have_names():
    assert muxlab.mask_names(0) == "nothing"
    assert muxlab.mask_names(select.EPOLLIN | select.EPOLLET | select.EPOLLRDHUP) == "IN|RDHUP|ET"
    assert muxlab.mask_names(select.EPOLLERR | select.EPOLLHUP | select.EPOLLOUT) == "OUT|ERR|HUP"
