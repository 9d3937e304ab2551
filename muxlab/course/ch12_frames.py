"""Chapter 12, step 1: the functions that take no client's word for anything (the exercise redis-frames)."""

from .ch12_server import answer, error_reply, integer


def respond(client, requests, table):
    """Answer the requests that are whole by now, all of them with one `send`."""
    replies, stays = [], True
    try:
        while stays and (request := next(requests)) is not None:
            replies.append(answer(table, client, request))
            stays = request[0].upper() != b"QUIT"
    except ValueError as wrong:
        replies.append(error_reply(b"Protocol error: " + str(wrong).encode("latin-1")))
        stays = False  # nobody can tell where its next request would begin
    if replies:
        client.send(b"".join(replies))
    if not stays:
        client.ended = True  # nothing more is read from it; when all is sent, it is done
        client.flush()


def parse(received):
    """Yield each request as a list of words, once it is whole; yield None while bytes are missing."""
    while True:
        line = yield from a_line(received, "too big inline request")
        if line.startswith(b"*"):
            words = []
            for _ in range(a_length(line, 1024 * 1024, "invalid multibulk length")):
                line = yield from a_line(received, "too big bulk count string")
                if not line.startswith(b"$"):
                    raise ValueError(f"expected '$', got '{line[:1].decode('latin-1')}'")
                size = a_length(line, 512 * 2**20, "invalid bulk length")
                if size < 0:
                    raise ValueError("invalid bulk length")
                while len(received) < size + 2:
                    yield None
                words.append(bytes(received[:size]))
                del received[: size + 2]
        else:
            words = line.split()  # somebody types
        if words:  # nobody has asked for anything with an empty line, or with a count of 0 or less
            yield words


def a_line(received, too_long):
    """Take the first line off the bytes, and return it without its end; yield None while it has none."""
    while (end := received.find(b"\n")) < 0:
        if len(received) > 65536:
            raise ValueError(too_long)
        yield None
    line = bytes(received[:end])
    del received[: end + 1]
    return line.removesuffix(b"\r")


def a_length(line, most, wrong):
    """Return the number behind the first byte of a line, unless it is false or beyond `most`."""
    number = integer(line[1:])
    if number is None or number > most:
        raise ValueError(wrong)
    return number
