"""The trials from outside: a server in another process is looked at through the kernel, and judged by its clients."""

import ast
import inspect
import os
import socket
import subprocess
import sys
import textwrap

import pytest
from helpers import connect, eventually, read_exactly, reset

from muxlab.course import EXERCISES
from muxlab.course.exercises import imports_of
from muxlab.course.variant import source
from muxlab.grade.hosted import HostedServer, NoAnswer
from muxlab.grade.outside import UNSEEN, OutsideBattery, OutsideBench, takes_way, trials_from_outside
from muxlab.trials import runner
from muxlab.trials.trial import Failed
from muxlab.watch.socket_table import connections_on, unix_sockets


def text_of(*functions):
    """Return the text of a server, with what it imports."""
    return f"{imports_of(functions)}\n{source(*functions)}"


@pytest.fixture
def host(tmp_path):
    """Return a function that makes the starter of a hosted server from its text; all are ended afterwards."""
    started = []

    def starter(text, name):
        cell = {"place": "cell 1", "source": text, "chosen": list(range(len(ast.parse(text).body)))}
        task = {"notebook": "x.ipynb", "exercise": "", "expression": name, "cells": [cell], "bounds": {}}

        def start(backlog=128, narrow=False, settings=None):
            started.append(HostedServer(task, str(tmp_path), backlog, narrow, settings or {}))
            return started[-1]

        return start

    yield starter
    for server in started:
        server.finish(0)


def solution(host, name):
    """Return the starter of an exercise's solution."""
    return host(text_of(*EXERCISES[name].functions), EXERCISES[name].answer)


# ---- the kernel's table


def test_the_table_tells_what_is_unread_and_who_has_ended():
    with socket.create_server(("127.0.0.1", 0)) as listener, connect(listener.getsockname()) as client:
        port = listener.getsockname()[1]
        assert connections_on(port) == {}, "nobody has accepted it yet"
        with listener.accept()[0] as conn:
            inode = os.fstat(conn.fileno()).st_ino
            client.sendall(b"hello")
            assert eventually(lambda: connections_on(port)[inode] == (True, 5, 0))
            client.shutdown(socket.SHUT_WR)
            assert eventually(lambda: connections_on(port)[inode] == (False, 5, 0))
            reset(client)
            assert eventually(lambda: inode not in connections_on(port))


def test_unix_sockets_are_told_from_others():
    ours, theirs = socket.socketpair()
    with ours, theirs, socket.socket() as other:
        assert os.fstat(ours.fileno()).st_ino in unix_sockets()
        assert os.fstat(other.fileno()).st_ino not in unix_sockets()


# ---- one server


@pytest.mark.slow
def test_a_hosted_server_serves_and_is_looked_into(host):
    server = solution(host, "epoll-echo")()
    assert (server.alive, server.takes_stop, server.parameters) == (True, True, ["listener", "stop"])
    with connect(server.address) as client:
        client.sendall(b"hello")
        assert eventually(lambda: server.accept_queue()[0] == 1), "it has not begun"
        assert not server.connections()
        server.begin()
        assert read_exactly(client, 5) == b"hello"
        assert len(server.connections()) == 1
        assert [entry.established for entry in server.entries()] == [True]
        assert eventually(lambda: server.sleeps_in() == "epoll_wait")
        assert server.listens
        assert not server.asks_for_edges()
        assert server.threads() == []
        assert 0 < server.cpu_seconds() < 60
    assert eventually(lambda: not server.connections())
    server.finish(5.0)
    assert not server.alive
    assert not server.forced


@pytest.mark.slow
def test_a_hosted_server_that_does_not_listen_to_stop_is_killed(host):
    server = solution(host, "cut-short")()
    server.begin()
    assert not server.takes_stop
    server.finish(0.05)
    assert server.forced
    assert not server.alive


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "why"),
    [("raise ValueError('no')", "ValueError: no"), ("import os; os._exit(3)", "did not serve"), ("server = 3", "3")],
)
def test_what_cannot_serve_says_why(text, why, host):
    with pytest.raises(NoAnswer, match=why):
        host(text, "server")()


