"""Chapter 13, part (c): what it was recorded as, for systems without io_uring; and the picture of the two queues."""

import json
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

import muxlab
from muxlab.measure import on_a_ring, ring_here, ring_results
from muxlab.ring import Queues

ROOT = Path(__file__).parent.parent
WITHOUT = ROOT / "tests" / "support" / "without_ring.py"

FIRST = Queues(("recv client 1", "recv client 2"), (), ())
LATER = [[], ["recv client 1"], ["recv client 2 = ECONNRESET"]]


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring_results, "refusal", lambda: "io_uring is not allowed here")


def never() -> None:
    pytest.fail("there is no ring, and the experiment was run")


@pytest.mark.slow
def test_the_part_says_the_same_without_io_uring() -> None:
    command = [sys.executable, WITHOUT, "EPERM", sys.executable, ROOT / "tools" / "record_ring.py", "--check"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if "no seccomp filter" in run.stderr:
        pytest.skip("no seccomp filter can be set here")
    assert run.returncode == 0, run.stderr


def test_what_was_recorded_is_returned_where_it_cannot_be_run(refused: None) -> None:
    assert on_a_ring("look into the buffer", never)[0] == "hello"
    assert ring_here().startswith("io_uring is not allowed here.\n")
    assert "recorded on Linux" in ring_here()
    with pytest.raises(LookupError, match="choose from three requests"):
        on_a_ring("another", never)


def test_live_results_have_the_form_of_recorded_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring_results, "refusal", str)
    monkeypatch.setattr(ring_results, "results", {})
    assert on_a_ring("mine", lambda: {"moment": FIRST}) == {"moment": [["recv client 1", "recv client 2"], [], []]}
    assert ring_results.results == json.loads(json.dumps({"mine": {"moment": FIRST}}))
    assert "live" in ring_here()


def test_the_queues_are_drawn_and_said_in_words(drawing: None) -> None:
    ax = muxlab.show.queues({"asked": FIRST, "entered": LATER})
    texts = [text.get_text() for text in ax.texts]
    assert texts[:4] == ["submission queue", "with the kernel", "completion queue", "asked"]
    assert texts.count("recv client 1") == 2 and "recv client 2 = ECONNRESET" in texts
    assert ax.figure.words().splitlines() == [
        "asked: submission queue: recv client 1, recv client 2; with the kernel: nothing; completion queue: nothing",
        "entered: submission queue: nothing; with the kernel: recv client 1; "
        "completion queue: recv client 2 = ECONNRESET",
    ]
    width = ax.get_xlim()[1]
    assert all(patch.get_extents().x1 <= ax.transData.transform((width, 0))[0] for patch in ax.patches)
    plt.close("all")


@pytest.mark.parametrize("moments", [{}, {"asked": ["recv"]}])
def test_what_is_no_queues_is_refused(moments: dict) -> None:
    with pytest.raises(ValueError, match=r"Ring\.queues"):
        muxlab.show.queues(moments)
