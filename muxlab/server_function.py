"""A server's function, made ready to be called in the server's thread: with the `stop` that it takes, tapped or not.

Learners write `fn(listener, stop)`, `fn(listener)` or `fn(listener, *, stop)`; a `ServerFunction` is called in one way.
With a tap, it is called in the version whose global names are stand-ins (watch/); without one it runs untouched.

Not handled here: the thread, what the function raises, and its end by force. See server.py.
"""

import threading
from collections.abc import Callable

from .arguments import stop_argument
from .listener import Listener
from .stop import Stop
from .watch.rebind import Globals
from .watch.socket_stand_in import socket_class
from .watch.tap import Tap


class ServerFunction:
    """A function that serves, and everything that belongs to one call of it.

    Args:
        fn: the function, as it was passed to `serve`.
        name: its name, for error messages.
        tap: the tap that its calls go through, or None.
        begin: an event that it waits for before it begins, or None.

    Attributes:
        takes_stop: whether the function takes a `stop`, so that it can be asked to return.

    Raises:
        TypeError: `fn` is not a function of `(listener, stop)` or `(listener)`.
    """

    def __init__(self, fn: Callable, name: str, tap: Tap | None = None, begin: threading.Event | None = None) -> None:
        self._stop_argument = stop_argument(fn, name)
        self.takes_stop = bool(self._stop_argument)
        self._fn, self._tap, self._begin = fn, tap, begin
        self._globals: Globals | None = None

    def prepare(self, listener: Listener, stop: Stop) -> None:
        """Let its calls go through the tap, if there is one. In the server's thread, as all that follows."""
        if self._tap is None:
            return
        listener.__class__ = socket_class(self._tap, type(listener))  # type: ignore[assignment]
        self._tap.names |= {listener.fileno(): "listener", stop.fileno(): "stop"}
        self._globals = Globals(self._fn, self._tap)
        self._fn = self._globals.fn
        if self._tap.gate is not None:
            self._tap.gate.before_function(stop.fileno(), (self._globals, self._globals.real))

    def call(self, listener: Listener, stop: Stop) -> None:
        """Call the function; it returns when it has ended. Only inside this may the function be ended by force."""
        if self._begin is not None:
            self._begin.wait()
        if self._stop_argument == "keyword":
            self._fn(listener, stop=stop)
        else:
            self._fn(listener, *[stop] * self.takes_stop)

    def note_end(self, error: BaseException | None, forced: bool) -> None:
        """End the recording, tell the gate how the function ended, and let its module have what it assigned."""
        if self._tap is None:
            return
        self._tap.over = True
        if self._tap.gate is not None:
            self._tap.gate.after_function(error, forced)  # while its sockets are still open
        if self._globals is not None:
            self._globals.write_back()

    def note_close(self) -> None:
        """Tell the gate that everything that the server had open is closed."""
        if self._tap is not None and self._tap.gate is not None:
            self._tap.gate.after_close()
