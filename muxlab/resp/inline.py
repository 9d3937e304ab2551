"""Inline requests: words on a line, some of them in quotes, as a person types them into a terminal.

The rules are Redis's (sdssplitargs in sds.c): in double quotes, `\\n`, `\\t`, `\\x41` and the like mean what they mean
in Python; in single quotes, only `\\'` does; after a closing quote, a space or the end of the line has to follow.
"""

import re

PIECE = re.compile(
    rb"""
      "(?P<double> (?: [^"\\] | \\. )* )" (?= [\s] | \Z )
    | '(?P<single> (?: [^'\\] | \\' | \\(?!') )* )' (?= [\s] | \Z )
    | (?P<plain> [^\s"']+ )
    | (?P<space> \s+ )
    """,
    re.VERBOSE | re.DOTALL,
)

ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|.)", re.DOTALL)

MEANINGS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"a": b"\a"}


def split_words(line: bytes) -> list[bytes] | None:
    """Return the words of a line, without their quotes, or None when a quote is not closed as it should be."""
    if b'"' not in line and b"'" not in line:
        return line.split()
    words: list[bytes] = []
    between = True  # not inside a word
    at = 0
    while at < len(line):
        piece = PIECE.match(line, at)
        if piece is None:
            return None
        at = piece.end()
        if piece["space"] is not None:
            between = True
            continue
        if between:
            words.append(b"")
            between = False
        words[-1] += _meant(piece)
    return words


def _meant(piece: re.Match[bytes]) -> bytes:
    if piece["double"] is not None:
        return ESCAPE.sub(_unescaped, piece["double"])
    if piece["single"] is not None:
        return piece["single"].replace(b"\\'", b"'")
    return piece["plain"]


def _unescaped(escape: re.Match[bytes]) -> bytes:
    code = escape[1]
    if len(code) == 3:
        return bytes.fromhex(code[1:].decode())
    return MEANINGS.get(code, code)
