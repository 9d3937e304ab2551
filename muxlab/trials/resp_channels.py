"""Trials of publish and subscribe, on request: who is told, who is not, and who does not listen to what he is told."""

from ..sockets import waiting_bytes
from .backpressure import KEPT
from .patience import LOOK
from .resp import cut_at_every_byte, pipelined
from .resp_client import ANY_NUMBER, RedisBench, RedisClient, array, bulk, number, redis_trial
from .trial import NARROW, Failed

MESSAGE = bytes(range(256)) * 256
"""A long message."""

PUBLISHED = 128
"""Long messages that are published to a subscriber that does not read: eight MiB in all."""

PIECE = bytes(range(256)) * 16
"""A message that is short beside the queues, so that little is left with the server when the first does not fit."""

PIECES = 1024
"""Of these messages, more than the queues on their way hold with `NARROW`."""

LEAVING = 6
"""Subscribers that leave: some unsubscribe, some close, and some break off."""

LEFT = "Who is on a channel's list, and when is he taken off it? Whose is his descriptor then?"


def message(channel: str, data: bytes | str) -> bytes:
    """Return what a subscriber is sent."""
    return array(bulk("message"), bulk(channel), bulk(data))


def subscriber(bench: RedisBench, *names: str, buffer: int = 0) -> RedisClient:
    """Return a client that has subscribed to channels."""
    client = bench.client(buffer)
    replies = [array(bulk("subscribe"), bulk(name), number(place)) for place, name in enumerate(names, 1)]
    client.ask("SUBSCRIBE", *names, reply=replies[0]).expect(*replies[1:])
    if not bench.answered(client):
        raise Failed(f"SUBSCRIBE: {client.came_back if client.wrong else client.got}")
    return client


@redis_trial(
    "tells subscribers what is published",
    "A subscriber is sent what it has not asked for. Who sends it, and when?",
    needs=[cut_at_every_byte, pipelined],
)
def tells(bench: RedisBench) -> str:
    """Some have subscribed to one channel, one to two, one of them twice, one to none; each is told what is for it."""
    news = [subscriber(bench, "news") for _ in range(3)]
    both, sport = subscriber(bench, "news", "sport"), subscriber(bench, "sport")
    both.ask("SUBSCRIBE", "news", reply=array(bulk("subscribe"), bulk("news"), number(2)))  # once more is no more
    publisher, bystander = bench.guests(2)
    for words in ("first", "", "\u20ac\r\n+OK\r\n"):
        publisher.ask("PUBLISH", "news", words, reply=number(4)).ask("PUBLISH", "sport", words, reply=number(2))
        publisher.ask("PUBLISH", "empty", words, reply=number(0))
        for client in (*news, both):
            client.expect(message("news", words), to="PUBLISH news")
        for client in (both, sport):
            client.expect(message("sport", words), to="PUBLISH sport")
    clients = (publisher, *news, both, sport)
    bench.answered(*clients)
    bench.digest()
    if not bench.answered(*clients, bystander.greet()):
        raise Failed(told_wrong(*clients, bystander))
    return "subscribers were told what was published on their channels, and nothing else"


@redis_trial("gives a subscriber nothing after it has left", LEFT, needs=[tells])
def nothing_after(bench: RedisBench) -> str:
    """Some unsubscribe, some close, some break off; others come after them, and get their descriptors."""
    bench.client()
    stays = subscriber(bench, "news")
    leaving = [subscriber(bench, "news", "sport") for _ in range(LEAVING)]
    unsubscribed, closed, reset = leaving[::3], leaving[1::3], leaving[2::3]
    for client in unsubscribed:
        client.ask("UNSUBSCRIBE", "news", reply=array(bulk("unsubscribe"), bulk("news"), number(1)))
        client.ask("UNSUBSCRIBE", "sport", reply=array(bulk("unsubscribe"), bulk("sport"), number(0)))
    if not bench.answered(*unsubscribed):
        raise Failed(f"UNSUBSCRIBE: {told_wrong(*unsubscribed)}")
    for client in closed:
        client.close()
    for client in reset:
        client.reset()
    bench.lookout.hears_of_ends(staying=2 + len(unsubscribed))
    bench.happens(lambda: len(bench.server.connections()) <= 2 + len(unsubscribed))
    newcomers = bench.guests(LEAVING)
    publisher = bench.client().ask("PUBLISH", "news", "hello", reply=number(1))
    publisher.ask("PUBLISH", "sport", "hello", reply=number(0))
    stays.expect(message("news", "hello"), to="PUBLISH news")
    bench.answered(publisher, stays)
    bench.digest()
    here = publisher, stays, *unsubscribed, *newcomers
    for client in (*unsubscribed, *newcomers):
        client.greet()
    if not bench.answered(*here):
        raise Failed(f"when {LEAVING} subscribers of {1 + LEAVING} had left, {told_wrong(*here)}")
    return f"{LEAVING} subscribers left, and one that stayed was told"


