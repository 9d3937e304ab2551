"""What the panels of the chapters perform in the book: for each of them a story, by chapter and kind of panel.

A panel that moves by itself is recorded for some seconds at a few settings of its sliders. Captions name no figure that
is another one on another machine, and compare none: a machine with much else to do would give the lie to them. They are
true from their first frame on: what takes a moment to be seen has a scene before it.
"""

from collections.abc import Callable, Sequence
from typing import Any

from muxlab.show.story import Scene

from . import step_stories

SHORT = 2.2  # seconds: the panel keeps the figures of a setting that was in force for 1.5, beside those of the next one
REPLIES, CPU = 1, 4  # places among the tiles of a playground


def figure(panel: Any, place: int) -> float:
    """Return a figure that a playground shows now, as a number."""
    return _number(panel.display.tiles[place])


def _number(text: str) -> float:
    digits = text.replace(",", "").split()[0]
    return float(digits) if digits[0].isdigit() else 0.0


def connected(panel: Any) -> bool:
    """Return whether everybody is."""
    there, of = panel.display.tiles[0].split(" / ")
    return bool(there == of and of == f"{panel.sliders.connections:,}")


def asleep(panel: Any) -> bool:
    """Return whether the server uses no CPU to speak of, and gives no replies."""
    return connected(panel) and figure(panel, CPU) == 0 and figure(panel, REPLIES) == 0


def awake_for_nothing(panel: Any) -> bool:
    """Return whether the server gives no replies, and uses CPU all the same: of a busy machine it gets little."""
    return connected(panel) and figure(panel, REPLIES) == 0 and figure(panel, CPU) >= 2


def scenes(*settings: tuple[dict[str, int], str] | tuple[dict[str, int], str, Callable]) -> list[Scene]:
    """Return scenes of a playground, each `SHORT` and until everybody is connected, if nothing else is asked for."""
    return [
        Scene({"seconds": SHORT} | sliders, caption, check[0] if check else connected)
        for sliders, caption, *check in settings
    ]


def waits(panel: Any) -> bool:
    """Return whether all but one wait on the left, and somebody is answered on the right."""
    left, right = panel.seen
    return bool(left.waiting >= left.clients - 2 and right.answered)


def all_have_run(panel: Any) -> bool:
    """Return whether every server has had its turn at this setting."""
    return all(one.replies_per_second for one in panel.results)


def all_at(count: int) -> Callable[[Any], bool]:
    """Return a check that all servers have run while so many clients talked."""
    return lambda panel: panel.sliders.active == count and all_have_run(panel)


QUIET = "From now on, nobody talks."  # until it is seen in the figures, which are those of the last second
RACE = "Five of 500 clients talk. Each server runs for a second, and then the next one."


def crowds(*sizes: tuple[int, float, str]) -> Sequence[Scene]:
    """Return scenes of two crowds: of how many clients, for how many seconds."""
    return [Scene({"connections": count, "seconds": seconds}, caption, waits) for count, seconds, caption in sizes]


STORIES: dict[str, dict[str, Sequence[Scene]]] = {
    "00": {
        "crowds": crowds(
            (100, 1.0, "A hundred clients on each side."),
            (100, 1.5, "On the left one client is served, and the others wait."),
            (300, 1.0, "Now there are three hundred on each side."),
            (300, 1.5, "On the left still one is served. There are just more who wait."),
        ),
        "playground": scenes(
            ({"active": 30}, "300 connections, of which 30 talk. Each dot is one, and lights up when it is answered."),
            ({"active": 300}, "All 300 talk now, and one thread answers them all."),
            ({"active": 0}, QUIET, asleep),
            ({"active": 0}, "Everybody is still connected, and the server is asleep.", asleep),
        ),
    },
    "01": {
        "playground": scenes(
            ({"active": 10}, "A thread for each of 300 clients. Ten of them talk, and ten threads are at work."),
            ({"active": 100}, "A hundred talk, so a hundred threads take turns."),
        )
    },
    "02": {
        "stepper": step_stories.POLL_WITHOUT_BLOCKING,
        "playground": scenes(
            ({"connections": 100}, "One of 100 clients talks. To hear it, the server asks all of them, all the time."),
            (
                {"connections": 700},
                "700 clients, and still one that talks: seven times as many to ask for each answer.",
            ),
            ({"active": 0}, QUIET, awake_for_nothing),
            (
                {"active": 0},
                "Nobody talks at all, and the server is at work all the same: it is asking.",
                awake_for_nothing,
            ),
        ),
    },
    "03": {
        "stepper": step_stories.WAIT_WITH_SELECT,
        "playground": scenes(
            ({"active": 10}, "300 clients, of whom 10 talk."),
            ({"active": 0}, QUIET, asleep),
            ({"active": 0}, "Nobody talks, and this server sleeps.", asleep),
            ({"active": 1}, "One client talks. select is handed all 300, each time."),
            ({"connections": 700}, "The same one talks, among 700: the list that select goes through is longer."),
        ),
    },
    "04": {
        "playground": scenes(
            ({"connections": 1200}, "1,200 connections: more than select could hold. This is poll."),
            ({"active": 100}, "A hundred of them talk."),
        )
    },
    "05": {
        "stepper": step_stories.SCALE_WITH_EPOLL,
        "playground": scenes(
            ({"connections": 1000}, "A thousand connections, of which 10 talk."),
            ({"connections": 3000}, "Three thousand, and the same 10 talk. Compare the replies with those before."),
            ({"active": 300}, "Now 300 talk, and they are all answered."),
        ),
    },
    "06": {
        "duel": step_stories.RIDE_THE_EDGE,
        "playground": scenes(
            ({"active": 20}, "The reference edge-triggered server: 500 connections, of which 20 talk."),
            (
                {"payload": 16384},
                "The same with messages of 16,384 bytes. Whatever was not read at once is remembered.",
            ),
        ),
    },
    "07": {"stepper": step_stories.WRITE_WITHOUT_STALLING},
    "08": {"stepper": step_stories.END_CONNECTIONS_WELL},
    "09": {
        "playground": scenes(
            ({"connections": 1000}, "A thousand connections, and 30 of them talk."),
            ({"connections": 3000}, "Three thousand: the newcomers pass through the accept queue, and are let in."),
        )
    },
    "10": {
        "race": [
            Scene({"seconds": 3}, RACE, all_at(5)),
            Scene({"active": 300, "seconds": 3}, "Now 300 of them talk. Look at the bars on the right.", all_at(300)),
        ]
    },
    "11": {
        "stepper": step_stories.WRITE_YOUR_OWN_LOOP,
        "playground": scenes(
            ({"active": 50}, "Your own loop, with 500 clients. 50 of them talk."),
            ({"active": 500}, "All of them talk."),
            ({"payload": 4096}, "And say 4,096 bytes each time."),
        ),
    },
    "12": {
        "playground": scenes(
            ({"active": 10}, "A thousand clients of your Redis. 10 of them ask for an ECHO, again and again."),
            ({"active": 100}, "A hundred of them do."),
        )
    },
}
"""By the number of the chapter, and the kind of its panel."""
