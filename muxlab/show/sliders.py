"""The sliders of the panels, and their values as plain whole numbers: three of a playground, or connections alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ipywidgets import HBox, IntSlider, SelectionSlider

from muxlab import limits
from muxlab.arguments import check_count

MOST = 10_000  # connections: as many dots as a panel can still show one by one
LARGEST = 2**16  # bytes: what one recv of the course's servers takes


class Sliders(HBox):
    """Connections, talking clients and bytes in a message; each may also be assigned.

    The first and the last stand only at round numbers, further apart the larger they are (1, 2, 3, 5, 7, 10, 15 ...),
    so that 10 and 10,000 are both easy to reach; a value that is assigned becomes one more place to stand.

    Args:
        connections, active, payload: where the sliders stand at first; numbers that `check_load` lets pass.
    """

    def __init__(self, connections: int, active: int, payload: int) -> None:
        self._told: Callable[[str, int], None] = lambda what, value: None
        self._placing = False
        self._connections = _slider("connections", connections, round_counts(_most()))
        self._active = IntSlider(0, 0, connections, description="talking")
        self._payload = _slider("bytes in a message", payload, (2**power for power in range(LARGEST.bit_length())))
        self.active = min(active, connections)
        self._connections.observe(self._connections_moved, "value")
        self._active.observe(lambda _: self._told("active", self.active), "value")
        self._payload.observe(lambda _: self._placing or self._told("payload", self.payload), "value")
        super().__init__([self._connections, self._active, self._payload])
        self.add_class("mux-sliders")

    def tell(self, listener: Callable[[str, int], None]) -> None:
        """Call `listener("connections" or "active" or "payload", value)` whenever one has changed."""
        self._told = listener

    def by_title(self) -> dict[str, int]:
        """Return the values of all three, by what is written beside them."""
        return {slider.description: int(slider.value) for slider in self.children}

    @property
    def connections(self) -> int:
        """Clients in all."""
        return int(self._connections.value)

    @connections.setter
    def connections(self, count: int) -> None:
        check_count("connections", count)
        self._place(self._connections, count)
        self._connections_moved()

    @property
    def active(self) -> int:
        """Clients that talk; the slider ends at `connections`, for nobody can talk who is not connected."""
        return int(self._active.value)

    @active.setter
    def active(self, count: int) -> None:
        check_count("active", count, 0)
        self._active.value = count

    @property
    def payload(self) -> int:
        """Bytes in each message."""
        return int(self._payload.value)

    @payload.setter
    def payload(self, size: int) -> None:
        check_count("payload", size)
        self._place(self._payload, size)
        self._told("payload", size)

    def _connections_moved(self, _: object = None) -> None:
        if not self._placing:
            self._active.max = self.connections
            self._told("connections", self.connections)

    def _place(self, slider: SelectionSlider, value: int) -> None:
        """Put `slider` on `value`. On the way ipywidgets goes to the first of the new stops: nobody is told of that."""
        self._placing = True
        try:
            _place(slider, value)
        finally:
            self._placing = False


class OneSlider(HBox):
    """A slider for connections alone.

    Args:
        connections: where it stands at first, 1 or more.
        most: where it ends, or less if the machine does not allow so many.
        ends: how many servers each step adds a client to.
    """

    def __init__(self, connections: int, most: int, ends: int = 1) -> None:
        self._told: Callable[[int], None] = lambda value: None
        self._placing = False
        self._slider = _slider("connections", connections, round_counts(min(most, _most() // ends)))
        self._slider.observe(lambda _: self._placing or self._told(self.connections), "value")
        super().__init__([self._slider])
        self.add_class("mux-sliders")
        self.add_class("mux-one")

    def tell(self, listener: Callable[[int], None]) -> None:
        """Call `listener(value)` whenever it has changed."""
        self._told = listener

    @property
    def connections(self) -> int:
        """Clients in all."""
        return int(self._slider.value)

    @connections.setter
    def connections(self, count: int) -> None:
        check_count("connections", count)
        self._placing = True  # see `Sliders._place`
        try:
            _place(self._slider, count)
        finally:
            self._placing = False
        self._told(count)


def check_load(connections: int, active: int, payload: int) -> None:
    """Refuse what is not a whole number with a TypeError, what is too small with a ValueError."""
    check_count("connections", connections)
    check_count("active", active, 0)
    check_count("payload", payload)


def round_counts(most: int) -> list[int]:
    """Return the round numbers up to `most`, further apart the larger they are: 1, 2, 3, 5, 7, 10, 15, 20 ..."""
    counts = (first * 10**power // 10 for power in range(1, 6) for first in (10, 15, 20, 30, 50, 70))
    return [count for count in counts if count <= most]


def _place(slider: SelectionSlider, value: int) -> None:
    """Put a slider on a value, which becomes one more place to stand if it is none yet."""
    stops = [stop for _, stop in slider.options]
    if value not in stops:
        slider.options = _stops([*stops, value])
    slider.value = value


def _slider(title: str, value: int, stops: Iterable[int]) -> SelectionSlider:
    slider = SelectionSlider(options=_stops([*stops, value]), value=value, description=title)
    slider.add_class("mux-stops")
    return slider


def _stops(values: Iterable[int]) -> list[tuple[str, int]]:
    return [(f"{value:,}", value) for value in sorted(set(values))]


def _most() -> int:
    """Return where the slider for connections ends: what the machine allows now, in whole hundreds, and `MOST`."""
    room = limits.most_connections(server_here=True)
    return max(1, min(MOST, room - room % 100 if room > 1000 else room))