# ---- the trials


@pytest.mark.slow
def test_a_bench_looks_from_outside(host):
    with OutsideBench(solution(host, "poll-echo")) as bench:
        bench.serve(hold=True, narrow=True)
        client = bench.client().say(b"hello\n")
        bench.release()
        assert bench.answered(client)
        assert bench.alone()
        assert bench.taken()
        assert bench.queued() == 0
        descriptors, _ = bench.kept()
        bench.guests(3)
        assert eventually(lambda: bench.kept()[0] == descriptors + 3)
        with bench.no_descriptors_left():
            client.greet()
            late = bench.crowd(1)
            assert bench.answered(client)
            assert len(bench.server.connections()) == 4
        assert bench.answered(late[0].say(b"and I\n"))


@pytest.mark.slow
def test_a_setting_that_the_function_does_not_take_fails_the_trial(host):
    with OutsideBench(solution(host, "picky")) as bench, pytest.raises(Failed, match="takes no `idle`"):
        bench.serve(idle=1.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "way", "passed"),
    [("picky", "epoll", True), ("picky", "select", False), ("picky", "edge", False), ("one-accept", "edge", True)],
)
def test_the_way_of_waiting_is_seen(name, way, passed, host):
    assert takes_way(way, solution(host, name)).passed is passed


@pytest.mark.slow
def test_a_polling_server_cannot_sleep_and_is_not_blamed(host):
    verdict = OutsideBattery(solution(host, "misspelt")).verdict(runner.TRIALS["sleeps beside silent clients"])
    assert verdict.passed is None
    assert "cannot sleep" in verdict.detail


@pytest.mark.slow
def test_it_ends_with_the_first_trial_that_fails(host):
    exercise = EXERCISES["one-accept"]
    start = host(text_of(exercise.broken), exercise.answer)
    verdicts = list(trials_from_outside(exercise, start))
    assert [verdict.passed for verdict in verdicts] == [True, True, False]
    assert verdicts[-1].name == "accepts a burst of 300"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lost-wakeup", "redis-commands"])
def test_a_solution_passes_from_outside(name, host):
    exercise = EXERCISES[name]
    verdicts = list(trials_from_outside(exercise, host(exercise.solution().source, exercise.answer)))
    assert len(verdicts) == len(exercise.trials)
    assert [verdict for verdict in verdicts if verdict.passed is not True] == []


def test_what_is_not_seen_from_outside_are_trials():
    assert UNSEEN.keys() <= (runner.TRIALS | runner.ON_REQUEST).keys()


# ---- processes


@pytest.mark.slow
def test_nothing_gets_away_from_a_subreaper():
    """A child of a child that begins a session of its own, and whose parent has ended, is found and ended."""

    def program():
        import os
        import time

        from muxlab.grade.process_tree import adopt_orphans, descendants, end_descendants

        adopt_orphans()
        reader, writer = os.pipe()
        if not (child := os.fork()):
            if not os.fork():
                os.setsid()
                os.write(writer, b"!")
                time.sleep(1000)
            os._exit(0)
        os.waitpid(child, 0)
        os.read(reader, 1)
        before = descendants(os.getpid())
        end_descendants(os.getpid())
        print(len(before), len(descendants(os.getpid(), ended=True)))

    assert printed_by(program).split() == ["1", "0"]


@pytest.mark.slow
def test_what_is_hidden_from_learners_is_so_until_another_program_is_run():
    def program():
        import ctypes
        import subprocess
        import sys

        from muxlab.grade.process_tree import hide_from_learners

        hide_from_learners()
        look = "import ctypes; print(ctypes.CDLL(None).prctl(3))"  # PR_GET_DUMPABLE
        print(ctypes.CDLL(None).prctl(3), flush=True)
        subprocess.run([sys.executable, "-c", look], check=True)

    assert printed_by(program).split() == ["0", "1"]


def printed_by(program):
    """Run the body of a function as a program of its own, and return what it prints."""
    text = textwrap.dedent("".join(inspect.getsource(program).splitlines(keepends=True)[1:]))
    return subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True).stdout
