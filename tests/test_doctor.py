"""What the machine allows: descriptors and ports, how they are raised or refused, and what the doctor tells of them."""

import html
import re
import resource
from collections.abc import Iterator

import pytest

import muxlab
from muxlab import doctor, limits
from muxlab.doctor import Diagnosis, Finding


@pytest.fixture
def soft_limit() -> Iterator[int]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    yield 512
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.slow
def test_a_low_soft_limit_is_raised_for_a_swarm(soft_limit: int) -> None:
    with muxlab.serve(muxlab.SERVERS["epoll"]) as server, muxlab.Swarm(server, connections=600, active=5) as swarm:
        swarm.wait_connected()
        assert swarm.snapshot().errors == 0
    assert limits.descriptor_limits()[0] > soft_limit


@pytest.mark.parametrize("wanted", [0, -1, 2.5, "1024", True, None])
def test_what_is_no_number_of_descriptors_is_refused(wanted: object) -> None:
    with pytest.raises(ValueError, match=r"wanted=.*1 or more"):
        muxlab.raise_descriptor_limit(wanted)


def test_the_limit_is_raised_as_far_as_it_may_be_and_never_lowered(soft_limit: int) -> None:
    muxlab.raise_descriptor_limit(100)
    assert limits.descriptor_limits()[0] == soft_limit
    muxlab.raise_descriptor_limit(600)
    assert limits.descriptor_limits()[0] == 600
    hard = limits.descriptor_limits()[1]
    muxlab.raise_descriptor_limit(hard + 10**6)
    assert limits.descriptor_limits() == (hard, hard)


def test_as_many_connections_fit_as_there_are_descriptors_for_their_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "open_descriptors", lambda: list(range(36)))
    monkeypatch.setattr(limits, "descriptor_limits", lambda: (100, 1100))
    monkeypatch.setattr(limits, "ephemeral_ports", lambda: 28_000)
    assert muxlab.most_connections(server_here=True) == 500  # 1,100 but for 36 that are open and 64 to spare
    assert muxlab.most_connections(server_here=True, clients_here=False) == 1000
    assert muxlab.most_connections(server_here=True, already=100) == 600
    monkeypatch.setattr(limits, "ephemeral_ports", lambda: 300)
    assert muxlab.most_connections(server_here=True) == 300


def test_no_room_above_the_floor_means_low_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "descriptor_limits", lambda: (1000, 1000))
    assert limits.descriptors_needed(50, server_here=True)[1] == 0
    monkeypatch.setattr(limits, "descriptor_limits", lambda: (1000, 4000))
    assert limits.descriptors_needed(50, server_here=True)[1] == limits.CLIENT_FLOOR


def test_what_just_fits_is_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "raise_descriptor_limit", lambda wanted: None)
    for here in (True, False):
        most = limits.most_connections(here)
        limits.make_room(most, here)
        with pytest.raises(ValueError, match="too many"):
            limits.make_room(most + 1, here)


def test_the_doctor_says_the_same_in_text_and_html() -> None:
    report = doctor()
    page = html.unescape(re.sub("<[^>]+>", " ", report._repr_html_()))
    for finding in report.findings:
        for word in (finding.name, finding.value, finding.meaning):
            assert word in str(report) and word in page
    assert report.verdict in str(report) and report.verdict in page


def test_the_table_is_folded_but_for_what_limits_the_course() -> None:
    findings = tuple(Finding(name, "7", "so what", name == "good", "a word") for name in ("good", "bad"))
    shown, folded = Diagnosis(findings)._repr_html_().split("<details>")
    assert "bad" in shown and "good" not in shown
    assert "good" in folded and "bad" not in folded and "a word" in folded
    shown, folded = Diagnosis(findings[:1])._repr_html_().split("<details>")
    assert "<table>" not in shown and "good" in folded


def test_the_doctor_marks_what_limits_the_course(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "descriptor_limits", lambda: (256, 512))
    monkeypatch.setattr(limits, "ephemeral_ports", lambda: 100)
    report = doctor()
    marked = {finding.name for finding in report.findings if not finding.fine}
    assert {"descriptors, hard limit", "ports for clients"} <= marked
    assert not report.fine and "with limits: see the " in report.verdict
    (found,) = [finding for finding in report.findings if finding.name == "descriptors, hard limit"]
    assert "chapters 2, 3, 4, 5, 6, 9, 11, 12 and 14 have cells that need more" in found.meaning
    assert "sudo prlimit --pid $$" in found.meaning


def test_the_doctor_says_that_the_largest_crowd_is_cut_where_only_that_does_not_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "descriptor_limits", lambda: (1024, 8192))
    (found,) = [finding for finding in doctor().findings if finding.name == "descriptors, hard limit"]
    assert found.fine and "to one server is 19,000, and is cut to what fits" in found.meaning
