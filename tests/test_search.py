"""The search: conversations as data, how they are played, what is found with them, and what is told of it."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from searches import EXHIBITS, SHOWN, search

import muxlab
from muxlab import notebook
from muxlab.__main__ import main
from muxlab.course.museum.labels import NOT_SHOWN
from muxlab.course.museum.redis import REDIS
from muxlab.server import FORCE_TIMEOUT
from muxlab.trials.conversation import (
    CLOSES,
    CONNECTS,
    HALF_CLOSES,
    POURS,
    READS,
    RESETS,
    SAYS,
    Act,
    Break,
    Conversation,
)
from muxlab.trials.runner import searched
from muxlab.trials.search import Search
from muxlab.trials.stage import Stage
from muxlab.trials.story import Story

ECHOES = ["echoes one message"]


# ---- a conversation is plain data


def test_what_a_client_cannot_do_is_left_out() -> None:
    moments = [
        [Act(1, READS), Act(1, CLOSES), Act(1, SAYS, b"too late\n"), Act(1, CONNECTS)],
        [Act(2, HALF_CLOSES), Act(2, SAYS, b"too late\n"), Act(2, HALF_CLOSES), Act(2, RESETS)],
        [Act(1, CLOSES)],
        [Act(3, SAYS), Act(3, POURS, many=2), Act(3, READS), Act(3, READS)],
    ]
    assert Conversation(moments).moments == (
        (Act(1, CLOSES),),
        (Act(2, HALF_CLOSES), Act(2, RESETS)),
        (Act(3, POURS, many=2), Act(3, READS)),
    )


def test_clients_are_numbered_as_they_come_and_connect_by_what_they_do() -> None:
    made = Conversation([[Act(7, CONNECTS), Act(7, SAYS, b"a\n")], [], [Act(2, CONNECTS)], [Act(7, CLOSES)]])
    assert made.moments == ((Act(1, SAYS, b"a\n"),), (Act(2, CONNECTS),), (Act(1, CLOSES),))
    assert made.clients == 2
    with_others = Conversation([[Act(1, CONNECTS, many=3), Act(1, CLOSES)]])
    assert len(with_others.acts) == 2


def test_it_ends_with_last_words_and_a_newcomer() -> None:
    begun = Conversation([[Act(1, SAYS, b"half a line"), Act(2, POURS, many=9), Act(3, SAYS, b"line\n")]])
    last_words, newcomer = begun.closing
    assert last_words == (Act(1, SAYS, b"\n"), Act(2, READS))
    assert newcomer == (Act(4, SAYS, b"still there?\n"),)
    assert Conversation([[Act(1, SAYS, b"half"), Act(1, HALF_CLOSES)]]).closing == ((Act(2, SAYS, b"still there?\n"),),)


def test_it_is_written_as_it_is_made() -> None:
    made = Conversation([[Act(1, SAYS, b"\xe2"), Act(2, POURS, many=7)], [Act(1, RESETS)]])
    assert repr(made) == "Conversation([[Act(1, 'says', b'\\xe2'), Act(2, 'pours', many=7)], [Act(1, 'resets')]])"
    assert eval(repr(made)) == made and len({eval(repr(made)), made}) == 1


@pytest.mark.parametrize("act", [Act(1, "sings"), Act(0, CLOSES)])
def test_what_nobody_can_do_is_refused(act: Act) -> None:
    with pytest.raises(ValueError, match="give the number of a client, from 1, and one of connects, says"):
        Conversation([[act]])


# ---- and is played


def test_no_exhibit_is_left_out() -> None:
    redis = {exhibit.name for exhibit in REDIS}  # these are no echo servers: a conversation asks them nothing
    assert sorted([*SHOWN, *NOT_SHOWN]) == sorted(EXHIBITS.keys() - redis)
    reference = (Path(__file__).parent.parent / "book/reference.md").read_text(encoding="utf-8")
    assert f"they are {len(NOT_SHOWN)} of the museum's {len(SHOWN) + len(NOT_SHOWN)} echo servers" in reference
    assert f"each of the other {len(SHOWN)}." in reference


loses_sockets = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
"""A broken server may lose a socket that it has accepted: the collector closes it."""


def asking(names: Iterable[str], job: str, *arguments: str) -> list:
    """Names, each with a job of searches.py that its test asks for."""
    return [pytest.param(name, marks=pytest.mark.ahead(f"searches:{job}", name, *arguments)) for name in names]


REFERENCE = [name for name in muxlab.SERVERS if name != "blocking"]


@pytest.mark.battery
@pytest.mark.parametrize("name", asking(SHOWN, "breaks"))
def test_its_conversation_breaks_an_exhibit(outcome: bool, name: str) -> None:
    assert outcome is True


@pytest.mark.battery
@pytest.mark.parametrize("name", asking(REFERENCE, "break_a_server"))
def test_none_of_them_breaks_a_reference_server(outcome: list[str], name: str) -> None:
    assert outcome == []


@pytest.mark.battery
@pytest.mark.ahead("searches:break_good_servers")
def test_none_of_them_breaks_its_good_server(outcome: list[str]) -> None:
    """A conversation is about the bug, and not about something else that the exhibit and its good server share."""
    assert outcome == []


def ends_by_itself(listener, stop) -> None:
    """End after the first client."""
    listener.accept()[0].close()


def closes_it(listener, stop) -> None:
    """Close each client at once."""
    while not stop.is_set():
        listener.accept()[0].close()


def never_returns(listener) -> None:
    """Sleep in a call that nothing wakes."""
    with listener.accept()[0]:
        threading.Event().wait(1.5 * FORCE_TIMEOUT)


@pytest.mark.parametrize(
    ("fn", "broke"),
    [
        (ends_by_itself, Break(1, "the server function returned, and nobody had told it to")),
        (closes_it, Break(1, "client 1 got its connection closed")),
        (EXHIBITS["looks_at_the_last_byte"], None),
    ],
)
def test_what_broke_is_told_with_its_moment(fn: Callable, broke: Break | None) -> None:
    found = Conversation([[Act(1, CONNECTS)], [Act(1, CLOSES)]]).play(fn)
    if broke is None:
        assert found is not None and found.moment == 2
        assert found.what == "the server ended: IndexError: index out of range, in line 15: if unsent[conn][-1] != 10:"
    else:
        assert found == broke


# ---- is looked for, and made short


SHORT = {
    "asks_who_it_is": [Act(1, RESETS)],
    "dies_of_a_reset": [Act(1, RESETS)],
    "unregisters_after_close": [Act(1, CLOSES), Act(1, RESETS), Act(1, HALF_CLOSES)],
    "answers_in_quotes": [Act(1, CONNECTS)],
    "always_writable": [Act(1, CONNECTS)],
    "too_generous": [Act(1, POURS, many=64)],
}
"""The deeds of which one is enough to break an exhibit."""


@pytest.mark.battery
@pytest.mark.parametrize("name", asking(SHORT, "found_in", "500"))
def test_the_shortest_conversation_is_found(outcome: dict, name: str) -> None:
    assert outcome["conversation"] in [repr(Conversation([[deed]])) for deed in SHORT[name]]
    assert 1 <= outcome["tried"] <= 500


@loses_sockets
@pytest.mark.battery
@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.skipif("MUXLAB_FULL" not in os.environ, reason="takes minutes: set MUXLAB_FULL to search the whole museum")
def test_a_search_finds_what_a_conversation_can_show(name: str) -> None:
    found = Search(EXHIBITS[name], seconds=120).run()
    assert found.conversation is not None, found
    assert len(found.conversation.acts) <= 4, found


@pytest.mark.battery
@pytest.mark.parametrize("name", asking(REFERENCE, "found_in", "40"))
def test_a_search_finds_nothing_in_a_reference_server(outcome: dict, name: str) -> None:
    assert outcome["conversation"] is None and not outcome["once"] and outcome["tried"] >= 20, outcome
    assert outcome["told"] == f"none of {outcome['tried']} conversations broke it"


@pytest.mark.slow
def test_a_server_that_cannot_be_ended_is_not_started_again() -> None:
    found = search(never_returns, most=50).run()
    assert found.tried == 1 and found.broke is not None
    assert found.broke.what.startswith("the server could not be ended: it is still in line ")
    for thread in threading.enumerate():
        if thread.name == "muxlab-server-never_returns":
            thread.join(10)
    muxlab.stop_all()


def test_what_broke_it_once_and_never_again_does_not_count() -> None:
    lives = iter([True])

    def fails_once(listener, stop) -> None:
        if seen and next(lives, False):
            raise RuntimeError("only today")
        seen.append(1)
        muxlab.SERVERS["epoll"](listener, stop)

    seen: list[int] = []
    found = search(fails_once, most=10).run()
    assert found.conversation is None and found.once == 1
    assert str(found).endswith("; 1 broke it once, and not when played again")


def test_it_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    search(EXHIBITS["always_writable"], most=20).run()
    assert not list(tmp_path.iterdir())


def test_an_interrupt_ends_it_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def digest(stage: Stage) -> None:
        calls.append(len(stage.talkers))
        if len(calls) == 12:
            raise KeyboardInterrupt
        real(stage)

    calls, real = [], Stage.digest
    monkeypatch.setattr(Stage, "digest", digest)
    with pytest.raises(KeyboardInterrupt):
        search(muxlab.SERVERS["epoll"], most=1000).run()
    assert len(calls) == 12


# ---- and told


STORY = Story(
    Conversation(
        [
            [Act(1, POURS, many=7), Act(1, HALF_CLOSES), Act(2, CONNECTS, many=2)],
            [Act(2, SAYS, b"hello\n"), Act(3, SAYS, bytes(range(256))), Act(3, RESETS)],
        ]
    ),
    Break(3, "client 1 got its connection closed"),
)

TOLD = """\
1. Before the server begins, client 1 connects, says 458,752 bytes, reads nothing from now on and
    half-closes; client 2 connects with 2 others, who are silent.
