"""The picture of chapter 12: one function, named after what it shows."""

import itertools

from muxlab.show import style

from .kit import BYTES, FREE, GOOD, INK, LIGHT, NOTE, SERVER, SLOT, SMALL, WAIT, Sheet

CELL, TALL = 17, 34  # pixels of one byte


def borders_in_a_stream() -> Sheet:
    """Draw requests in a stream, the pieces that recv makes of it, and the parser that finds the requests again."""
    sheet = Sheet(
        392,
        "Requests in a stream of bytes",
        "Three requests of a client stand in one row of bytes, without a gap. Below it is the same row as recv returns "
        "it, in three pieces, whose borders are elsewhere. The parser takes the pieces, and gives out the first two "
        "requests as lists of words. The third is not whole: its bytes stay in the parser.",
    )
    requests = ["*2↵$3↵GET↵$3↵cat↵", "*1↵$4↵PING↵", "*3↵$3↵SET↵$3"]
    fills = [BYTES, style.mixed(BYTES, "#FFFFFF", 0.55), NOTE]
    bytes_of = [(letter, fill) for words, fill in zip(requests, fills, strict=True) for letter in words]
    left = 22

    sheet.text(left, 20, "What a client sends: three requests")
    sheet.text(left + CELL * len(bytes_of), 20, "↵ is \\r\\n", anchor="end", size=SMALL)
    for place, (letter, fill) in enumerate(bytes_of):
        byte(sheet, left + CELL * place, 40, letter, fill)
    start = left
    for number, words in enumerate(requests, 1):
        width = CELL * len(words)
        sheet.line(f"M{start + 4} 82 v6 h{width - 8} v-6")
        sheet.text(start + width / 2, 102, f"request {number}", anchor="middle", size=SMALL)
        start += width

    sheet.text(left, 146, "What recv returns: three pieces, cut somewhere else")
    cuts, gap = (0, 12, 30, len(bytes_of)), 12
    for piece, (begin, end) in enumerate(itertools.pairwise(cuts)):
        x = left + CELL * begin + gap * (piece - 1)
        for place, (letter, fill) in enumerate(bytes_of[begin:end]):
            byte(sheet, x + CELL * place, 166, letter, fill)
        middle = x + CELL * (end - begin) / 2
        sheet.line(f"M{middle} 206 V{246 if piece == 1 else 230}", arrow=piece == 1)
        if piece != 1:
            sheet.line(f"M{middle} 230 H{left + CELL * 20}")

    sheet.box(left, 254, 420, 116, SERVER, FREE, 12)
    sheet.text(left + 20, 282, "parse(received)", "#FFFFFF", SERVER, SMALL, mono=True)
    sheet.text(left + 20, 310, "remembers where it was, and keeps", "#FFFFFF", SERVER, SMALL)
    sheet.text(left + 20, 342, "what is not whole:", "#FFFFFF", SERVER, SMALL)
    sheet.box(left + 184, 324, CELL * 12 + 12, TALL + 2, SLOT, WAIT, 6)
    for place, letter in enumerate(requests[2]):
        byte(sheet, left + 190 + CELL * place, 325, letter, NOTE)

    for number, words in enumerate(("[GET, cat]", "[PING]")):
        y = 282 + 56 * number
        sheet.line(f"M{left + 424} {y} h44", arrow=True)
        sheet.box(left + 478, y - 17, 150, 34, GOOD, INK, 6)
        sheet.text(left + 553, y, words, INK, GOOD, SMALL, "middle", mono=True)
    return sheet


def byte(sheet: Sheet, x: float, y: float, letter: str, fill: str) -> None:
    """Draw one byte."""
    sheet.box(x, y, CELL, TALL, fill, LIGHT, 2)
    sheet.text(x + CELL / 2, y + TALL / 2, letter, INK, fill, SMALL, "middle", mono=True)
