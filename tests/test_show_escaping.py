"""Whatever a learner or a client puts into a panel or a picture is text there: never markup, a formula, or a crash."""

import re
import select
import threading
import time
from collections import Counter, namedtuple
from html.parser import HTMLParser
from pathlib import Path

import pytest
from helpers import slow
from press import press

import muxlab
from muxlab.measure import WaitCost
from muxlab.show import (
    beside,
    compare,
    cost,
    duel,
    panel,
    playground,
    race,
    replies,
    round_trip,
    stepper,
    timeline,
    winners,
)
from muxlab.show.panel import Panel
from muxlab.watch.calls import Call, Calls

pytestmark = pytest.mark.usefixtures("drawing")

EPOLL = muxlab.SERVERS["epoll"]
NASTY = ["<script>alert(1)</script>'\"&lt;", "<img src=x onerror=alert(1)>", r"$x^$ \frac{1}{"]
BOUND = 10.0  # seconds, for what takes milliseconds


@pytest.fixture(params=[NASTY[0], *slow(*NASTY[1:])])
def nasty(request):
    return request.param


class Parser(HTMLParser):
    """The tags and the text of some HTML, as a browser would take them."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data


class Mute(Exception):
    """An exception that cannot be put into words."""

    def __str__(self):
        raise RuntimeError("no words")


def named(name):
    """Return an echo server of that name that serves one client after the other."""

    def server(listener, stop):
        while not stop.is_set():
            ready, _, _ = select.select([listener, stop], [], [])
            if listener in ready:
                client, _ = listener.accept()
                with client:
                    while data := client.recv(4096):
                        client.sendall(data)

    server.__name__ = name
    return server


def raising(error, at_once=False):
    """Return a server that raises an error: at once, or when a client has said something."""

    def broken(listener):
        if not at_once:
            client, _ = listener.accept()
            client.recv(100)
        raise error

    return broken


def is_a_picture(one: Panel) -> bool:
    return one._picture().startswith(b"\x89PNG")


# ---- playground and race


def test_a_servers_name_is_text_in_a_playground(nasty):
    one = playground(named(nasty), connections=1, active=1)
    head = Parser(one._title.value)
    assert head.tags == ["i", "b", "span"]
    assert head.text.startswith(nasty)
    assert is_a_picture(one)


def test_a_servers_name_is_text_in_a_race(nasty):
    one = race(named(nasty), EPOLL, connections=1, active=1)
    assert [lane["name"] for lane in one.display.lanes] == [nasty, "epoll"]
    assert "nasty" not in one._title.value and is_a_picture(one)


@pytest.mark.slow
@pytest.mark.parametrize("at_once", [False, True])
def test_an_error_is_text_in_a_playground_and_a_race(nasty, at_once):
    for one in (
        playground(raising(ValueError(nasty), at_once), connections=1, active=1),
        race(raising(ValueError(nasty), at_once), EPOLL, connections=1, active=1),
    ):
        assert f"broken stopped with ValueError: {nasty}\nline " in one.display.message
        assert is_a_picture(one)


@pytest.mark.slow
@pytest.mark.parametrize("at_once", [False, True])
def test_an_error_without_words_does_not_break_a_panel(at_once):
    for one in (
        playground(raising(Mute(), at_once), connections=1, active=1),
        race(raising(Mute(), at_once), EPOLL, connections=1, active=1),
    ):
        assert "broken stopped with Mute: (its message cannot be shown" in one.display.message
        assert "raise error" in one.display.message and is_a_picture(one)


def test_an_error_with_a_book_for_its_message_is_cut():
    one = playground(raising(ValueError("\n".join(map(str, range(10_000)))), True), connections=1)
    assert len(one.display.message.splitlines()) < 15 and "raise error" in one.display.message
    one = playground(raising(ValueError("long" * 10_000), True), connections=1)
    assert len(one.display.message) < 1500 and is_a_picture(one)


def test_letters_that_no_browser_takes_are_replaced():
    """A lone surrogate, as of bytes decoded with "surrogateescape", cannot be sent as UTF-8."""
    text = b"\xff\x00".decode("utf-8", "surrogateescape")
    one = playground(raising(ValueError(text), True), connections=1)
    two = stepper(raising(ValueError(text), True))
    view = press(two, "run_until_blocked")
    for said in (one.display.message, view["detail"]):
        assert "ValueError: \N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}" in said
        said.encode()


# ---- a server that cannot be ended


@pytest.mark.slow
def test_a_server_that_sleeps_in_a_call_is_said_to_go_on(monkeypatch):
    monkeypatch.setattr("muxlab.server.FORCE_TIMEOUT", 0.1)
    served = []

    def sleeper(listener):
        served.append(threading.current_thread())
        client, _ = listener.accept()
        with client:
            client.sendall(client.recv(100))
            time.sleep(3)  # what the test is about

    one = playground(sleeper, connections=1, active=1)
    assert one.display.message.startswith("sleeper sleeps in a call that nothing can wake, such as time.sleep")
    assert "stopped with" not in one.display.message and not one.running
    served[0].join(BOUND)
    muxlab.stop_all()


# ---- stepper and duel


def test_all_that_a_stepper_shows_is_text(nasty):
    def served(listener):
        local = nasty  # noqa: F841 - it is looked at
        client, _ = listener.accept()
        client.recv(100)
        raise ValueError(nasty)

    served.__name__ = nasty
    one = stepper(served, clients=1)
    press(one, "send", "client 1", nasty)
    assert one.view["said"]["text"] == f"client 1 sent {len(nasty)} bytes: {nasty.encode()!r}"
    press(one, "next_call")
    press(one, "next_call")
    assert dict(pair[:2] for pair in one.view["locals"])["local"] == repr(nasty) and is_a_picture(one)
    press(one, "next_call")
    assert one.view["calls"][-1]["text"].startswith(f"recv(client 1, 100) = {nasty.encode()[:16]!r}")
    press(one, "run_until_blocked")
    assert (one.view["name"], one.view["detail"]) == (nasty, f"ValueError: {nasty}")
    assert one._repr_mimebundle_()["text/plain"].startswith(f"stepper({nasty}")
    assert is_a_picture(one)


def test_all_that_a_duel_shows_is_text(nasty):
    one = duel(named(nasty), EPOLL, message=nasty, times=1)
    said = press(one, "send", "client 1", nasty)["said"]["text"]
    assert said == f"client 1 sent {len(nasty)} bytes: {nasty.encode()!r}"
    assert [side["name"] for side in one.view["sides"]] == [nasty, "epoll"] and is_a_picture(one)


def test_an_error_without_words_does_not_break_a_stepper_or_a_duel():
    one, two = stepper(raising(Mute(), at_once=True)), duel(raising(Mute(), at_once=True), EPOLL)
    assert press(one, "run_until_blocked")["detail"].count("Mute: ") == 1
    assert two.view["sides"][0]["status"] == "crashed"
    assert is_a_picture(one) and is_a_picture(two)


# ---- predictions


def test_questions_choices_and_results_are_text(nasty, capsys):
    guess = muxlab.predict(f"Is it {nasty}?", {nasty: 1, f"`{nasty}`": 2})
    guess.reveal(nasty)
    stored = Parser(guess._repr_mimebundle_()["text/html"])
    assert stored.tags == ["p", "em", "ul", "li", "li", "code"]
    assert stored.text == f"Predict. Is it {nasty}?(a) {nasty}(b) {nasty}"
    assert (guess.question, guess.result) == (f"Is it {nasty}?", repr(nasty))
    below = Parser(guess._outcome._repr_mimebundle_()["text/html"])
    assert below.tags == ["p"] and below.text == f"→ none of these: {nasty!r}"
    guess._outcome.close()
    guess.close()


# ---- charts

CostRow = namedtuple("CostRow", "server connections active cpu_us_per_reply replies_per_second")


def calls():
    made = Calls(Counter({("recv", "data"): 1}))
    made.events = [Call(1, "recv", "client 1", -1, "", "data", 0, "", 0.0, "", 0)]
    return made


CHARTS = {
    "cost": lambda name, ax: cost([CostRow(name, n, 1, 2.0, 3.0) for n in (1, 100)], ax),
    "replies": lambda name, ax: replies([CostRow(name, 1, 1, 2.0, 3.0)], ax and (ax, ax.twinx())),
    "winners": lambda name, ax: winners([CostRow(name, 1, 1, 2.0, 3.0)], ax),
    "round_trip": lambda name, ax: round_trip({name: {1: 1e-3}}, ax),
    "beside": lambda name, ax: beside([WaitCost(name, 1, 1, 1.0)], [WaitCost(name, 1, 1, 1.0, machine=name)], ax),
    "timeline": lambda name, ax: timeline(named_calls(name), ax),
    "compare": lambda name, ax: compare({name: calls()}),
}


def named_calls(name):
    made = calls()
    made.server = name
    return made


@pytest.mark.parametrize("own_axes", [False, True])
@pytest.mark.parametrize("chart", CHARTS)
def test_names_in_charts_are_no_formulas(chart, own_axes, nasty):
    """Of axes that a learner has made, too: their titles and labels were there before, and would set formulas."""
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    drawn = CHARTS[chart](nasty, Figure().subplots() if own_axes else None)
    figure = (drawn[0] if isinstance(drawn, list | tuple) else drawn).figure
    figure.canvas.draw()
    wanted = "".join(nasty.split())  # the map of winners breaks long names into lines
    texts = [text for text in figure.findobj(Text) if wanted in "".join(text.get_text().split()) and text.get_visible()]
    assert texts and not any(text.get_parse_math() for text in texts)


# ---- the scripts


def test_no_script_makes_html_of_what_it_is_sent():
    """The one place where HTML is put into the page has signs of our own for it."""
    folder = Path(panel.__file__).parent / "browser"
    scripts = {file.name: file.read_text() for file in folder.glob("*.js")}
    made = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|createContextualFragment"
    )
    found = {name: made.findall(text) for name, text in scripts.items() if made.findall(text)}
    assert found == {"stepper_controls.js": ["innerHTML"]}
    assert "${" not in scripts["stepper_controls.js"].split("innerHTML")[1].split("\n")[0].replace("${shape}", "")
