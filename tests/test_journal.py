"""The journal of a learner's copy: what is noted and when, in one file that no accident breaks."""

import errno
import fcntl
import json
import subprocess
import sys
import threading
import time
import types
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import muxlab
from muxlab import journal
from muxlab.journal import file, place
from muxlab.journal.record import Guess, Journal, NewerForm

WRITERS = Path(__file__).parent / "support/writers.py"
CELLS = st.text("0123456789abcdef", min_size=8, max_size=8)
NAMES = st.sampled_from(["00_start", "01_wait", "02_write"])
NOTES = st.one_of(
    st.tuples(st.just("ran"), NAMES, CELLS),
    st.tuples(st.just("guessed"), NAMES, CELLS, st.builds(Guess, st.integers(0, 3), st.none() | st.integers(-1, 3))),
    st.tuples(st.just("checked"), st.sampled_from(["picky", "tidy"]), st.booleans()),
)

several = settings(max_examples=50, deadline=None, derandomize=True, database=None)


@pytest.fixture
def copy(tmp_path):
    """Return a learner's copy, as `muxlab lab` marks it."""
    folder = tmp_path / "my course"
    (folder / place.OWN).mkdir(parents=True)
    (folder / place.OWN / place.MARK).write_text("{}")
    return folder


def stored(copy):
    return copy / place.OWN / file.NAME


def note(copy, cell="2a843a53", chapter="01_wait"):
    return file.change(copy, [lambda journal: journal.ran(chapter, cell)])


def make(notes):
    made = Journal()
    for what, *arguments in notes:
        getattr(made, what)(*arguments)
    return made


@several
@given(st.lists(NOTES))
def test_a_journal_is_read_as_it_was_written(notes):
    written = make(notes)
    assert Journal.from_json(written.to_json()).to_json() == written.to_json()


@several
@given(st.lists(NOTES.filter(lambda note: note[0] != "checked")))
def test_a_chapter_that_is_run_again_counts_once(notes):
    assert make([*notes, *notes]).to_json() == make(notes).to_json()


def test_what_is_done_once_more_does_not_lose_the_place():
    before = [
        ("ran", "00_start", "a"),
        ("guessed", "00_start", "b", Guess(1, 0)),
        ("guessed", "00_start", "c", Guess(1)),
    ]
    again = make([*before, ("ran", "05_scale", "d"), *before])
    assert again.last == "05_scale"
    again.ran("00_start", "new")
    assert again.last == "00_start"


def test_a_prediction_that_is_decided_stays():
    kept = make([("guessed", "01_wait", "a", Guess(1)), ("guessed", "01_wait", "a", Guess(0, 2))])
    kept.guessed("01_wait", "a", Guess(2, 2))  # asked anew after a restart, when the answer is known
    assert kept.guesses["01_wait"]["a"] == Guess(0, 2)
    assert [guess.right for guess in (Guess(1), Guess(0, 2), Guess(2, 2))] == [False, False, True]


def test_an_exercise_stays_solved():
    kept = make([("checked", "picky", False), ("checked", "picky", True), ("checked", "picky", False)])
    attempts = kept.exercises["picky"]
    assert attempts.checks == 3
    assert attempts.latest >= attempts.passed > ""


def test_the_journal_lies_in_the_copy_and_goes_with_it(copy):
    assert file.read(copy) == Journal()
    note(copy)
    moved = copy.rename(copy.with_name("elsewhere"))
    note(moved, "b0", "02_write")
    assert file.read(moved).cells == {"01_wait": {"2a843a53"}, "02_write": {"b0"}}
    assert journal.last_chapter(moved) == "02_write"
    assert str(copy.parent) not in stored(moved).read_text()


def test_nothing_is_written_when_nothing_changes(copy):
    note(copy)
    before = stored(copy).stat().st_ino  # a journal that is written is another file
    note(copy)
    assert stored(copy).stat().st_ino == before
    note(copy, "b0")
    assert stored(copy).stat().st_ino != before


def test_what_an_older_muxlab_left_out_is_empty(copy):
    stored(copy).write_text('{"form": 1, "chapters": {"01_wait": {"cells": ["a0"]}}, "exercises": {"picky": {}}}')
    note(copy, "b0")
    assert file.read(copy).cells == {"01_wait": {"a0", "b0"}}
    assert file.read(copy).exercises["picky"].checks == 0


def test_what_a_newer_muxlab_has_written_stays(copy):
    text = '{"form": 2, "chapters": "in another form"}'
    stored(copy).write_text(text)
    with pytest.raises(NewerForm, match="upgrade"):
        note(copy)
    assert stored(copy).read_text() == text
    assert journal.last_chapter(copy) is None


