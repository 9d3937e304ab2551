"""The ascent over all cores: its plan, its rows, what it refuses, and that an interrupt leaves nothing."""

import signal
from collections.abc import Callable, Iterator

import pytest

from muxlab import limits
from muxlab.errors import Interrupted
from muxlab.measure import AllCores, Rows, all_cores, crowd_plan, doubt_about_memory, read_csv, slope
from muxlab.measure.plans import CrowdPlan, free_memory, meminfo, room_by_limit
from muxlab.server_processes import ServerProcesses


def numbers_from(pages: dict[str, list[int]]) -> Callable[[str, list[int]], list[int]]:
    """Return a `proc_numbers` that finds these pages, by the last part of their path, and no others."""
    return lambda path, otherwise: pages.get(path.rpartition("/")[2], otherwise)


@pytest.fixture
def roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of which all is known: 10,000 descriptors for a process, 16 GiB free, 4 cores."""
    monkeypatch.setattr(limits, "descriptor_limits", lambda: (1024, 10_064))
    monkeypatch.setattr(limits, "ephemeral_ports", lambda: 20_000)
    monkeypatch.setattr("muxlab.measure.plans.free_memory", lambda: 16 * 2**30)
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(4)))
    pages = {"file-nr": [1000, 0, 2_001_000], "max_user_watches": [3_000_000], "nf_conntrack_max": [5000]}
    monkeypatch.setattr(limits, "proc_numbers", numbers_from(pages))


@pytest.mark.usefixtures("roomy")
def test_a_plan_is_made_of_the_limits() -> None:
    plan = crowd_plan(100_000)
    assert plan.connections == plan.wanted == 100_000
    assert (plan.servers, plan.swarms, plan.cores) == (12, 10, 4)  # 10,000 descriptors each, a tenth to spare
    assert plan.room == {
        "descriptors": 32 * 9_000,
        "ports": 250 * 20_000,
        "memory": 8 * 2**30 // 10_240,
        "files of all processes": 1_000_000,
        "epoll watches": 1_500_000,
    }
    assert plan.limit == "descriptors"
    assert str(plan).startswith(
        "100,000 connections: 12 server processes, 10 client processes, on 4 cores, in some 976"
    )
    assert "  descriptors                  288,000 connections" in str(plan)


@pytest.mark.usefixtures("roomy")
def test_a_plan_is_cut_to_what_fits_and_says_why() -> None:
    plan = crowd_plan(10**6)
    assert plan.connections == plan.room["descriptors"] == 288_000
    assert (plan.servers, plan.swarms) == (32, 29)
    assert "288,000 connections (1,000,000 are too many; first to run out: descriptors)" in str(plan)
    assert crowd_plan(100_000, servers=2).connections == 18_000
    assert crowd_plan(100_000, swarms=3).connections == 30_000


@pytest.mark.usefixtures("roomy")
def test_a_firewall_counts_only_where_it_keeps_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "the firewall's list" not in crowd_plan(6000).room
    pages = {"nf_conntrack_max": [5000], "nf_conntrack_count": [100]}
    monkeypatch.setattr(limits, "proc_numbers", numbers_from(pages))
    plan = crowd_plan(6000)
    assert plan.connections == plan.room["the firewall's list"] == 4900
    assert "4,900 connections (6,000 are too many; first to run out: the firewall's list)" in str(plan)
    assert "files of all processes" not in plan.room


@pytest.mark.usefixtures("roomy")
def test_few_connections_are_spread_over_half_of_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (crowd_plan(100).servers, crowd_plan(100).swarms) == (2, 2)
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(16)))
    assert (crowd_plan(100).servers, crowd_plan(100, swarms=3).swarms) == (8, 3)
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {0})
    assert crowd_plan(100).servers == 2


@pytest.mark.parametrize("arguments", [{"connections": 0}, {"servers": 0}, {"swarms": -1}])
def test_a_plan_for_nothing_is_refused(arguments: dict) -> None:
    (name,) = arguments
    with pytest.raises(ValueError, match=f"{name}="):
        crowd_plan(**arguments)


def test_the_limits_of_this_machine_are_found() -> None:
    room = room_by_limit(32, 32)
    assert {"descriptors", "ports", "memory"} <= set(room) and all(most > 0 for most in room.values())
    assert 0 < free_memory() <= meminfo("MemTotal")
    assert meminfo("Nonsense") == 0


@pytest.mark.slow
def test_every_client_of_each_step_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("muxlab.measure.ascent.MESSAGES", 50)
    rows = all_cores([300, 100], plan=crowd_plan(300, servers=3, swarms=2))
    assert [row.connections for row in rows] == [100, 300]
    for row in rows:
        assert (row.server, row.servers, row.swarms) == ("epoll", 3, 2)
        assert row.answered == row.held == row.connections and row.lost == 0
        assert 0 < row.least_share <= row.most_share < row.connections
        assert (
            0 < row.least / 1e6 <= row.p50 * 1.01
            and row.p50 <= row.p99
            and row.repeats == 10
            and row.cpu_us_per_reply > 0
            and row.kib == row.kernel_kib + row.python_kib
        )
    assert rows[0].seconds_to_open < rows[1].seconds_to_open  # counted from none
    assert slope(rows).exponent is not None


@pytest.mark.parametrize("plan", [5, 0, "large"])
def test_something_else_than_a_plan_is_refused(plan: object) -> None:
    with pytest.raises(TypeError, match="give what crowd_plan returns"):
        all_cores(10, plan=plan)


def test_rows_can_be_written_and_read(tmp_path) -> None:
    row = AllCores("epoll", 100, 2, 2, 100, 0, 100, 48, 52, 0.5, 3e-5, 9e-5, 8.0, 1.0, 12.0)
    Rows([row]).to_csv(tmp_path / "rows.csv")
    assert read_csv(tmp_path / "rows.csv", AllCores) == [row]


def weighed(connections: int, kernel_kib: float) -> AllCores:
    """Return a row of which only the memory matters."""
    return AllCores("epoll", connections, 2, 2, 0, 0, 0, 0, 0, 0.5, 3e-5, 9e-5, kernel_kib, 1.0, 12.0)


def test_memory_is_doubted_when_it_shrinks_or_is_less_than_a_socket() -> None:
    assert doubt_about_memory([]) == ""
    assert doubt_about_memory([weighed(10_000, 8.0), weighed(1000, 9.0)]) == ""
    shrunk = doubt_about_memory([weighed(100_000, 0.0), weighed(1000, 9.0), weighed(10_000, 14.0)])
    assert shrunk.startswith("100,000 connections seem to take 98 MiB, and 10,000 took 146")
    assert doubt_about_memory([weighed(1000, 0.5), weighed(10_000, 0.9)]).startswith(
        "A connection seems to take 0.9 KiB"
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"connections": []}, "give one number, or several"),
        ({"connections": 100, "server": "select"}, "server='select': it has to be one of epoll, "),
        (
            {"connections": 10**9},
            r"(?s)1,000,000,000 connections are more than there is room for\..* first to run out: ",
        ),
    ],
)
def test_what_cannot_be_held_is_refused_before_anything_starts(
    arguments: dict, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("muxlab.measure.ascent.ServerProcesses", lambda *_: pytest.fail("started"))
    with pytest.raises(ValueError, match=says):
        all_cores(**arguments)


def test_a_plan_for_fewer_is_not_stretched() -> None:
    plan = crowd_plan(50)
    assert isinstance(plan, CrowdPlan)
    with pytest.raises(ValueError, match="100 connections are more than there is room for"):
        all_cores([50, 100], plan=plan)


@pytest.fixture
def interrupt() -> Iterator[Callable[[float], None]]:
    """Interrupt the main thread as Ctrl-C does, after so many seconds."""

    def ctrl_c(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, ctrl_c)
    yield lambda seconds: signal.setitimer(signal.ITIMER_REAL, seconds)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.01, 0.4, 0.9])
def test_an_interrupt_leaves_nothing(seconds: float, interrupt: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes, threads and descriptors are counted around the test. It would take a minute and more."""
    monkeypatch.setattr("muxlab.measure.ascent.MESSAGES", 10**6)
    interrupt(seconds)
    with pytest.raises(Interrupted, match="you stopped the ascent after 0 of 2 steps; nothing is left"):
        all_cores([4000, 5000], plan=crowd_plan(5000))


@pytest.mark.slow
def test_a_server_that_dies_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def died(self: ServerProcesses) -> None:
        raise ChildProcessError("the server process 1 has ended")

    monkeypatch.setattr(ServerProcesses, "check_alive", died)
    with pytest.raises(ChildProcessError, match="has ended"):
        all_cores(2000, plan=crowd_plan(2000))
