"""The museum's gallery: every exhibit with all that stands beside it, on a page that needs no kernel."""

import html
import re
import sys
from pathlib import Path

import pytest

import muxlab
from muxlab.course.museum import EXHIBITS
from muxlab.course.museum.conversations import SHORTEST
from muxlab.course.museum.exhibits import ROOMS
from muxlab.course.museum.labels import NOT_SHOWN, REAL, good_server
from muxlab.course.museum.on_show import PLAYABLE, caught_by
from muxlab.course.museum.redis import REDIS
from muxlab.trials.conversation import Act, Conversation

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))
import museum_conversations


def test_every_exhibit_is_on_show_once():
    page = muxlab.museum.gallery()._repr_html_()
    assert re.findall(r"<summary><b>(\w+)</b>", page) == [*EXHIBITS]
    assert page.count("<details>") == page.count("</details>") == len(EXHIBITS)
    text = repr(muxlab.museum.gallery())
    assert all(f"  {name}: {exhibit.symptom}" in text for name, exhibit in EXHIBITS.items())
    assert all(room in text for room in ROOMS)


def test_every_exhibit_is_caught_by_a_trial():
    for name in EXHIBITS:
        assert caught_by(name), name


def test_an_exhibit_shows_all_that_stands_beside_it():
    page = muxlab.museum.gallery("burst_server")._repr_html_()
    assert "<ins " in page and "<del " in page  # the difference
    assert "accepts a burst of 300" in page  # the trials
    assert "<svg " in page and "Before the server begins, client 1 connects with " in page  # the conversation
    assert '<a href="https://github.com/vibe-d/eventcore/issues/20">vibe-d/eventcore#20</a>' in page
    assert page.count("<details>") == 1


def test_where_no_conversation_shows_the_bug_the_reason_stands():
    for name, reason in NOT_SHOWN.items():
        assert html.escape(reason) in muxlab.museum.gallery(name)._repr_html_()
        assert name in EXHIBITS and muxlab.museum.story(name) is None


def test_of_every_exhibit_a_conversation_can_be_played_or_the_trials_are_named():
    """As the chapter does with the one that the reader chooses."""
    page = repr(muxlab.museum.gallery())
    for name, exhibit in EXHIBITS.items():
        told = muxlab.museum.story(name)
        mark = PLAYABLE if told else ""
        assert f"  {name}: {exhibit.symptom}{mark}\n" in f"{page}\n"
        if told is None:
            assert muxlab.museum.caught_by(name)
        else:
            assert callable(told.conversation.play) and callable(muxlab.museum.good_server(exhibit))


def test_a_redis_like_exhibit_says_why_it_has_no_conversation():
    page = muxlab.museum.gallery("keeps_text")._repr_html_()
    assert "redis: keeps any bytes" in page and "It speaks Redis" in page


def test_an_unknown_exhibit_is_refused_with_a_list():
    with pytest.raises(ValueError, match=r"the museum has no 'perfect'; it has \w+, "):
        muxlab.museum.gallery("perfect")
    with pytest.raises(ValueError, match="the museum has no 'perfect'"):
        muxlab.museum.story("perfect")


@pytest.mark.parametrize("name", [["one_shot"], 5])
def test_a_list_of_exhibits_is_refused_with_an_example(name):
    for ask in (muxlab.museum.gallery, muxlab.museum.story):
        with pytest.raises(TypeError, match=r"one by one, as in gallery\("):
            ask(name)


def test_real_bugs_belong_to_exhibits_and_have_an_address():
    for name, bugs in REAL.items():
        assert name in EXHIBITS
        for bug in bugs:
            assert re.fullmatch(r"https://github.com/[\w-]+/[\w.-]+/issues/\d+", bug.address), bug
            assert bug.what and not bug.what.endswith(".")


def test_every_echo_server_has_a_good_one():
    for exhibit in EXHIBITS.values():
        assert (good_server(exhibit) is None) == (exhibit in REDIS)


# ---- the tool that looks for the conversations


@pytest.mark.battery
def test_the_shorter_conversation_is_kept():
    long = Conversation([[Act(1, "says", b"hello\n")], [Act(1, "says", b"hello\n")], [Act(1, "closes")]])
    exhibit = EXHIBITS["answers_in_quotes"]
    kept = (long, long.play(exhibit.fn))
    conversation, broke = museum_conversations.shortest(exhibit.fn, exhibit.good, kept, seconds=3)
    assert conversation.size < long.size and broke.what


@pytest.mark.battery
def test_what_breaks_the_good_server_too_is_dropped():
    broken = EXHIBITS["answers_in_quotes"].fn
    assert museum_conversations.shortest(broken, broken, None, seconds=1) is None


def test_the_file_is_what_the_tool_writes(tmp_path, monkeypatch):
    pytest.importorskip("ruff")  # which brings the file into shape
    monkeypatch.setattr(museum_conversations, "FILE", tmp_path / "conversations.py")
    museum_conversations.write(dict(SHORTEST))
    stored = Path(sys.modules["muxlab.course.museum.conversations"].__file__)
    assert (tmp_path / "conversations.py").read_text() == stored.read_text()


def test_an_unknown_name_is_refused(capsys):
    with pytest.raises(SystemExit):
        museum_conversations.main(["never_forgets"])
    assert "no conversation is kept of never_forgets" in capsys.readouterr().err
