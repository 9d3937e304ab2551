"""Every unit test leaves the process as it found it: no thread, no child process, no descriptor more than before."""

from collections.abc import Iterator

import pytest
from leaks import left_over, snapshot


@pytest.fixture(autouse=True)
def nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves something running or open. Browser tests share one JupyterLab, and are not counted."""
    if request.node.get_closest_marker("browser"):
        yield
        return
    before = snapshot()
    yield
    left = left_over(before)
    if left:
        pytest.fail("left behind: " + ", ".join(left), pytrace=False)
