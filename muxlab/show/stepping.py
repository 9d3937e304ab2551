"""What the stepper and the duel share: a panel of stepped servers, with clients that act when a button is pressed.

What a client did is said in one line of words, never in a traceback. What there is to see is put together by
`stepper_view`, and drawn by stepper.js in the browser and by `stepper_picture` for where no kernel runs.
"""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from muxlab.errors import text_of
from muxlab.show import player, step_past, step_story, stepper_view
from muxlab.show.panel import Panel, read_script, read_style
from muxlab.show.recording import Recording, save_in, shown_by
from muxlab.show.story import Scene
from muxlab.show.style import human_bytes
from muxlab.stepper import Client, Stepper, step
from muxlab.watch.calls import error_name

MOST = 100  # clients to begin with: a picture of more says nothing more
LARGEST = 16 * 2**20  # bytes of a message: more than a connection takes by default (tcp_wmem and tcp_rmem, tcp(7))
FREE = 0.15  # seconds after which we look once more at a server that has threads of its own: nobody tells when they act
PREVIEW = 40  # bytes of a message that are shown: what fits on the line

ACTS = {
    "send": ("send", "sends the message"),
    "read": ("read", "reads what has arrived"),
    "half_close": ("half-close", "sends end of file, and can still read: shutdown(SHUT_WR)"),
    "close": ("close", "leaves politely"),
    "reset": ("reset", "leaves rudely: the server meets ECONNRESET"),
}
"""What a client can do: methods of `Client`, with the words of each button, and its meaning."""

DONE = {
    "half_close": "half-closed: it sent its end of file, and can still read",
    "close": "closed its connection",
    "reset": "reset its connection",
}


# ---- what a client does, in words


def connect_client(stepper: Stepper) -> tuple[str, bool]:
    """Connect a new client; return what to say, and whether it went well."""
    try:
        return f"{stepper.client().name} is connected", True
    except TimeoutError:
        return "no new client: the accept queue is full, and the kernel answers nobody until the server accepts", False
    except OSError as error:
        return f"no new client: {error_name(error)}, nobody listens any more", False


def find_client(stepper: Stepper, name: str) -> Client:
    """Return the client of that name; a ValueError says that there is none."""
    for client in stepper.clients:
        if client.name == name:
            return client
    raise ValueError(f"there is no {name}")


def perform(client: Client, act: str, data: bytes) -> tuple[str, bool]:
    """Let a client do one of `ACTS`, with `data` to be sent; return what to say of it, and whether it went well."""
    try:
        if act == "send":
            return _sent(data, client.send(data)), True
        if act == "read":
            return _read(client.read()), True
        getattr(client, act)()
        return DONE[act], True
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        return f"could not {ACTS[act][0]}, {error_name(error)}: {why}", False


def data_of(act: str, content: dict) -> bytes:
    """Return what a message of the browser asks to be sent, its `text`, `times` over; b"" for acts other than "send".

    A ValueError says that there is no such act, or that there are no bytes to send, or too many.
    """
    if act not in ACTS:
        raise ValueError(f"a client cannot {act!r}")
    if act != "send":
        return b""
    data, times = str(content["text"]).encode(errors="replace"), int(content["times"])
    size = len(data) * times
    if not 0 < size <= LARGEST:
        raise ValueError(f"a message has 1 to {LARGEST:,} bytes; this one has {size:,}")
    return data * times


def _sent(data: bytes, taken: int) -> str:
    if taken < len(data):
        return f"sent {taken:,} of {len(data):,} bytes: the kernel has no room for more"
    return f"sent {_in_short(data)}"


def _read(data: bytes | None) -> str:
    if data is None:
        return "has nothing to read yet: EAGAIN"
    return f"read {_in_short(data)}" if data else "read the end of the stream: the server has closed"


def _in_short(data: bytes) -> str:
    """Say how many bytes, and which if they are few."""
    return human_bytes(len(data)) + (f": {data!r}" if len(data) <= PREVIEW else "")


def prepare(fn: Callable, backlog: int, clients: int) -> Stepper:
    """Return a stepper with some clients in its accept queue; a TimeoutError says that it has no room for them."""
    stepper = step(fn, backlog=backlog)
    try:
        for _ in range(clients):
            stepper.client()
    except BaseException:
        stepper.end()
        raise
    return stepper


# ---- the panel


