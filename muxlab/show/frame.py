"""One moment of a playground: what the panel and the stored picture show, and its form on the way to the browser."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from muxlab.show.theme import human_number, human_seconds

# What one byte of `dots` says, as Swarm.activity() gives it. 1 to 250 is the number of replies since the last look.
QUIET, WAITING, CONNECTING, LOST = 0, 251, 252, 253

_HEADER = struct.Struct("<III")  # number of this frame, points of history, connections


@dataclass(frozen=True)
class Frame:
    """What is known at one moment: counts, rates per second, durations in seconds (None before any reply)."""

    number: int = 0
    connected: int = 0
    wanted: int = 0
    replies_per_second: float = 0.0
    p50: float | None = None
    p99: float | None = None
    cpu_share: float | None = None  # of one core, 0 to 1
    dots: bytes = b""  # one byte for each connection
    history: tuple[float, ...] = ()  # replies per second, oldest first

    def pack(self) -> bytes:
        """Return the moving part for the canvas: header, history as 32-bit floats, one byte per connection."""
        header = _HEADER.pack(self.number, len(self.history), len(self.dots))
        return header + struct.pack(f"<{len(self.history)}f", *self.history) + self.dots

    def tiles(self) -> list[str]:
        """Return the five numbers as the panel writes them, in the order of `TILES`."""
        share = "\u2013" if self.cpu_share is None else f"{100 * self.cpu_share:.0f} %"
        return [
            f"{human_number(self.connected)} / {human_number(self.wanted)}",
            human_number(self.replies_per_second),
            human_seconds(self.p50),
            human_seconds(self.p99),
            share,
        ]


TILES = ("connected", "replies per second", "half within", "99 % within", "server CPU")
