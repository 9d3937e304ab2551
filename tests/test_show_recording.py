"""Recordings without a browser: what is in them, how they are packed, and what the panels record of themselves."""

import html.parser
import json
import re
from itertools import pairwise

import pytest
from press import forgetful, press

import muxlab
from muxlab.show import compare, crowds, duel, live_story, play, playground, race, stepper, timeline
from muxlab.show.call_rows import row_of
from muxlab.show.player import SCRIPTS, fragment, page, unpack
from muxlab.show.recording import NotARecording, Recording
from muxlab.show.story import Scene, UntrueCaption
from muxlab.show.timeline import MEANING
from muxlab.show.timeline_recording import record_timeline

pytestmark = pytest.mark.usefixtures("drawing")

EPOLL, SELECT = muxlab.SERVERS["epoll"], muxlab.SERVERS["select"]
NASTY = "</script><img src=x onerror=alert(1)><!--"
QUIET = {"connections": 3, "active": 1}


def three_frames():
    recording = Recording("playground", "a server", 0.1)
    recording.note({"dots": b"\x00\xff", "tiles": ("1", "2")}, "first", {"connections": 2})
    recording.note({"dots": b"\x00\xfe", "tiles": ("1", "2")}, "second", {"connections": 2})
    recording.note({"dots": b"\x00\xfe", "tiles": ("1", "2")}, "second", {"connections": 3})
    return recording


# ---- frames


def test_a_frame_holds_its_caption_and_what_has_changed():
    assert three_frames().frames == [
        {"caption": "first", "dots": b"\x00\xff", "tiles": ("1", "2"), "setting": {"connections": 2}},
        {"caption": "second", "dots": b"\x00\xfe"},
        {"caption": "second", "setting": {"connections": 3}},
    ]


def test_moments_are_whole():
    *_, last = three_frames().moments()
    assert last == {"caption": "second", "dots": b"\x00\xfe", "tiles": ("1", "2"), "setting": {"connections": 3}}


def test_json_and_back():
    recording = three_frames()
    again = Recording.from_json(recording.to_json())
    assert (again.kind, again.title, again.seconds, len(again)) == ("playground", "a server", 0.1, 3)
    assert again.to_json() == recording.to_json()
    assert [frame.get("dots") for frame in again.frames] == [b"\x00\xff", b"\x00\xfe", None]
    again.note({"tiles": ["1", "2"]}, "third")  # it goes on where it was
    assert again.frames[-1] == {"caption": "third"}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"kind": "race"}', "no JSON", json.dumps({"frames": [1]})])
def test_what_is_no_recording_is_refused(text):
    with pytest.raises(NotARecording, match="not a recording"):
        Recording.from_json(text)


def test_a_recording_of_another_version_is_refused():
    data = json.loads(three_frames().to_json()) | {"form": 99}
    with pytest.raises(NotARecording, match="form 99"):
        Recording.from_json(json.dumps(data))


def test_only_plain_data_can_be_recorded():
    recording = Recording("stepper", "a server")
    recording.note({"view": object()}, "first")
    with pytest.raises(TypeError, match="plain data"):
        recording.to_json()


# ---- pages


