"""The wrong idea of a request, of time and of who listens: Redis-like servers with one bug each.

Their good server is the finished one (muxlab/resp); a difference shows those of its parts in which a bug is. What they
get wrong is seen by the trials of such servers (muxlab/trials/resp.py and its neighbours): `muxlab.check(fn, "redis")`.
"""

from ...resp.channels import Channels
from ...resp.commands import execute
from ...resp.peer import Peer
from ...resp.protocol import Parser
from ...resp.redis_server import converse, redis_server, settle
from ...resp.store import Store
from ..variant import bug

PARSING = redis_server, Peer, Parser
ANSWERING = redis_server, Peer, execute
KEEPING = redis_server, Store
PUBLISHING = redis_server, Channels
SHARING = redis_server, Peer, Store  # what all clients share

REQUESTS = [
    bug(
        ANSWERING,
        "knows_capitals_only",
        "A client that asks in small letters is told that there is no such command.",
        ("command = COMMANDS.get(name) or COMMANDS.get(name.upper())", "command = COMMANDS.get(name)"),
    ),
    bug(
        PARSING,
        "cut_between_cr_and_lf",
        "Once in a while, when a packet ends at the worst of all places, a client gets an error for a good request.",
        ("if end < 0 or end + 2 > len(self._held):", "if end < 0:"),
    ),
    bug(
        (redis_server, Peer),
        "one_request_for_each_recv",
        "When several requests come in one packet, only the first is answered.",
        ("waiting += self.parser.feed(data)", "waiting += self.parser.feed(data)[:1]"),
    ),
    bug(
        PARSING,
        "waits_for_a_carriage_return",
        "What a person types into nc, which ends its lines with a line feed alone, is never answered.",
        ('end = self._held.find(b"\\n")', 'end = self._held.find(b"\\r\\n")'),
        ("del self._held[: end + 1]", "del self._held[: end + 2]"),
    ),
    bug(
        SHARING,
        "one_parser_for_all",
        "While one client is in the middle of a request, what another one says is taken for the rest of it.",
        ("self._clock = clock", "self._clock = clock\nself.parser = Parser()"),
        ("self.parser = Parser()\nself.waiting", "self.parser = store.parser\nself.waiting"),
    ),
    bug(
        (redis_server, converse),
        "waits_for_the_rest_of_a_request",
        "While one client is in the middle of a request, no other is answered.",
        (
            "data = client.receive()",
            """
            data = client.receive()
            while data and not data.endswith(b"\\n") and not client.done:
                select.select([client], [], [])  # the rest of it will be here soon
                data += client.receive()
            """,
        ),
    ),
    bug(
        SHARING,
        "inherits_half_a_request",
        "Now and then the first request of a new client gets an error: somebody had left in the middle of another.",
        ("self._clock = clock", "self._clock = clock\nself.parsers = {}  # by descriptor"),
        (
            "self.parser = Parser()",
            "self.parser = store.parsers.setdefault(connection.fileno(), Parser())",
        ),
    ),
    bug(
        (redis_server, settle),
        "hangs_up_after_the_question",
        "A client that half-closes after it has asked for something long gets part of the reply.",
        ("if client.done or (", "if client.done or client.ended or ("),
    ),
]
"""The wrong idea of a request: where it begins and ends, and whose it is."""

LIMITS = [
    bug(
        PARSING,
        "believes_every_length",
        "A client that sends a length below zero gets an answer to a question that it has not asked.",
        ("if length is None or not 0 <= length <= MOST_BULK:", "if length is None:"),
    ),
    bug(
        PARSING,
        "takes_what_int_takes",
        "One client that sends a word where a length should be ends the server for everybody.",
        ("length = whole_number(line[1:])", "length = int(line[1:])"),
    ),
    bug(
        PARSING,
        "waits_for_any_number_of_words",
        "A client may announce two billion words, and send them, until the memory is full.",
        ("if count is None or count > MOST_ARGUMENTS:", "if count is None:"),
    ),
    bug(
        PARSING,
        "keeps_a_line_without_an_end",
        "A client that sends digit after digit, and no end of line, fills the memory.",
        (
            """
            if (len(self._held) if end < 0 else end) > MOST_LINE:
                raise ProtocolError(too_long)
            """,
            "",
        ),
    ),
]
"""The wrong trust: what a client says of its own request is believed."""

