"""Every unit test leaves the process as it found it: no thread, no child process, no descriptor more than before."""

import gc
import signal
from collections.abc import Iterator

import pytest
from ahead import ahead, outcome  # noqa: F401  (fixtures)
from batteries import verdicts  # noqa: F401  (a fixture)
from lab_account import account  # noqa: F401  (a fixture)
from leaks import left_over, snapshot


def pytest_configure() -> None:
    """Let Ctrl-C work in the programs that the tests start, also where a shell started us in the background.

    Such a shell has its jobs ignore SIGINT, and what is ignored stays so in child processes: signal(7).
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


LONGEST = ("tests/browser/", "tests/test_trials.py", "tests/test_everything.py", "tests/test_search.py")
"""What takes longest, in this order."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let what takes longest come first, so that no worker is left with it at the end while the other is idle.

    Files that look at what is run ahead come last: by then most of it has been run.
    """
    look_at_it = {item.path for item in items if item.get_closest_marker("ahead")}

    def rank(item: pytest.Item) -> tuple[bool, int]:
        place = next((place for place, start in enumerate(LONGEST) if item.nodeid.startswith(start)), len(LONGEST))
        return item.path in look_at_it, place

    items.sort(key=rank)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Keep the browser tests in one process, as `--dist=loadfile` keeps those of a file: they share one JupyterLab."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False  # else the file with the most tests would come first

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return "browser" if "browser/" in file else file

    return Scheduling(config, log)


@pytest.fixture(scope="session")
def fonts() -> None:
    """Let matplotlib open its fonts, which it keeps open for good, before descriptors are counted."""
    from muxlab.show import style

    with style.style():
        figure, ax = style.new_picture(1.0)
        for weight in ("normal", "bold"):
            for family in ("sans-serif", "monospace"):
                style.write(ax, 0.5, 0.5, "text", weight=weight, family=family)
        style.png(figure)


@pytest.fixture
def drawing(fonts: None) -> Iterator[None]:
    """Draw into memory; close every panel and forget every figure afterwards."""
    import matplotlib
    from matplotlib import pyplot

    from muxlab.show.panel import Panel

    matplotlib.use("agg")
    yield
    for panel in list(Panel._panels):
        panel.close()
    pyplot.close("all")


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