class Tags(html.parser.HTMLParser):
    """The tags of a text."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append(tag)


def packed(text):
    return re.search(r'class="mr-packed">([^<]*)</script>', text)[1]


def test_nothing_in_a_recording_gets_out_of_its_page():
    recording = Recording("stepper", NASTY)
    recording.note({"view": {"said": {"text": NASTY}}, NASTY: NASTY}, NASTY)
    text = recording.to_html()
    assert "<img" not in text and Tags(text).found == ["style", "script", "div", "script", "ol", "li", "script"]
    assert "<img" not in page(recording)
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", packed(text))
    assert unpack(packed(text)).to_json() == recording.to_json()


@pytest.mark.parametrize("kind", SCRIPTS)
def test_a_page_asks_nothing_of_a_network(kind):
    recording = Recording(kind, "a server")
    recording.note({"svg": ""}, "first")
    text = page(recording)
    assert not re.search(
        r"https?://|url\(|@import|\bimport\b|\bfetch\(", text.replace("http://www.w3.org/2000/svg", "")
    )
    assert "export default" not in text and text.count("return { render };") == 1


def test_a_second_recording_of_a_page_needs_no_player():
    recording = three_frames()
    first, second = recording.to_html(), recording.to_html(player=False)
    assert first.endswith(second.lstrip()) and "<style>" not in second and len(second) < len(first) / 5


def test_what_cannot_be_played_is_refused():
    with pytest.raises(NotARecording, match="no frames"):
        Recording("stepper", "a server").to_html()
    with pytest.raises(NotARecording, match="'film'; there are stepper"):
        fragment(Recording("film", "a server"))


def test_saving_overwrites_nothing(tmp_path):
    path = three_frames().save(tmp_path / "one.html")
    assert path.read_text(encoding="utf-8") == page(three_frames())
    with pytest.raises(FileExistsError):
        three_frames().save(path)


def test_play_shows_a_recording_and_nothing_else():
    recording = three_frames()
    assert play(recording)._repr_html_() == recording.to_html()
    with pytest.raises(TypeError, match="play takes a recording"):
        play("recording.html")


# ---- timelines


def calls_of(fn):
    """Return the calls that a server makes for a client that says hello."""
    with muxlab.step(fn) as step:
        client = step.client()
        step.run_until_blocked()
        client.send(b"hello")
        step.run_until_blocked()
        return step.calls


def words_of(call):
    """Return what a chart says of a call: its row and what its mark means."""
    row, meaning = row_of(call), MEANING[call.kind]
    return meaning if row == "waits" else f"{row}: {meaning}"


def test_the_marks_of_a_stored_timeline_come_one_after_the_other():
    calls = calls_of(SELECT)
    recording = record_timeline(timeline(calls).figure.svg())
    captions = [frame["caption"] for frame in recording.frames]
    total = len(calls.events)
    assert recording.kind == "timeline" and total > 4
    assert captions == [f"Call {n} of {total}: {words_of(call)}" for n, call in enumerate(calls.events, 1)]
    places = [moment["x"] for moment in recording.moments()]
    assert places == sorted(set(places))
    assert [name for frame in recording.frames[1:] for name in frame if name == "svg"] == []  # it is stored once


def test_timelines_above_one_another_are_played_together():
    calls = {"one": calls_of(SELECT), "other": calls_of(EPOLL)}
    recording = record_timeline(compare(calls)[0].figure.svg())
    assert recording.title == "one and other"
    for number, frame in enumerate(recording.frames):
        there = [f"{name}, {words_of(one.events[number])}" for name, one in calls.items() if number < len(one.events)]
        assert frame["caption"] == f"Call {number + 1} of {len(recording)}: {'; '.join(there)}"


def test_a_timeline_of_times_is_played_in_even_steps():
    calls = calls_of(SELECT)
    recording = record_timeline(timeline(calls, times=True).figure.svg())
    places = [moment["x"] for moment in recording.moments()]
    assert len(places) == 61 and max(b - a for a, b in pairwise(places)) < 2 * (places[-1] - places[0]) / 60
    counts = [int(frame["caption"].split()[1]) for frame in recording.frames]
    assert counts == sorted(counts) and counts[-1] > counts[0]


def test_a_picture_that_is_no_timeline_is_refused():
    with pytest.raises(NotARecording, match="no timeline"):
        record_timeline('<svg xmlns="http://www.w3.org/2000/svg"><g id="axes_1"/></svg>')


def test_without_scripts_a_timeline_is_its_chart():
    chart = timeline(calls_of(SELECT)).figure
    text = record_timeline(chart.svg()).to_html()
    title = chart.words().partition("\n")[0]
    assert f'<img alt="{title}' in text and "<ol>" not in text


# ---- the stepper and the duel


def test_what_was_done_with_a_panel_is_recorded():
    panel = stepper(EPOLL, clients=1)
    press(panel, "run_until_blocked")
    press(panel, "send", "client 1")
    press(panel, "next_call")
    captions = [frame["caption"] for frame in panel.record().frames]
    assert captions == [
        "Paused before line 10.",
        "Run until blocked. Asleep in epoll.poll(): waiting for an event.",
        "client 1 sent 5 bytes: b'hello'. Paused before line 18.",
        "Next call. Paused before recv(client 1, 65536).",
    ]
    moments = list(panel.record().moments())
    assert [one["pressed"]["act"] for one in moments] == ["", "run_until_blocked", "send", "next_call"]
    assert moments[-1]["view"] == panel.view and moments[-1]["source"] == panel.source


def test_what_is_done_from_python_is_recorded_too():
    panel = stepper(EPOLL, clients=1)
    panel.stepper.run_until_blocked()
    panel.refresh()
    assert panel.record().frames[-1]["caption"] == "Asleep in epoll.poll(): waiting for an event."


def test_a_recording_begins_with_the_latest_start():
    panel = stepper(EPOLL)
    press(panel, "next_call")
    press(panel, "stop")
    press(panel, "start")
    assert [frame["caption"] for frame in panel.record().frames] == ["Start again. Paused before line 10."]


def test_the_memory_of_a_panel_is_bounded(monkeypatch):
    monkeypatch.setattr("muxlab.show.step_past.KEPT", 3)
    panel = stepper(EPOLL, clients=1)
    for _ in range(5):
        press(panel, "next")
    assert len(panel.record()) == 3
    assert panel.record().frames[-1]["view"]["headline"] == panel.view["headline"]


def test_a_panel_performs_a_story():
    panel = stepper(EPOLL, clients=2)
    story = [
        Scene("look", "Two wait.", "accept queue 2"),
        Scene("run_until_blocked", "It sleeps.", lambda panel: panel.stepper.state().status == "blocked"),
        Scene(("send", "client 2", "ab", 3), "Client 2 speaks.", "receive queue 6"),
        Scene(("until", "send(client 2"), "It is about to answer.", "paused before send(client 2"),
        Scene("run_until_blocked", "Asleep again."),
        Scene("client", "One more.", "client 3"),
        Scene("run_until_blocked", "It is let in."),
        Scene(("wake", "send", "client 1", "x"), "Client 1 wakes it."),
    ]
    recording = panel.record(story)
    assert [frame["caption"] for frame in recording.frames if frame["caption"] == "Two wait."] == ["Two wait."]
    assert list(dict.fromkeys(frame["caption"] for frame in recording.frames)) == [one.caption for one in story]
    assert panel.stepper.state().status == "paused"


def test_a_caption_that_is_not_true_is_refused():
    panel = stepper(EPOLL, clients=1)
    with pytest.raises(UntrueCaption, match=r"'Three wait\.' is not true, there is no 'accept queue 3'"):
        panel.record([Scene("look", "Three wait.", "accept queue 3")])
    with pytest.raises(UntrueCaption, match="its check was false"):
        panel.record([Scene("look", "It sleeps.", lambda panel: False)])


def test_a_scene_that_does_not_get_there_is_refused(monkeypatch):
    monkeypatch.setattr("muxlab.show.step_story.MOST_CALLS", 3)
    panel = stepper(EPOLL, clients=1)
    with pytest.raises(TimeoutError, match="did not come to 'recv'"):
        panel.record([Scene(("until", "recv"), "It reads.")])
    panel.stepper.run_until_blocked()
    with pytest.raises(TimeoutError, match="sleeps on"):
        panel.record([Scene(("wake", "read", "client 1"), "It wakes.")])
    with pytest.raises(ValueError, match="no client 7"):
        panel.record([Scene(("read", "client 7"), "It reads.")])


def test_a_duel_is_recorded():
    panel = duel(EPOLL, forgetful)
    recording = panel.record([
        Scene("look", "Both sleep."),
        Scene(("send", "client 1", "x", 3000), "One forgets.", "receive queue 1976"),
    ])  # fmt: skip
    assert (recording.kind, recording.title, len(recording)) == ("duel", "epoll and forgetful", 2)
    assert [side["forgotten"] for side in recording.frames[1]["view"]["sides"]] == [0, 1976]


def test_the_button_writes_a_page_beside_the_notebook(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    panel = stepper(EPOLL)
    press(panel, "next_call")
    for name in ("recording-epoll.html", "recording-epoll-2.html"):
        said = press(panel, "save")["said"]
        assert said["text"] == f"saved as {name}, in the folder {tmp_path.name}"
        saved = unpack(packed((tmp_path / name).read_text(encoding="utf-8")))
        assert [frame["caption"] for frame in saved.frames][-1].startswith("Next call.") and len(saved) == 2


def test_a_name_that_is_no_file_name_makes_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def server(listener):
        listener.accept()

    server.__name__ = "../<b>" + "x" * 300
    press(stepper(server), "save")
    (path,) = tmp_path.iterdir()
    assert re.fullmatch(r"recording-b-x+\.html", path.name) and len(path.name) < 90


def test_a_page_that_cannot_be_written_is_told(monkeypatch):
    def full(self, path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Recording, "save", full)
    said = press(stepper(EPOLL), "save")["said"]
    assert said == {"text": "OSError: [Errno 28] No space left on device", "well": False}


# ---- what moves by itself


@pytest.mark.slow
def test_a_playground_is_recorded_at_some_settings_and_stops():
    panel = playground(EPOLL, **QUIET)
    recording = panel.record([
        Scene({"seconds": 0.3}, "Three.", lambda panel: len(panel.display.dots) == 3),
        Scene({"connections": 5, "active": 2, "seconds": 0.1}, "Five.", lambda panel: len(panel.display.dots) == 5),
    ])  # fmt: skip
    moments = list(recording.moments())
    assert (recording.kind, recording.title, recording.seconds) == ("playground", "epoll", 0.1)
    assert moments[0]["setting"] == {"connections": 3, "talking": 1, "bytes in a message": 64}
    assert moments[-1]["setting"] == {"connections": 5, "talking": 2, "bytes in a message": 64}
    sizes = {one["caption"]: len(one["dots"]) for one in moments}  # at the end of each scene
    assert sizes == {"Three.": 3, "Five.": 5}
    assert [one["caption"] for one in moments] == sorted((one["caption"] for one in moments), reverse=True)
    assert not panel.running


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "title"),
    [
        (lambda: crowds(SELECT, EPOLL, connections=3), "select and epoll"),
        (lambda: race(SELECT, EPOLL, **QUIET), "select, epoll"),
    ],
)
def test_crowds_and_races_are_recorded(make, title, monkeypatch):
    monkeypatch.setattr(live_story, "SCENE", 0.2)
    panel = make()
    recording = panel.record()
    assert recording.title == title and len(recording) >= 2 and not panel.running
    assert next(recording.moments())["caption"] == f"{title}, as it was recorded."
    assert Recording.from_json(recording.to_json()).to_json() == recording.to_json()


def test_a_live_caption_that_does_not_come_true_is_refused(monkeypatch):
    monkeypatch.setattr(live_story, "LONGER", 0.1)
    panel = playground(EPOLL, **QUIET)
    with pytest.raises(UntrueCaption, match=r"not seen to be true within 0\.2 s"):
        panel.record([Scene({"seconds": 0.1}, "Nobody is there.", lambda panel: False)])
    assert not panel.running


def test_a_server_that_stops_ends_the_recording():
    def one_only(listener):
        client, _ = listener.accept()
        client.close()
        raise ValueError("enough")

    panel = playground(one_only, **QUIET)
    with pytest.raises(RuntimeError, match="stopped while it was recorded"):
        panel.record()
    assert not panel.running


def test_a_length_that_is_none_is_refused():
    with pytest.raises(ValueError, match="seconds=0"):
        playground(EPOLL, **QUIET).record([Scene({"seconds": 0}, "Nothing.")])
