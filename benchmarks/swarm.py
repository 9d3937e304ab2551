"""The swarm itself: against a bare loop and asyncio, how fast it opens, and what a silent crowd changes.

The server is the reference epoll server in a process of its own. Prints Markdown; the README beside this file says how
to read it.
"""

import argparse
import asyncio
import contextlib
import resource
import select
import socket
import statistics
import time
from collections import defaultdict
from collections.abc import Callable

from crowds import WARM_UP
from echo import Sample, child, table
from machine import machine

import muxlab
from muxlab import limits

PAYLOAD = 64
"""Bytes of a message, as in the other benchmarks."""

LOADS = ((1, 1), (100, 10), (1000, 1000))
"""Connections, and how many of them talk."""

RIVALS = ("bare loop", "asyncio Protocol", "asyncio streams")

PATIENCE = 60.0
"""Seconds for what takes about one: opening the largest crowd, some thousand replies."""

Address = tuple[str, int]


class Figures:
    """What this process has used by now, and what its clients have got by now."""

    def __init__(self, replies: int) -> None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        self.all = time.perf_counter(), time.process_time(), replies, used.ru_stime, used.ru_utime

    def until(self, later: "Figures") -> Sample:
        """Return the difference."""
        return Sample(*(late - early for early, late in zip(self.all, later.all, strict=True)))


def measured(seconds: float, count: Callable[[], int]) -> Sample:
    """Wait, and return what has happened meanwhile, for clients in a thread of this process, whose CPU time counts."""
    began, replies, before = time.perf_counter(), count(), Figures(count())
    time.sleep(seconds)
    while count() == replies and time.perf_counter() < began + PATIENCE:  # none yet, on a very busy machine
        time.sleep(seconds)
    return before.until(Figures(count()))


def by_swarm(address: Address, connections: int, active: int, seconds: float) -> Sample:
    """Measure muxlab's swarm, which verifies every byte and counts every latency."""
    with muxlab.Swarm(address, connections, active, PAYLOAD) as swarm:
        swarm.wait_connected(PATIENCE)
        swarm.wait_replies(WARM_UP * active, PATIENCE)
        return measured(seconds, lambda: swarm.snapshot().replies)


def by_bare_loop(address: Address, connections: int, active: int, seconds: float) -> Sample:
    """Measure the least that a client in Python can do: receive, look at nothing, send again, count."""
    message = bytes(PAYLOAD)
    with contextlib.ExitStack() as stack:
        epoll = stack.enter_context(select.epoll())
        socks = {}
        for _ in range(connections):
            sock = stack.enter_context(socket.create_connection(address, PATIENCE))
            sock.setblocking(False)
            epoll.register(sock, select.EPOLLIN)
            socks[sock.fileno()] = sock
        for sock in list(socks.values())[:active]:
            sock.send(message)

        def run(enough: Callable[[int], bool]) -> int:
            replies = 0
            while not enough(replies):
                for fd, _ in epoll.poll():
                    sock = socks[fd]
                    sock.recv(65536)
                    sock.send(message)
                    replies += 1
            return replies

        run(lambda replies: replies >= WARM_UP * active)
        began, before = time.perf_counter(), Figures(0)
        replies = run(lambda replies: replies > 0 and time.perf_counter() - began >= seconds)
        return before.until(Figures(replies))


class EchoClient(asyncio.Protocol):
    """A client that sends, verifies the whole reply, counts, and sends again."""

    replies = 0  # of all clients together

    def __init__(self, message: bytes, talks: bool) -> None:
        self.message, self.talks, self.received = message, talks, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def start(self) -> None:
        if self.talks:
            self.transport.write(self.message)

    def data_received(self, data: bytes) -> None:
        self.received += data
        if self.received == self.message:
            EchoClient.replies += 1
            self.received = b""
            self.transport.write(self.message)


def by_asyncio_protocol(address: Address, connections: int, active: int, seconds: float) -> Sample:
    """Measure clients of asyncio's callbacks."""

    async def run() -> Sample:
        loop = asyncio.get_running_loop()
        made = []
        for number in range(connections):
            made.append(await loop.create_connection(lambda n=number: EchoClient(bytes(PAYLOAD), n < active), *address))
        for _, client in made:
            client.start()
        EchoClient.replies = 0
        sample = await counted(lambda: EchoClient.replies, WARM_UP * active, seconds)
        for transport, _ in made:
            transport.close()
        return sample

    return asyncio.run(run())


