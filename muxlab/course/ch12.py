"""Exercises of chapter 12, Build a Redis: one server, in four steps.

A step changes some functions, and starts from the step before. ch12_server has the functions of the chapter's text, and
ch12_frames, ch12_commands, ch12_expiry and ch12_pubsub those that the steps put in their place.
"""

from collections.abc import Callable

from . import ch12_commands, ch12_expiry, ch12_frames, ch12_pubsub, ch12_server
from .exercises import Exercise
from .variant import variant


def together(*functions: Callable) -> tuple[Callable, ...]:
    """Put a server together from functions of several files; each calls the others as if they stood in one."""
    server = variant(functions, "redis_server", "A server that speaks Redis's protocol.")
    return tuple(server.__globals__[function.__name__] for function in functions)


HELPERS = (ch12_server.bulk, ch12_server.error_reply, ch12_server.integer)
PARSER = (ch12_frames.respond, ch12_frames.parse, ch12_frames.a_line, ch12_frames.a_length)

BELIEVES_ALL = together(
    ch12_server.redis_server,
    ch12_server.respond,
    ch12_server.parse,
    ch12_server.a_line,
    ch12_server.answer,
    ch12_server.database,
    *HELPERS,
)
WITH_FRAMES = together(ch12_server.redis_server, *PARSER, ch12_server.answer, ch12_server.database, *HELPERS)
WITH_COMMANDS = together(ch12_server.redis_server, *PARSER, ch12_commands.answer, ch12_commands.database, *HELPERS)
WITH_EXPIRY = together(ch12_server.redis_server, *PARSER, ch12_commands.answer, ch12_expiry.database, *HELPERS)
FINISHED = together(
    ch12_pubsub.redis_server,
    *PARSER,
    ch12_commands.answer,
    ch12_expiry.database,
    ch12_pubsub.channel_commands,
    ch12_pubsub.leave,
    *HELPERS,
)