BROKEN = [
    b"",
    b"\xff\x00",
    b"[]",
    b'"text"',
    b'{"form": "1"}',
    b"[" * 5000,
    b'{"form": 1, "chapters": []}',
    b'{"form": 1, "chapters": {"01_wait": {"cells": [1]}}}',
    b'{"form": 1, "chapters": {"01_wait": {"predictions": {"a": {}}}}}',
    b'{"form": 1, "exercises": {"picky": {"checks": "three"}}}',
    b'{"form": 1, "last": 5}',
]


@pytest.mark.parametrize("content", BROKEN)
def test_a_broken_file_is_kept_and_a_new_journal_begins(copy, content):
    stored(copy).write_bytes(content)
    assert journal.last_chapter(copy) is None
    kept = note(copy)
    assert stored(copy).with_name(kept).read_bytes() == content
    assert file.read(copy).cells == {"01_wait": {"2a843a53"}}
    stored(copy).write_bytes(content)
    assert note(copy) not in ("", kept)  # nor is what was kept ever overwritten
    assert stored(copy).with_name(kept).read_bytes() == content


def test_a_folder_in_the_place_of_the_file_is_kept(copy):
    (stored(copy) / "something").mkdir(parents=True)
    kept = note(copy)
    assert (stored(copy).with_name(kept) / "something").is_dir()
    assert file.read(copy).last == "01_wait"


def test_a_full_disk_leaves_the_journal_as_it_was(copy, monkeypatch):
    note(copy)

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(file.os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            note(copy, "b0")
    assert file.read(copy).cells == {"01_wait": {"2a843a53"}}
    assert sorted(path.name for path in stored(copy).parent.iterdir()) == [place.MARK, file.NAME, file.LOCK, file.TURN]


def test_an_interrupt_half_way_leaves_the_journal_as_it_was(copy, monkeypatch):
    note(copy)

    def interrupt(descriptor):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(file.os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            note(copy, "b0")
    note(copy, "c0")
    assert file.read(copy).cells == {"01_wait": {"2a843a53", "c0"}}


def test_who_keeps_the_lock_is_not_waited_for_for_ever(copy, monkeypatch):
    monkeypatch.setattr(file, "PATIENCE", 0.02)
    with (copy / place.OWN / file.LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(TimeoutError, match="another process"):
            note(copy)
    note(copy)
    assert file.read(copy).last == "01_wait"


def test_who_waits_for_the_lock_has_it_before_who_has_just_had_it(copy, monkeypatch):
    order, begun, waiting = [], threading.Event(), threading.Event()

    def begin(journal):
        begun.set()
        assert waiting.wait(30)
        order.append("one")

    def look_again(seconds):
        waiting.set()
        time.sleep(seconds)

    def note_twice():
        file.change(copy, [begin])
        file.change(copy, [lambda journal: order.append("one again")])

    monkeypatch.setattr(file, "PATIENCE", 30.0)
    monkeypatch.setattr(file, "time", types.SimpleNamespace(monotonic=time.monotonic, sleep=look_again))
    one = threading.Thread(target=note_twice)
    one.start()
    assert begun.wait(30)
    file.change(copy, [lambda journal: order.append("another")])
    one.join(30)
    assert order == ["one", "another", "one again"]


def write(what, copy):
    command = [sys.executable, str(WRITERS), what, str(copy)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert run.stderr == ""
    return run.stdout.splitlines()


@pytest.mark.slow
def test_two_processes_write_at_once_and_nothing_is_lost(copy):
    assert write("two", copy) == ["0 0"]
    written = file.read(copy)
    assert {chapter: len(cells) for chapter, cells in written.cells.items()} == {"00_start": 60, "01_wait": 60}
    assert written.exercises["picky"].checks == 120


@pytest.mark.slow
def test_who_is_killed_half_way_breaks_nothing_and_keeps_nobody_out(copy):
    note(copy)
    killed = write("killed", copy)
    assert killed == [f"{stage}, killed, []" for stage in killed_stages()]
    assert file.read(copy).cells == {"01_wait": {"2a843a53", *killed_stages()}}
    assert sorted(path.name for path in stored(copy).parent.iterdir()) == [place.MARK, file.NAME, file.LOCK, file.TURN]


def killed_stages():
    from writers import STAGES

    return list(STAGES)


def test_a_copy_is_found_from_everywhere_in_it(copy, tmp_path):
    (copy / "pictures").mkdir()
    for inside in (copy, copy / "05_scale.ipynb", copy / "pictures", str(copy / "new/yet.ipynb")):
        assert journal.find_copy(inside) == copy
    assert journal.find_copy(tmp_path) is None
    assert journal.find_copy(tmp_path / place.OWN) is None


def test_nothing_is_found_where_the_working_directory_is_gone(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert journal.find_copy(".") is None
    assert muxlab.progress().chapters


def test_the_file_says_nothing_about_who_and_where(copy):
    note(copy)
    file.change(copy, [lambda journal: journal.checked("picky", True)])
    written = json.loads(stored(copy).read_text())
    assert written.keys() == {"form", "last", "chapters", "exercises"}
    assert written["exercises"]["picky"].keys() == {"checks", "passed", "latest"}