2. Then client 2 says b'hello\\n'; client 3 connects, says 256 bytes and resets its connection.
3. Then client 1 reads what has come.
\u2717  client 1 got its connection closed

step      1       2       3
client 1  \u25c6\u2504\u25d7\u2504\u2504\u2504\u2504\u2504\u2504\u2504\u2504\u2504\u2504\u2504\u2504\u2504\u25c7
client 2      \u25cb\u2500\u2500\u2500\u25cf\u2500\u2500\u2500\u2500\u2500\u2500\u2500\u2500
client 3            \u25cf\u2500\u2715
server                    \u2717

\u25cb connects   \u25cf says something   \u25c6 says much and reads nothing   \u25c7 reads again
\u25d7 half-closes   \u2715 resets"""


def test_a_story_is_told_and_drawn() -> None:
    assert repr(STORY) == TOLD


def test_a_notebook_shows_the_same() -> None:
    page = STORY._repr_html_()
    assert page.count("<li>") == 3 and page.count('class="name"') == 4
    assert "<title>client 2 says b&#x27;hello\\n&#x27;</title>" in page
    assert page.count('class="lane broken"') == 1 and page.count('class="lane"') == 2
    assert ">448 KiB</text>" in page and ">and 2</text>" in page and ">6 bytes</text>" in page


def test_what_a_server_says_is_harmless() -> None:
    page = Story(Conversation([[Act(1, CLOSES)]]), Break(1, "the server ended: \x1b<script>"))._repr_html_()
    assert "<script" not in page and "\x1b" not in page and "&lt;script&gt;" in page


@pytest.mark.battery
@loses_sockets
def test_check_tells_the_story() -> None:
    report = muxlab.check(EXHIBITS["dies_of_a_reset"], ECHOES, search=10)
    assert not report.passed and [trial.passed for trial in report.trials] == [True, False]
    assert report.story is not None and report.story.conversation.play(EXHIBITS["dies_of_a_reset"]) is not None
    told = str(report)
    assert "    1. Before the server begins, client 1 connects and resets its connection." in told.splitlines()
    assert "broke it; the shortest that does is told below" in told
    assert '<section class="story">' in report._repr_html_()


@pytest.mark.battery
def test_check_says_how_many_conversations_were_tried() -> None:
    report = muxlab.check(muxlab.SERVERS["epoll"], ECHOES, search=0.5)
    assert report.passed and report.story is None
    assert re.fullmatch(r"none of [\d,]+ conversations broke it", report.trials[-1].detail)
    assert "story" not in report._repr_html_().partition("</style>")[2]


def test_a_bar_is_drawn_for_those_who_look_on_and_then_it_is_gone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(notebook, "PATIENCE", 0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    muxlab.check(muxlab.SERVERS["epoll"], ECHOES, search=0.3)
    drawn = capsys.readouterr()
    assert "conversations: " in drawn.err and "of 0.3 s" in drawn.err and drawn.err.endswith("\r") and drawn.out == ""


def test_a_server_that_failed_to_end_is_not_searched() -> None:
    report = searched(muxlab.check(muxlab.SERVERS["epoll"], ECHOES), muxlab.SERVERS["epoll"], 10, "it goes on")
    assert report.trials[-1].verdict == "not tried" and report.trials[-1].detail == "not tried: it goes on"


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), True, "30", [30]])
def test_a_length_of_search_that_makes_no_sense_is_refused(seconds: object) -> None:
    with pytest.raises(ValueError, match="give the seconds to look for, a finite number above 0, or leave it out"):
        muxlab.check(muxlab.SERVERS["epoll"], ECHOES, search=seconds)


def test_a_redis_like_server_is_not_searched() -> None:
    with pytest.raises(ValueError, match="a search for echo servers, and 'redis: answers PING' is for others"):
        muxlab.check(muxlab.SERVERS["epoll"], "redis", search=30)


def test_without_a_search_nothing_of_it_is_imported() -> None:
    code = "import sys, muxlab; muxlab.check(muxlab.SERVERS['epoll'], sys.argv[1:]); print('hypothesis' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, *ECHOES], capture_output=True, text=True, timeout=60)
    assert done.stdout == "False\n", done.stderr


def test_the_command_searches_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.py").write_text("def mine(listener, stop):\n    listener.accept()[0].close()\n")
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert main(["check", f"{tmp_path}/mine.py:mine", "--trial", *ECHOES, "--search", "5"]) == 1
        assert "1. Before the server begins, client 1 " in capsys.readouterr().out
        assert main(["check", f"{tmp_path}/mine.py:mine", "--search", "-1"]) == 2
        assert "search=-1.0: give the seconds" in capsys.readouterr().err
    finally:
        signal.signal(signal.SIGTERM, before)
