"""The interrupt of something long: it is told in one line, with the learner's own line in it, and leaves nothing."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

import muxlab
from muxlab.errors import Interrupted
from muxlab.measure import chain_cost, churn_cost, echo_cost, pass_cost, protocol, wait_cost
from muxlab.servers import epoll_server

LONG = 60.0  # seconds: each test ends long before, by its interrupt


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
# A socket that was cut off before it got into its `with` is closed by its finaliser, which warns: nothing is lost.
@pytest.mark.filterwarnings(r"ignore:Exception ignored in. <socket.socket .* laddr=.'0.0.0.0', 0.>")
@pytest.mark.parametrize(
    "measure",
    [
        lambda: wait_cost("epoll", [5, 10], seconds=LONG),
        lambda: pass_cost("poll", [5, 10], seconds=LONG),
        lambda: chain_cost("select", [200, 300], writes=10**6, seconds=LONG),
        lambda: echo_cost(epoll_server, [5, 10], seconds=LONG),
        lambda: echo_cost(epoll_server, [5, 10], isolate=True, seconds=LONG),
        lambda: churn_cost(epoll_server, [5, 10], payload=2**20, seconds=LONG),
    ],
)
def test_a_measurement_says_how_far_it_came(measure: Callable, interrupt: Callable) -> None:
    """That nothing is left of it is counted around every test."""
    interrupt(0.5)
    with pytest.raises(Interrupted, match=r"you stopped measuring \(.+\) after \d of \d+ measurements") as caught:
        measure()
    (shown,) = caught.value._render_traceback_()
    assert "in line" in shown and shown.endswith("=LONG),") and "_cost(" in shown
    assert caught.value.__suppress_context__


def test_what_was_measured_before_is_counted() -> None:
    def stops_at_the_third(setting: int) -> int:
        if setting == 30:
            raise KeyboardInterrupt
        return setting * 2

    assert protocol.each([10, 20], "numbers", stops_at_the_third) == [20, 40]
    with pytest.raises(Interrupted, match=r"\(numbers\) after 2 of 4 measurements"):
        protocol.each([10, 20, 30, 40], "numbers", stops_at_the_third)


# A file of /proc whose `open` was cut off is closed by its finaliser, which warns: nothing is lost.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <_io.FileIO name='/proc")
def test_an_interrupt_while_the_pairs_are_opened_loses_none(interrupt: Callable) -> None:
    """Counted around the test: each pair is two numbers before anything knows of them."""
    for number in range(1, 40):
        with pytest.raises(KeyboardInterrupt):
            interrupt(number * 2e-4)
            wait_cost("epoll", 900, seconds=LONG)


@pytest.mark.parametrize("isolate", [False, True])
def test_a_wait_for_a_swarm_says_how_it_stands(isolate: bool, interrupt: Callable) -> None:
    with muxlab.serve(epoll_server) as server, muxlab.Swarm(server, 5, isolate=isolate) as swarm:
        swarm.wait_connected()
        interrupt(0.1)
        with pytest.raises(Interrupted, match=r"you stopped waiting: 5 of 5 connected, \d+ replies") as caught:
            swarm.wait_replies(10**9, timeout=LONG)
        (shown,) = caught.value._render_traceback_()
        assert shown.endswith("swarm.wait_replies(10**9, timeout=LONG)")
        swarm.wait_replies(10)


IN_A_KERNEL = """
import json, re, sys
from jupyter_client.manager import start_new_kernel

manager, client = start_new_kernel(extra_arguments=["--log-level=40"])
try:
    # With the experiments, which are imported on first use: on a busy machine the interrupt arrived in that import.
    client.execute_interactive("import muxlab.measure", timeout=60)
    for cell in json.loads(sys.argv[1]):
        asked = client.execute(cell)
        while (message := client.get_iopub_msg(timeout=60))["content"].get("execution_state") != "idle" or (
            message["parent_header"]["msg_id"] != asked
        ):
            if message["msg_type"] == "stream":
                manager.interrupt_kernel()
            elif message["msg_type"] == "error":
                print(json.dumps([message["content"]["ename"], message["content"]["traceback"]]))
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
"""
CELLS = {
    "rows = muxlab.measure.wait_cost('epoll', [5, 10], seconds=60)": (
        "x = 1\nprint('now')\n{}\n",
        "after 0 of 2 measurements, in line 3: ",
    ),
    "return muxlab.measure.echo_cost(muxlab.SERVERS['epoll'], 5, seconds=60)": (
        "print('now')\ndef mine():\n    {}\nmine()",
        "after 0 of 5 measurements, in line 3: ",
    ),
    "swarm.wait_replies(10**9, timeout=60)": (
        "with muxlab.serve(muxlab.SERVERS['epoll']) as server, muxlab.Swarm(server, 5) as swarm:\n"
        "    swarm.wait_connected()\n    print('now')\n    {}\n",
        " replies of ",
    ),
}


@pytest.mark.slow
def test_a_real_kernel_shows_one_line() -> None:
    cells = [cell.format(line) for line, (cell, _) in CELLS.items()]
    done = subprocess.run(
        [sys.executable, "-c", IN_A_KERNEL, json.dumps(cells)],
        capture_output=True,
        text=True,
        timeout=180,
        stdin=subprocess.DEVNULL,
    )
    shown = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(shown) == len(CELLS), done.stderr
    for (name, traceback), (line, (_, says)) in zip(shown, CELLS.items(), strict=True):
        assert name == "Interrupted" and len(traceback) == 1
        assert says in traceback[0] and traceback[0].endswith(line)