EXERCISES = [
    Exercise(
        name="redis-frames",
        chapter="12",
        about="This server believes whatever it is told. One client that gives a false length ends it for everybody. "
        "Let it answer with the error that Redis gives, and close that connection alone. And let a person who types "
        "`PING`, in one line without any lengths, be answered too.",
        trials=(
            "redis: answers PING",
            "redis: takes a request cut at every byte",
            "redis: answers 1,000 pipelined requests",
            "redis: takes inline commands",
            "redis: serves others while 200 requests are unfinished",
            "redis: refuses false lengths",
            "redis: refuses counts beyond all reason",
            "redis: refuses a line without an end",
            "redis: survives a reset in the middle of a request",
            "redis: answers a client that half-closes after asking",
        ),
        hints=(
            "Begin with the person who types. A line that does not begin with `*` is a request by itself: which "
            "words are in it? And what if there are none, as after `*0`?",
            "`parse` is the one who notices that a client breaks the rules, and `respond` is the one who can say so. "
            "How does Python pass such news from one function to the other? Use `integer`, and say what is wrong in "
            "the words of the table in section 5.",
            "Let `parse` raise `ValueError`, and let `respond` catch it around its loop. What has been answered "
            "before that point still has to be sent, then the error, and after it nothing more: `QUIT` shows how.",
            "There is one wait in which bytes pile up without anybody having said how many: that for the end of a "
            "line. Give it a limit of 65,536 bytes.",
        ),
        why="`parse` raises `ValueError` as soon as a line breaks the rules, before a single byte of what was "
        "promised is waited for, and `respond` turns it into the last reply of this connection.",
        functions=WITH_FRAMES,
        broken=BELIEVES_ALL[0],
        pieces=("respond", "parse", "a_line"),
    ),
    Exercise(
        name="redis-commands",
        chapter="12",
        about="`answer` finds the numbers of arguments in the table, and does not look at them. Let it. Then add "
        "four commands: `DEL key ...`, `EXISTS key ...`, `DBSIZE`, and `INCR key`, which adds 1 to a value that is a "
        "number.",
        trials=(
            "redis: answers PING",
            "redis: takes a request cut at every byte",
            "redis: answers 1,000 pipelined requests",
            "redis: keeps any bytes",
            "redis: counts with INCR",
            "redis: names unknown commands and wrong arities",
        ),
        hints=(
            "What does Python raise when `get` is called with two keys? It must not come so far: compare the number "
            "of arguments with `least` and `most` first.",
            "`DEL`, `EXISTS`, `DBSIZE` and `INCR` reply with a number: a colon, its digits, and the end of a line. "
            "What is the value of a key that is not there, to somebody who counts?",
            "All values are bytes, before `INCR` and after it. `integer` tells which of them spell a number; for the "
            'others, reply with `error_reply(b"value is not an integer or out of range")`.',
        ),
        why="Everything that may go wrong with a request's form is decided in one place, `answer`, by the two "
        "numbers in the table; so no command has to count its arguments.",
        functions=WITH_COMMANDS,
        start=WITH_FRAMES[0],
        pieces=("answer", "database"),
    ),
    Exercise(
        name="redis-expiry",
        chapter="12",
        about="Add `EXPIRE key seconds` and `PEXPIRE key milliseconds`, `TTL key` and `PTTL key`. A key is forgotten "
        "when its time is over, and its memory is free again, even if nobody says a word. Until then, the server "
        "sleeps.",
        trials=(
            "redis: answers PING",
            "redis: takes a request cut at every byte",
            "redis: keeps any bytes",
            "redis: counts with INCR",
            "redis: forgets a key when its time is over",
            "redis: forgets no key before its time",
            "redis: forgets keys while nobody talks",
            "redis: sleeps between two expiries",
            "redis: takes a time that is years away",
        ),
        hints=(
            "The loop calls `ring` before each wait, and sleeps for as long as `ring` says. So what has to be done "
            "in `ring`, and what is to be returned? Which alarm is the first one, and which Python module keeps it "
            "in front?",
            "An alarm goes off, and meanwhile its key was given another time, or was set again, or deleted. Keep the "
            "deadline of each key in a dictionary as well, and believe an alarm only if it is in there.",
            "After `SET`, a key has no deadline any more; after `INCR`, it keeps the one it had. `TTL` replies -2 "
            "for a key that is not there, and -1 for one that stays.",
            "`epoll.poll` counts milliseconds in 31 bits, and raises `OverflowError` beyond 24 days. It does no harm "
            "to wake up once an hour.",
        ),
        why="`ring` forgets what is over, and returns how long the server may sleep: until the first alarm on the "
        "heap. An alarm counts only if it is still the deadline of its key, so a deadline is changed by writing "
        "another one.",
        functions=WITH_EXPIRY,
        start=WITH_COMMANDS[0],
        pieces=("database",),
    ),
    Exercise(
        name="redis-pubsub",
        chapter="12",
        about="Let clients hear each other: `SUBSCRIBE channel ...`, `UNSUBSCRIBE channel ...` (without a name, all "
        "of them), and `PUBLISH channel message`. A subscriber that does not read must not hold up anybody, and may "
        "cost the server 1 MiB at most; one that would cost more is disconnected.",
        trials=(
            "redis: answers PING",
            "redis: takes a request cut at every byte",
            "redis: answers 1,000 pipelined requests",
            "redis: survives a reset in the middle of a request",
            "redis: tells subscribers what is published",
            "redis: gives a subscriber nothing after it has left",
            "redis: is not held up by a subscriber that does not read",
            "redis: sends the rest to a subscriber that reads late",
            "redis: holds at most 1 MiB for a subscriber that does not read",
        ),
        hints=(
            "The commands of channels need what the database does not know: other clients. Write a function that "
            "returns a second table, as `database` returns the first, and let the server join the two: `table | "
            "more`.",
            "When is a subscriber gone? When it unsubscribes, and also when it leaves without a word. Which function "
            "of the server learns of that?",
            "`publish` sends to other clients, and `send` may leave a part of the message unsent. Until now, "
            "`settle` is called for the client that has talked. For whom else has it to be called, and when?",
            "`settle` looks at every client whose state may have changed, and decides whom to drop. What is in "
            "`client.unsent` when a subscriber has not read for a while?",
        ),
        why="`publish` notes down in `told` whom it has sent something, and the server settles all of these in the "
        "same turn: each is watched for room, or, if too much is unsent, dropped.",
        functions=FINISHED,
        start=WITH_EXPIRY[0],
    ),
]
