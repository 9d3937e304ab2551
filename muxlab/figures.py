"""How a swarm was served: the figures that it gives."""

from dataclasses import dataclass

from .histogram import Histogram


@dataclass(frozen=True)
class Figures:
    """How a swarm was served during some time.

    Attributes:
        replies_per_second: complete, verified replies.
        p50, p99, max: latency in seconds, from when a message was due to the last byte of its reply; None without one.
    """

    replies_per_second: float
    p50: float | None
    p99: float | None
    max: float | None


@dataclass(frozen=True)
class Snapshot(Figures):
    """A swarm at one moment; its own figures are those of the latest whole half second.

    Attributes:
        connected: clients that are connected now.
        sent: messages sent since the start.
        replies: verified replies since the start.
        mismatches: replies with a wrong byte, since the start.
        errors: connections refused, reset or closed by the server, since the start.
        total: the figures since the start.
    """

    connected: int
    sent: int
    replies: int
    mismatches: int
    errors: int
    total: Figures


def figures(latencies: Histogram, seconds: float) -> Figures:
    """What the latencies of some seconds come to."""
    return Figures(
        replies_per_second=latencies.count / seconds if seconds > 0 else 0.0,
        p50=latencies.percentile(0.50),
        p99=latencies.percentile(0.99),
        max=latencies.max if latencies.count else None,
    )