VALUES = [
    bug(
        KEEPING,
        "keeps_text",
        "Some bytes of a value that is not text come back changed.",
        ("self._values[key] = value\nif", 'self._values[key] = value.decode(errors="replace").encode()\nif'),
    ),
    bug(
        ANSWERING,
        "counts_on_numbers",
        "One INCR of a value that is not a number ends the server for everybody.",
        (
            "return function(peer, *request[1:])",
            """
            if name.upper() == b"INCR":
                number = int(peer.store.get(request[1]) or 0) + 1
                peer.store.replace(request[1], b"%d" % number)
                return integer(number)
            return function(peer, *request[1:])
            """,
        ),
    ),
    bug(
        ANSWERING,
        "hangs_up_on_what_it_does_not_know",
        "A client that asks for an unknown command loses its connection.",
        ("return unknown(request)", "peer.leaving = True\nreturn unknown(request)"),
    ),
    bug(
        ANSWERING,
        "minds_too_few_words_only",
        "One GET with two keys ends the server for everybody.",
        ("if len(request) != words and (words > 0 or len(request) < -words):", "if len(request) < abs(words):"),
    ),
]
"""The wrong idea of a value, and of a command."""

TIMES = [
    bug(
        KEEPING,
        "rounds_up_to_seconds",
        "A key that is to be kept for 200 milliseconds is still there after 900.",
        ("deadline = self._clock() + seconds", "deadline = self._clock() + round(seconds + 0.5)"),
    ),
    bug(
        KEEPING,
        "heeds_every_alarm",
        "A key whose time was put off is forgotten when the first of its two times is over.",
        (
            "while self._heap and self._deadlines.get(self._heap[0][1]) != self._heap[0][0]:",
            "while self._heap and self._heap[0][1] not in self._deadlines:",
        ),
    ),
    bug(
        redis_server,
        "looks_at_the_clock_when_asked",
        "Keys whose time is over take up memory until somebody says something.",
        ("epoll.poll(shorter(acceptor.timeout, store.timeout()))", "epoll.poll(acceptor.timeout)"),
    ),
    bug(
        redis_server,
        "looks_again_and_again",
        "The server wakes up a thousand times a second, to see whether the time of a key is over.",
        ("store.timeout()", "0.001"),
    ),
    bug(
        KEEPING,
        "sleeps_for_years",
        "One key that is to be kept for a year ends the server for everybody.",
        ("LONGEST_WAIT", 'float("inf")'),
    ),
]
"""The wrong idea of time: when a key is forgotten, and who wakes the server for it."""

LISTENERS = [
    bug(
        PUBLISHING,
        "one_subscriber_for_each_channel",
        "Only the last client that has subscribed to a channel is told.",
        ("self._subscribers.setdefault(channel, {})[peer] = None", "self._subscribers[channel] = {peer: None}"),
    ),
    bug(
        (redis_server, Peer),
        "tells_those_who_have_left",
        "PUBLISH counts subscribers who left long ago, and they stay in memory.",
        ("self.shared_channels.leave(self)", "self.channels.clear()"),
    ),
    bug(
        PUBLISHING,
        "waits_for_every_subscriber",
        "When one subscriber does not read, nobody is answered any more.",
        (
            "self.told.update(subscribers)",
            """
            for peer in subscribers:
                peer.connection.sock.setblocking(True)
                peer.connection.flush()  # until all of it is on its way
                peer.connection.sock.setblocking(False)
            """,
        ),
    ),
    bug(
        PUBLISHING,
        "settles_the_publisher_alone",
        "A subscriber that was busy for a moment gets the end of the news when somebody publishes again, or never.",
        (
            "self.told.update(subscribers)",
            """
            for peer in subscribers:
                if len(peer.connection.unsent) > 1024 * 1024:
                    self.told[peer] = None  # only those that are to be closed
            """,
        ),
    ),
    bug(
        (redis_server, settle),
        "keeps_everything_for_the_slow",
        "A subscriber that does not read fills the memory with what others publish.",
        ("len(client.unsent) > MOST_UNSENT", "len(client.unsent) > 2**30"),
    ),
]
"""The wrong idea of who listens."""

REDIS = [*REQUESTS, *LIMITS, *VALUES, *TIMES, *LISTENERS]