@redis_trial(
    "is not held up by a subscriber that does not read",
    "Whose send queue is full, and who waits for it? In which order are the others told?",
    needs=[tells],
)
def not_held_up(bench: RedisBench) -> str:
    """Much is published to it, and to one that reads."""
    _, *others = publish_much(bench)
    if not bench.answered(*others):
        raise Failed(f"while one subscriber did not read, {told_wrong(*others)}")
    bench.still_serves("much was published to one that does not read")
    return "while one subscriber did not read, the publisher was answered and another subscriber was told"


@redis_trial(
    "sends the rest to a subscriber that reads late",
    "`send` may leave a part unsent, for a client whose turn it is not. Who looks after that part, and when?",
    needs=[not_held_up],
)
def reads_late(bench: RedisBench) -> str:
    """So much is published to it that the queues are full, and a little is left with the server; then it reads."""
    bench.serve(narrow=True)
    late, publisher = subscriber(bench, "news", buffer=NARROW), bench.client()
    for _ in range(PIECES):
        late.expect(message("news", PIECE), to="PUBLISH news")
        if not bench.answered(publisher.ask("PUBLISH", "news", PIECE, reply=ANY_NUMBER)):
            raise Failed(told_wrong(publisher))
        in_queues = waiting_bytes(late.sock) + bench.queued()
        if in_queues < sum(map(len, late.expected[1:])):
            break
    if not bench.answered(late):
        raise Failed(f"when a subscriber reads that was slow for a moment, {told_wrong(late)}")
    return "a subscriber that was slow for a moment got everything in the end"


@redis_trial(
    "holds at most 1 MiB for a subscriber that does not read",
    "How many bytes may wait for one subscriber? And what becomes of it when there are more?",
    needs=[not_held_up],
)
def holds_little(bench: RedisBench) -> str:
    """Much is published to it; then it reads. What it gets that was in no queue of the kernel, the server has held."""
    slow, *others = publish_much(bench)
    bench.digest()
    if len(bench.server.connections()) == len(others):
        return "the server hung up on it"
    queued = waiting_bytes(slow.sock) + bench.queued()
    before = len(slow.answer)
    bench.lookout.attend([slow], lambda: slow.ended, LOOK)
    held = len(slow.answer) - before - queued
    if held > KEPT:
        raise Failed(f"the server holds {held:,} bytes for a subscriber that reads nothing, and a thousand may come")
    return "what the server holds for it fits into 1 MiB"


def publish_much(bench: RedisBench) -> list[RedisClient]:
    """Publish to a subscriber that does not read and to one that does; return both, and the publisher."""
    bench.serve(narrow=True)
    slow, reads = subscriber(bench, "news", buffer=NARROW), subscriber(bench, "news")
    publisher = bench.client()
    for _ in range(PUBLISHED):
        reads.expect(message("news", MESSAGE), to="PUBLISH news")
        if not bench.answered(publisher.ask("PUBLISH", "news", MESSAGE, reply=ANY_NUMBER), reads):
            break
    return [slow, reads, publisher]


def told_wrong(*clients: RedisClient) -> str:
    """Say which of these clients was not told what it should be, and what it got."""
    client = next(client for client in clients if not client.answered)
    return f"a client got {client.got}" + ("" if client.wrong else f"; {client.came_back}")