def by_asyncio_streams(address: Address, connections: int, active: int, seconds: float) -> Sample:
    """Measure clients of asyncio's streams, one task for each that talks."""
    replies = 0
    message = bytes(PAYLOAD)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal replies
        while True:
            writer.write(message)
            if await reader.readexactly(PAYLOAD) == message:
                replies += 1

    async def run() -> Sample:
        made = [await asyncio.open_connection(*address) for _ in range(connections)]
        tasks = [asyncio.create_task(talk(*pair)) for pair in made[:active]]
        sample = await counted(lambda: replies, WARM_UP * active, seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for _, writer in made:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for _, writer in made), return_exceptions=True)
        return sample

    return asyncio.run(run())


async def counted(count: Callable[[], int], warm: int, seconds: float) -> Sample:
    """Wait, and return what has happened meanwhile, as `measured` does, inside an event loop."""
    deadline = time.perf_counter() + PATIENCE
    while count() < warm and time.perf_counter() < deadline:
        await asyncio.sleep(0.01)
    began, replies, before = time.perf_counter(), count(), Figures(count())
    await asyncio.sleep(seconds)
    while count() == replies and time.perf_counter() < began + PATIENCE:
        await asyncio.sleep(seconds)
    return before.until(Figures(count()))


CLIENTS = {
    "muxlab swarm": by_swarm,
    "bare loop": by_bare_loop,
    "asyncio Protocol": by_asyncio_protocol,
    "asyncio streams": by_asyncio_streams,
}


def in_turn(address: Address, connections: int, active: int, options: argparse.Namespace) -> dict[str, list[Sample]]:
    """Measure all clients in turn, there and back, round after round."""
    samples: dict[str, list[Sample]] = {name: [] for name in CLIENTS}
    for turn in range(options.rounds):
        for name in list(CLIENTS)[:: -1 if turn % 2 else 1]:
            samples[name].append(CLIENTS[name](address, connections, active, options.seconds))
    return samples


def opening_time(address: Address, connections: int, isolate: bool) -> float:
    """Return the seconds until a whole crowd is connected, the start of its process included."""
    began = time.perf_counter()
    with muxlab.Swarm(address, connections, active=0, isolate=isolate) as swarm:
        swarm.wait_connected(PATIENCE)
        return time.perf_counter() - began


def round_trip(address: Address, idle: int, replies: int = 10_000) -> float:
    """Return the median round trip, in seconds, of one client that talks while `idle` others are silent."""
    with muxlab.Swarm(address, idle, active=0, isolate=True) as crowd:
        crowd.wait_connected(PATIENCE)
        with muxlab.Swarm(address, 1, active=1, isolate=True) as talker:
            talker.wait_replies(replies, PATIENCE)
            return talker.snapshot().total.p50 or 0.0


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--crowd", type=int, default=19_000, help="the large crowd: %(default)s")
    parser.add_argument("--seconds", type=float, default=0.5, help="length of one measurement: %(default)s")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each: %(default)s")
    options = parser.parse_args()
    if options.rounds < 1 or options.seconds <= 0 or options.crowd < 1:
        parser.error("rounds, seconds and crowd have to be more than 0")
    crowd = min(options.crowd, limits.most_connections(server_here=True, clients_here=False) - 10)
    print(machine(), flush=True)
    limits.raise_descriptor_limit(limits.descriptor_limits()[1])
    for connections, active in LOADS:
        with child("epoll") as (_, address):
            samples = in_turn(address, connections, active, options)
        load = f"{connections} connections, {active} talking, {PAYLOAD} bytes a message"
        print(f"\n**{load}; median of {options.rounds} rounds of {options.seconds:g} s**\n")
        print(table(samples, "client", RIVALS), flush=True)
    opened, trips = defaultdict(list), defaultdict(list)
    for _ in range(options.rounds):
        for isolate in (False, True):
            with child("epoll") as (_, address):
                opened[isolate].append(opening_time(address, crowd, isolate))
        for idle in (100, crowd):
            with child("epoll") as (_, address):
                trips[idle].append(round_trip(address, idle) * 1e6)
    print(f"\n**A large crowd; {options.rounds} rounds**\n\n| | median | min..max |\n| --- | ---: | ---: |")
    line(f"seconds to open {crowd:,} connections, swarm in a thread", opened[False])
    line(f"seconds to open {crowd:,} connections, swarm in a process", opened[True])
    line("median round trip beside 100 silent connections, µs", trips[100])
    line(f"median round trip beside {crowd:,} silent connections, µs", trips[crowd])
    line("the second over the first", [many / few for few, many in zip(trips[100], trips[crowd], strict=True)])


def line(what: str, values: list[float]) -> None:
    """Print one line of the last table."""
    print(f"| {what} | {statistics.median(values):.2f} | {min(values):.2f}..{max(values):.2f} |", flush=True)


if __name__ == "__main__":
    main()
