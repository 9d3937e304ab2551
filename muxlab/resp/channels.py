"""Publish and subscribe: what is published on a channel goes to whoever is subscribed then, and is not kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .protocol import bulk_string, push

if TYPE_CHECKING:
    from .peer import Peer


class Channels:
    """Who has subscribed to what.

    Attributes:
        told: peers to whom something was published since the server last looked. Bytes may be waiting for room in their
            send queues, so the server has to watch them for that; it then empties this.
    """

    def __init__(self) -> None:
        self._subscribers: dict[bytes, dict[Peer, None]] = {}  # a dictionary is a set that keeps its order
        self.told: dict[Peer, None] = {}

    def subscribe(self, peer: Peer, channel: bytes) -> None:
        """Subscribe a peer to a channel: it is told what is published there from now on."""
        self._subscribers.setdefault(channel, {})[peer] = None
        peer.channels[channel] = None

    def unsubscribe(self, peer: Peer, channel: bytes) -> None:
        """Unsubscribe a peer from a channel; nothing happens if it has not subscribed."""
        if channel in peer.channels:
            del peer.channels[channel]
            del self._subscribers[channel][peer]
            if not self._subscribers[channel]:
                del self._subscribers[channel]

    def leave(self, peer: Peer) -> None:
        """Forget a peer that is gone."""
        for channel in list(peer.channels):
            self.unsubscribe(peer, channel)

    def publish(self, channel: bytes, message: bytes) -> int:
        """Send a message to all subscribers of a channel; return how many they are."""
        subscribers = self._subscribers.get(channel)
        if not subscribers:
            return 0
        parts = [bulk_string(b"message"), bulk_string(channel), bulk_string(message)]
        news = {version: push(version, parts) for version in (2, 3)}
        for peer in subscribers:
            peer.tell(news[peer.version])
        self.told.update(subscribers)
        return len(subscribers)
