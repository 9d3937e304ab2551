"""Every unit test leaves the process as it found it: no thread, no child process, no descriptor more than before."""

import gc
import signal
from collections.abc import Iterator

import pytest
from batteries import batteries  # noqa: F401  (a fixture)
from leaks import left_over, snapshot


def pytest_configure() -> None:
    """Let Ctrl-C work in the programs that the tests start, also where a shell started us in the background.

    Such a shell has its jobs ignore SIGINT, and what is ignored stays so in child processes: signal(7).
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves something running or open. Browser tests share one JupyterLab, and are not counted."""
    if request.node.get_closest_marker("browser"):
        yield
        return
    gc.collect()
    gc.freeze()  # what is there by now need not be looked through again: a collection takes microseconds, and not 15 ms
    before = snapshot()
    yield
    left = left_over(before)
    if left:
        pytest.fail("left behind: " + ", ".join(left), pytrace=False)
