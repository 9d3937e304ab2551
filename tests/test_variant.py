"""A variant of a server: its text, its lines, and what the tap and the stepper see of it."""

import inspect
import select
import traceback

import pytest
from helpers import connect, echoes, eventually, read_exactly

import muxlab
from muxlab.course.variant import bug, difference, same, source, variant
from muxlab.servers import epoll_server

DEAF = ("epoll.register(stop, select.EPOLLIN)\nepoll.register(acceptor", "epoll.register(acceptor")


def test_its_text_is_the_good_one_with_the_changes():
    deaf = variant(epoll_server, "deaf", "It sleeps on.", DEAF)
    assert (deaf.__name__, deaf.__doc__) == ("deaf", "It sleeps on.")
    assert inspect.getsource(deaf).startswith("def deaf(listener, stop):\n    acceptor = Acceptor(listener)\n")
    lines = difference(source(epoll_server), source(deaf)).splitlines()
    changed = [line for line in lines[2:] if line[0] in "+-"]
    assert changed == [
        "-def epoll_server(listener, stop):",
        "+def deaf(listener, stop):",
        "-        epoll.register(stop, select.EPOLLIN)",
    ]


def test_a_change_in_several_lines_keeps_the_indentation_of_its_place():
    drains = variant(epoll_server, "drains", "", ("echo(client)", "while echo(client):\n    pass"))
    assert "\n                        while echo(client):\n                            pass\n" in source(drains)
    assert same(
        drains, variant(epoll_server, "x", "", ("echo(client)", "\n        while echo(client):\n            pass\n"))
    )


def test_blank_lines_within_a_change_stay_empty():
    tidy = variant(epoll_server, "tidy", "", ("echo(client)", "x = 1\n\necho(client)"))
    assert "\n                        x = 1\n\n                        echo(client)\n" in source(tidy)
    back = variant(tidy, "back", "", ("x = 1\n\necho(client)", "echo(client)"))
    assert same(back, epoll_server)


def test_a_change_into_nothing_takes_whole_lines_with_it():
    silent = variant(epoll_server, "silent", "", ("echo(client)", ""))
    lines = difference(source(epoll_server), source(silent)).splitlines()
    assert [line for line in lines if line.startswith("-  ")] == ["-                        echo(client)"]
    assert not [line for line in lines if line.startswith("+  ")]


@pytest.mark.parametrize(("old", "times"), [("nothing like it", 0), ("client.close()", 2), ("echo(client)\nclient", 0)])
def test_what_is_to_be_replaced_stands_there_once(old, times):
    with pytest.raises(ValueError) as found:
        variant(epoll_server, "wrong", "", (old, "pass"))
    assert f"in epoll_server stands there {times} times" in str(found.value) and old in str(found.value)


def test_two_of_one_name_keep_their_own_texts():
    one = variant(epoll_server, "twin", "", DEAF)
    other = variant(epoll_server, "twin", "", ("if client.done:", "if client.done or client.ended:"))
    assert "client.ended" in source(other) and "client.ended" not in source(one)


def test_a_traceback_shows_its_own_line():
    fails = variant(epoll_server, "fails", "", ("echo(client)", "client = None\n1 / 0  # here"))
    server = muxlab.serve(fails)
    with connect(server.address) as client:
        client.sendall(b"hello")
        assert server.wait()
    with pytest.raises(ZeroDivisionError) as found:
        server.stop()
    last = traceback.extract_tb(found.value.__traceback__)[-1]
    assert (last.name, last.line) == ("fails", "1 / 0  # here")
    assert source(fails).splitlines()[last.lineno - 1].strip() == last.line


def test_the_good_server_is_left_as_it_was():
    before = dict(epoll_server.__globals__), source(epoll_server)
    variant(epoll_server, "epoll_server", "", DEAF)
    assert (dict(epoll_server.__globals__), source(epoll_server)) == before
    assert "deaf" not in epoll_server.__globals__


def test_it_may_be_made_of_another_variant():
    deaf = variant(epoll_server, "deaf", "", DEAF)
    both = variant(deaf, "deaf_and_greedy", "", ("echo(client)", "while echo(client):\n    pass"))
    assert "while echo(client)" in source(both) and "epoll.register(stop" not in source(both)


def one_by_one(listener, stop):
    while not stop.is_set():
        readable, _, _ = select.select([listener, stop], [], [])
        if listener in readable:
            with listener.accept()[0] as conn:
                converse(conn)


def converse(conn, times=8):
    for _ in range(times):
        if data := conn.recv(1024):
            conn.sendall(data)


def test_helpers_are_changed_and_tapped_with_their_server():
    once = variant((one_by_one, converse), "once", "", ("times=8", "times=1"))
    assert once.__globals__["converse"].__defaults__ == (1,) and converse.__defaults__ == (8,)
    with muxlab.serve(once, tap=True) as server:
        assert echoes(server.address)
        assert eventually(lambda: server.calls.of("sendall"))  # noted when it has returned: the echo may be earlier
        assert server.calls.of("accept") and server.calls.of("recv")


def test_the_stepper_shows_its_lines():
    step = muxlab.step(variant(epoll_server, "deaf", "", DEAF))
    try:
        assert step.next().line == 3
        assert str(step.state()).startswith("paused before line 3: clients: dict[int, Connection] = {}")
    finally:
        step.stop()


def test_a_tapped_variant_serves_as_its_good_one_does():
    with muxlab.serve(variant(epoll_server, "renamed", ""), tap=True) as server:
        with connect(server.address) as client:
            client.sendall(b"hello")
            assert read_exactly(client, 5) == b"hello"
        assert server.name == "renamed"


def test_two_functions_are_the_same_but_for_names_docstrings_and_comments():
    assert same(epoll_server, variant(epoll_server, "renamed", "Another docstring."))
    assert not same(epoll_server, variant(epoll_server, "deaf", "", DEAF))
    assert not same(print, print)  # no text


class Counter:
    """Counts what was said, for a server below."""

    def __init__(self) -> None:
        self.said = 0

    def note(self, data: bytes) -> bytes:
        """Return how many bytes were said so far."""
        self.said += len(data)
        return b"%d" % self.said


def counts(listener, stop):
    counter = Counter()
    while not stop.is_set():
        readable, _, _ = select.select([listener, stop], [], [])
        if listener in readable:
            with listener.accept()[0] as conn:
                conn.sendall(counter.note(conn.recv(1024)))


def test_a_class_is_changed_with_the_server_that_uses_it():
    doubles = bug(
        (counts, Counter), "doubles", "It counts twice.", ("self.said += len(data)", "self.said += 2 * len(data)")
    )
    with muxlab.serve(doubles.fn) as server, connect(server.address) as client:
        client.sendall(b"hello")
        assert read_exactly(client, 2) == b"10"
    assert Counter().note(b"hello") == b"5"
    lines = doubles.difference.splitlines()
    assert lines[:2] == ["--- counts", "+++ doubles"]
    assert [line for line in lines[2:] if line[0] in "+-"] == [
        "-        self.said += len(data)",
        "+        self.said += 2 * len(data)",
    ]
    assert "<code>counts</code>" in doubles._repr_html_()