class StepPanel(Panel, anywidget.AnyWidget):
    """A panel of stepped servers, one or two; what is done with a stepper from Python shows in it too."""

    _esm = read_script(*player.SCRIPTS["stepper"])
    _css = read_style(*player.STYLES["stepper"])

    kind = traitlets.Unicode().tag(sync=True)
    message = traitlets.Unicode("hello").tag(sync=True)  # what clients send, until the learner writes something else,
    times = traitlets.Int(1).tag(sync=True)  # and how many times over
    acts = traitlets.Dict(ACTS).tag(sync=True)
    headings = traitlets.Dict(stepper_view.HEADINGS).tag(sync=True)
    source = traitlets.Any().tag(sync=True)
    view = traitlets.Dict().tag(sync=True)

    steppers: tuple[Stepper, ...] = ()

    def __init__(self, **traits: Any) -> None:
        self._said: dict = {"text": "", "well": True}
        self._answered = 0
        self._runs = 0  # how many times it was started
        self._due = False
        self._pressed = {"act": "", "client": ""}  # the latest of the buttons
        self._past = step_past.Past()
        super().__init__(**traits)
        self.on_msg(self._heard)

    def refresh(self) -> None:
        """Show how things stand now; in a notebook, this is done for you."""
        with self._lock:
            source, view = self._look()
            with self.hold_sync():
                self.source = source
                self.view = view | {"said": self._said, "answered": self._answered, "run": self._runs}
            if self._pressed["act"] != "save":
                self._past.note(self.shown(), step_past.caption_of(self._pressed["act"], self.view))

    def stop(self) -> None:
        """Stop what is stepped, and show it stopped; a second time does nothing."""
        with self._lock:
            for stepper in self.steppers:
                stepper.end()
            if not self._closed:
                self.refresh()

    def restart(self) -> None:
        """Stop, and step the same from the first line, with as many clients as at the first start."""
        with self._lock:
            self.stop()
            self._say("")
            self._begin()

    @property
    def title(self) -> str:
        """The names of the servers."""
        return " and ".join(stepper.name for stepper in self.steppers)

    def shown(self) -> dict[str, Any]:
        """Return what is shown now, and which button led to it, as a frame of a recording holds it."""
        return shown_by(self) | {"pressed": self._pressed}

    def record(self, story: Sequence[Scene] | None = None) -> Recording:
        """Return a recording that plays without a kernel; `muxlab.show.play` shows it, `.save(path)` writes a page.

        Args:
            story: scenes that the panel performs from here on; without one, what it has shown since it was started.

        Raises:
            UntrueCaption: a caption of the story says what did not happen.
        """
        with self._lock:
            return (
                self._past.recording(self.kind, self.title) if story is None else step_story.record_story(self, story)
            )

    # ---- a subclass says what is stepped, and what is shown of it

    @abc.abstractmethod
    def _step(self) -> tuple[Stepper, ...]:
        """Start the steppers, with their clients."""

    @abc.abstractmethod
    def _look(self) -> tuple[Any, dict]:
        """Return the source to be shown, and the view."""

    @abc.abstractmethod
    def _let(self, deed: Callable[[Stepper], tuple[str, bool]], who: str = "") -> None:
        """Do `deed` to every stepper, and say what it returns, after the name of the client if one does it."""

    @property
    def _touched(self) -> bool:
        """True when anything was done since the panel was made, by a button or from Python."""
        return self._answered > 0 or self._runs > 1 or any(stepper.calls.events for stepper in self.steppers)

    def act(self, act: str, **content: Any) -> None:
        """Do what a button says, and raise what goes wrong; `content` is as in the messages of the browser."""
        with self._lock:
            self._pressed = {"act": act, "client": str(content.get("client", ""))}
            self._act(act, content)

    def _act(self, act: str, content: dict) -> None:
        if act == "save":
            path = save_in(Path.cwd(), self.record())
            self._say(f"saved as {path.name}, in the folder {path.parent.name}")
        elif act == "stop":
            self._say("")
            self.stop()
        elif act == "start":
            self.restart()
        elif act == "client":
            self._let(connect_client)
        else:
            data, who = data_of(act, content), content["client"]
            self._let(lambda stepper: perform(find_client(stepper, who), act, data), who)

    # ---- messages and changes

    def _begin(self) -> None:
        self.steppers = self._step()
        self._runs += 1
        for stepper in self.steppers:
            stepper.on_change.append(self._changed)
        self.refresh()

    def _say(self, text: str, well: bool = True) -> None:
        self._said = {"text": text, "well": well}

    def _show_error(self, error: Exception) -> None:
        self._say(text_of(error), False)

    def _heard(self, _: Any, content: dict, buffers: Any) -> None:
        with self._lock:
            if self._closed:
                return
            with self._errors_shown():
                self.act(**content)
            self._answered += 1
            self.refresh()
            if self._loop is not None and any(stepper.threads() for stepper in self.steppers):
                self._loop.call_soon_threadsafe(self._loop.call_later, FREE, self._late)

    def _changed(self) -> None:
        """Look soon, in the thread of the kernel's loop; a stepper calls this in any thread."""
        if self._loop is not None and not self._due:
            self._due = True
            with contextlib.suppress(RuntimeError):  # the loop is closed: the process ends
                self._loop.call_soon_threadsafe(self._late)

    def _late(self) -> None:
        self._due = False
        if not self._closed:
            self.refresh()
