"""What strace prints becomes the calls of the tap: stored traces of four programs, cut lines, odd lines and garbage."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muxlab.measure.real_servers import TRACES, recorded
from muxlab.watch.calls import Calls
from muxlab.watch.strace import Lines
from muxlab.watch.strace_calls import TracedCalls
from muxlab.watch.strace_text import arguments, descriptor, message

LISTENER = "<TCP:[127.0.0.1:80]>"
CLIENT = "<TCP:[127.0.0.1:80->127.0.0.1:5001]>"


def calls_of(text: str) -> Calls:
    traced = TracedCalls()
    traced.feed(text)
    return traced.calls


def said_by(text: str) -> list[str]:
    return [str(call) for call in calls_of(text).events]


COUNTS = {
    "nginx": {
        ("accept", "done"): 10, ("epoll.register", "done"): 12, ("epoll.poll", "ready"): 30,
        ("recv", "data"): 10, ("recv", "end"): 10, ("send", "data"): 10, ("close", "done"): 10,
    },
    "redis-server": {
        ("accept", "done"): 10, ("accept", "EAGAIN"): 1, ("epoll.register", "done"): 12, ("epoll.poll", "ready"): 21,
        ("recv", "data"): 10, ("recv", "end"): 10, ("send", "data"): 10, ("close", "done"): 10,
        ("epoll.unregister", "done"): 10,
    },
    "asyncio": {
        ("accept", "done"): 10, ("accept", "EAGAIN"): 1, ("epoll.register", "done"): 11, ("epoll.poll", "ready"): 21,
        ("recv", "data"): 10, ("recv", "end"): 10, ("send", "data"): 10, ("close", "done"): 10,
        ("epoll.unregister", "done"): 10,
    },
    "epoll": {
        ("accept", "done"): 10, ("accept", "EAGAIN"): 1, ("epoll.register", "done"): 11, ("epoll.poll", "ready"): 21,
        ("recv", "data"): 10, ("recv", "end"): 10, ("send", "data"): 10, ("close", "done"): 10,
        ("epoll.unregister", "done"): 10,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", COUNTS)
def test_the_stored_traces_have_these_calls(name: str) -> None:
    calls = recorded(name).calls
    timeouts = calls.pop(("epoll.poll", "timeout"), 0)
    assert dict(calls) == COUNTS[name]
    assert bool(timeouts) == (name in ("redis-server", "asyncio")), "one has a timer, the other asks without waiting"
    assert calls.server == name


@pytest.mark.parametrize("name", COUNTS)
def test_each_client_of_the_stored_traces_is_named_as_the_tap_would(name: str) -> None:
    events = recorded(name).calls.events
    assert [call.result for call in events if call.name == "accept" and call.outcome == "done"] == [
        f"client {number}" for number in range(1, 11)
    ]
    for number in range(1, 11):
        own = [(call.name, call.outcome) for call in events if call.who == f"client {number}"]
        for expected in (("recv", "data"), ("send", "data"), ("recv", "end"), ("close", "done")):
            assert own.count(expected) == 1, (number, own)
    woken = {client for call in events for client in re.findall(r"client \d+", call.result)}
    assert woken == {f"client {number}" for number in range(1, 11)}


@pytest.mark.parametrize("name", COUNTS)
def test_every_line_of_the_stored_traces_is_understood(name: str) -> None:
    for file in TRACES.glob(f"{name}*.strace"):
        traced = TracedCalls()
        traced.feed(file.read_text())
        assert traced.unread == 0


def test_only_nginx_is_edge_triggered_and_its_listener_is_not() -> None:
    masks = {
        name: {call.args for call in recorded(name).calls.events if call.name == "epoll.register"} for name in COUNTS
    }
    assert {name for name, found in masks.items() if any("ET" in mask.split("|") for mask in found)} == {"nginx"}
    listener = [call.args for call in recorded("nginx").calls.events if call.who == "listener" and call.args]
    assert listener == ["IN|RDHUP"]


@pytest.mark.parametrize("name", COUNTS)
def test_each_asks_for_room_only_when_the_buffer_is_full(name: str) -> None:
    little, much = recorded(name).calls.events, recorded(name, much=True).calls.events
    assert not any("OUT" in call.args for call in little)
    first = next(number for number, call in enumerate(much) if "OUT" in call.args and call.name.startswith("epoll"))
    assert any(call.name == "send" for call in much[:first])
    assert (name == "nginx") == (
        not any(call.args in ("IN", "IN|RDHUP|ET") for call in much[first:] if "m" in call.name)
    )


@pytest.mark.parametrize("name", COUNTS)
def test_a_trace_that_is_cut_anywhere_is_read_as_far_as_it_goes(name: str) -> None:
    lines = (TRACES / f"{name}.strace").read_text().splitlines(keepends=True)
    whole = TracedCalls()
    totals = []
    for line in lines:
        whole.feed(line)
        totals.append(whole.calls.total())
    assert totals == sorted(totals)
    for cut in range(0, len(lines), 7):  # from any line on
        rest = TracedCalls()
        rest.feed("".join(lines[cut:]))
        assert rest.calls.total() + totals[max(cut - 1, 0)] >= totals[-1] - 2, "a call in two pieces may be lost"
    for cut in range(1, 60):  # a line that ends early
        TracedCalls().feed("".join(lines[:40]) + lines[40][:-cut])


def test_a_call_in_two_pieces_is_put_together() -> None:
    text = (
        f"7<a> 1.0 recvfrom(5{CLIENT},  <unfinished ...>\n"
        f'8<a> 1.1 write(6{CLIENT.replace("5001", "5002")}, "x", 1) = 1 <0.000010>\n'
        '7<a> 1.2 <... recvfrom resumed>"hello", 64, 0, NULL, NULL) = 5 <0.200000>\n'
    )
    events = calls_of(text).events
    assert [str(call) for call in events] == ["send(client 1, b'x') = 1", "recv(client 2, 64) = b'hello'"]
    assert (events[1].began, events[1].took) == (1.0, 0.2)


def test_a_rest_without_its_beginning_and_a_beginning_without_its_rest_count_nothing() -> None:
    assert not calls_of('7 1.0 <... recvfrom resumed>"hello", 64, 0, NULL, NULL) = 5 <0.2>\n')
    assert not calls_of(f"7 1.0 recvfrom(5{CLIENT},  <unfinished ...>\n7 1.1 +++ exited with 0 +++\n")
    assert not calls_of("7 1.0 epoll_wait(4<anon_inode:[eventpoll]>, ")


def test_what_is_no_call_is_passed_over() -> None:
    traced = TracedCalls()
    traced.feed(
        "--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED} ---\n"
        "7<a> 1.0 --- SIGTERM {si_signo=SIGTERM, si_code=SI_USER, si_pid=1} ---\n"
        "7<a> 1.1 --- stopped by SIGSTOP ---\n"
        "7<a> 1.2 +++ killed by SIGKILL +++\n"
        "strace: Process 8 attached\n"
        "# a remark\n\n"
        "7<a> 1.3 rt_sigsuspend([], 8) = ? ERESTARTNOHAND (To be restarted if no handler) <1.0>\n"
        "7<a> 1.4 exit_group(0)                     = ?\n"
        "7<a> 1.5 exit_group(0 <unfinished ...>\n"
        "8<a> 1.6 epoll_wait(6<anon_inode:[eventpoll]>,  <detached ...>\n"
    )
    assert not traced.calls
    assert not traced.others
    assert traced.unread == 0


def test_a_wait_that_a_signal_interrupts_is_not_counted() -> None:
    assert not calls_of(
        "7 1.0 epoll_wait(4<anon_inode:[eventpoll]>, 0x7f, 16, -1) = -1 EINTR (Interrupted system call)\n"
    )


def test_lines_without_process_time_and_duration_are_read() -> None:
    assert said_by(f'recvfrom(5{CLIENT}, "hi\\n", 64, 0, NULL, NULL) = 3\n') == ["recv(client 1, 64) = b'hi\\n'"]
    assert said_by(f'[pid  77] recvfrom(5{CLIENT}, "", 64, 0, NULL, NULL) = 0\n') == ["recv(client 1, 64) = b''"]


def test_each_way_of_waiting_reads_as_the_tap_has_it() -> None:
    two = f"[{{fd=3{LISTENER}, events=POLLIN}}, {{fd=5{CLIENT}, events=POLLIN|POLLOUT}}]"
    assert said_by(f"poll({two}, 2, 1500) = 1 ([{{fd=5, revents=POLLIN|POLLHUP}}])\n") == [
        "poll.poll(1.5) = [client 1 IN|HUP]"
    ]
    assert said_by(f"ppoll({two}, 2, {{tv_sec=0, tv_nsec=250000000}}, NULL, 0) = 0 (Timeout)\n") == [
        "poll.poll(0.25) = []"
    ]
    sets = f"[3{LISTENER} 5{CLIENT}], [], [], {{tv_sec=1, tv_usec=500000}}"
    assert said_by(f"select(6, {sets}) = 1 (in [5], left {{tv_sec=1, tv_usec=0}})\n") == [
        "select.select([listener, client 1], [], [], 1.5) = [client 1], [], []"
    ]
    assert said_by(f"pselect6(6, [3{LISTENER}], NULL, NULL, NULL, NULL) = 1 (in [3])\n") == [
        "select.select([listener], [], []) = [listener], [], []"
    ]
    epoll = "4<anon_inode:[eventpoll]>"
    assert said_by(
        f"epoll_ctl({epoll}, EPOLL_CTL_ADD, 5{CLIENT}, {{events=EPOLLIN|EPOLLET, data={{u32=99, u64=99}}}}) = 0\n"
        f"epoll_wait({epoll}, [{{events=EPOLLIN, data={{u32=99, u64=99}}}}], 16, -1) = 1\n"
        f"epoll_ctl({epoll}, EPOLL_CTL_MOD, 5{CLIENT}, {{events=EPOLLOUT, data={{u32=99, u64=99}}}}) = 0\n"
        f"epoll_pwait2({epoll}, [], 16, {{tv_sec=0, tv_nsec=500000000}}, NULL, 0) = 0\n"
        f"epoll_ctl({epoll}, EPOLL_CTL_DEL, 5{CLIENT}, 0x7ffd) = 0\n"
        f"close({epoll}) = 0\n"
    ) == [
        "epoll.register(client 1, IN|ET)",
        "epoll.poll() = [client 1 IN]",
        "epoll.modify(client 1, OUT)",
        "epoll.poll(0.5) = []",
        "epoll.unregister(client 1)",
        "epoll.close()",
    ]
    assert said_by("clock_nanosleep(CLOCK_MONOTONIC, 0, {tv_sec=2, tv_nsec=0}, NULL) = 0\n") == ["time.sleep(2)"]


def test_failures_have_the_names_of_their_errors() -> None:
    again = "-1 EAGAIN (Resource temporarily unavailable)"
    assert said_by(
        f"accept4(3{LISTENER}, 0x7ffc, [128], SOCK_NONBLOCK) = {again}\n"
        f"read(5{CLIENT}, 0x55, 1024) = -1 ECONNRESET (Connection reset by peer)\n"
        f'sendto(5{CLIENT}, "x", 1, 0, NULL, 0) = {again}\n'
    ) == ["accept(listener) = EAGAIN", "recv(client 1, 1024) = ECONNRESET", "send(client 1, b'x') = EAGAIN"]


def test_files_are_counted_apart_and_a_connection_of_the_servers_own_is_no_client() -> None:
    traced = TracedCalls()
    out = "<TCP:[127.0.0.1:40000->127.0.0.1:9000]>"
    traced.feed(
        'openat(AT_FDCWD</tmp>, "/etc/hosts", O_RDONLY) = 7</etc/hosts>\n'
        'read(7</etc/hosts>, "127.0.0.1 localh"..., 4096) = 170\n'
        "close(7</etc/hosts>) = 0\n"
        'connect(8<TCP:[99]>, {sa_family=AF_INET, sin_port=htons(9000), sin_addr=inet_addr("127.0.0.1")}, 16) = 0\n'
        f'write(8{out}, "x", 1) = 1\n'
        f'read(5{CLIENT}, "y", 64) = 1\n'
    )
    assert traced.others == {"openat": 1, "read": 1, "close": 1}
    assert [(call.name, call.who) for call in traced.calls.events] == [
        ("connect", "socket"), ("send", "socket"), ("recv", "client 1"),
    ]  # fmt: skip


def test_processes_are_kept_apart_by_name() -> None:
    traced = TracedCalls()
    for pid, number in ((7, 1), (8, 2), (9, 3)):
        traced.feed(f'{pid}<web> 1.0 read(5{CLIENT.replace("5001", f"500{number}")}, "y", 64) = 1\n')
    traced.feed('10<cache> 1.0 read(5<TCP:[127.0.0.1:80->127.0.0.1:5009]>, "y", 64) = 1\n')
    assert {name: calls.total() for name, calls in traced.processes.items()} == {
        "web": 1, "web 2": 1, "web 3": 1, "cache": 1,
    }  # fmt: skip
    assert traced.pids() == [7, 8, 9, 10]
    assert traced.calls.total() == 4


def test_arguments_are_cut_at_their_own_commas() -> None:
    assert arguments('5<TCP:[a->b]>, "a, b\\", (", {x=[1, 2], y={z=3}}, NULL') == [
        "5<TCP:[a->b]>", '"a, b\\", ("', "{x=[1, 2], y={z=3}}", "NULL",
    ]  # fmt: skip
    assert arguments("") == []


@given(st.binary(max_size=16))
def test_a_message_comes_back_from_how_c_writes_it(data: bytes) -> None:
    in_octal = "".join(f"\\{byte:03o}" for byte in data)
    assert message(f'"{in_octal}"') == data


def test_the_letters_of_c() -> None:
    assert message(r'"PING\r\n\t\0\1\"\\\377"...') == b'PING\r\n\t\0\1"\\\xff'


def test_a_descriptor_may_be_a_bare_number() -> None:
    assert (descriptor("7").fd, descriptor("7").about) == (7, "")
    assert descriptor("NULL").fd == -1


PIECES = st.sampled_from(
    ["7<a> ", "1.5 ", "epoll_wait(", "accept4(", "5" + CLIENT, "3" + LISTENER, ", ", ")", " = ", "27", "-1 EAGAIN",
     " <unfinished ...>", "<... recvfrom resumed>", "{", "}", "[", "]", '"', "\\", "fd=", "events=EPOLLIN", "?",
     "read(", "select(", "poll(", "epoll_ctl(", "EPOLL_CTL_ADD", "close(", "sendto(", "connect(", "nanosleep(", "\n"]
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(st.one_of(st.lists(PIECES, max_size=25).map("".join), st.text(max_size=80)))
def test_no_line_however_odd_raises_an_error(text: str) -> None:
    traced = TracedCalls()
    traced.feed(text)
    traced.feed(text + "\n" + text)
    assert traced.calls.total() == sum(calls.total() for calls in traced.processes.values())
    for call in traced.calls.events:
        assert str(call)


@pytest.mark.parametrize("number", ["9" * 5000, "\u00b2"])
def test_no_number_however_odd_raises_an_error(number: str) -> None:
    """Python refuses to read numbers of more than 4,300 digits, and a superscript is a digit only by name."""
    traced = TracedCalls()
    for line in (
        f'{number}<a> 1.5 read(5{CLIENT}, "", 5) = 0',
        f'7<a> 1.5 read({number}{CLIENT}, "", 5) = {number}',
        f"7<a> 1.5 epoll_wait(4<anon_inode:[eventpoll]>, [], 8, {number}) = 0",
        f"7<a> 1.5 poll([{{fd={number}, events=POLLIN}}], 1, {number}) = 1 ([{{fd={number}, revents=POLLIN}}])",
        f"7<a> 1.5 select({number}, [{number}], NULL, NULL, {{tv_sec={number}, tv_usec={number}}}) = 1 (in [{number}])",
    ):
        traced.feed(line)
    assert all(str(call) for call in traced.calls.events)


def test_only_a_line_feed_ends_a_line() -> None:
    traced = TracedCalls()
    traced.feed(f'7<a> 1.5 sendto(5{CLIENT}, "a\x0bb\u2028c", 5, 0, NULL, 0) = 5\n')
    assert traced.calls["send", "data"] == 1


def test_lines_remember_who_is_in_a_call() -> None:
    lines = Lines()
    assert lines.read("7<a> 1.0 epoll_wait(4<anon_inode:[eventpoll]>,  <unfinished ...>") is None
    assert {pid: name for pid, (_, name, _) in lines.begun.items()} == {7: "epoll_wait"}
