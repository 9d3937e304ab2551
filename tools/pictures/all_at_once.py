"""The pictures of chapters 05 to 10: one function each, named after what it shows."""

import random
from itertools import product

from muxlab.show import style

from .kit import BAD, BYTES, FREE, GOOD, INK, KERNEL, LIGHT, NOTE, QUIET, SERVER, SLOT, SMALL, WAIT, Sheet


def notes_and_lists() -> Sheet:
    """Draw the interest list, the note at each socket, and the ready list."""
    sheet = Sheet(
        400,
        "Interest list, notes, ready list",
        "Four clients, each with a socket in the kernel, and at each socket a small note. The notes belong to the "
        "entries of the interest list. Data arrives for client 4: the note at its socket puts that socket, and no "
        "other, on the ready list, and epoll.poll takes from there.",
    )
    rows, speaker = (94, 156, 218, 280), 3
    for number, y in enumerate(rows):
        sheet.line(f"M68 {y} H96")
        sheet.client(40, y, str(number + 1), *([GOOD] if number == speaker else []))
    sheet.kernel(112, 8, 460, 384)
    sheet.box(232, 44, 148, 268, SLOT, FREE, 6)
    sheet.text(306, 60, "interest list", LIGHT, SLOT, SMALL, "middle")
    sheet.box(424, 150, 132, 96, SLOT, FREE, 6)
    sheet.text(490, 168, "ready list", LIGHT, SLOT, SMALL, "middle")
    for number, y in enumerate(rows):
        sheet.line(f"M128 {y} H152", LIGHT, free=False)
        sheet.line(f"M190 {y} H240", WAIT, dashed=True, free=False)
        sheet.shape(f"M154 {y - 17} h34 v24 l-10 10 h-24 z", NOTE, INK)
        sheet.shape(f"M188 {y + 7} l-10 10 v-10 z", WAIT, INK)
        sheet.socket(112, y)
        sheet.box(246, y - 15, 120, 30, KERNEL, corner=5)
        sheet.text(306, y, f"client {number + 1}: IN", LIGHT, KERNEL, SMALL, "middle")
    y = rows[speaker]
    sheet.box(438, 190, 104, 34, GOOD, corner=5)
    sheet.text(490, 207, "client 4", INK, GOOD, SMALL, "middle", bold=True)
    sheet.line(f"M171 {y + 22} C171 372 470 372 489 252", GOOD, arrow=True, width=3, free=False)
    sheet.text(146, 372, "data arrives: its note puts it on the ready list", LIGHT, KERNEL, SMALL)
    sheet.text(171, 62, "notes", LIGHT, KERNEL, SMALL, "middle")
    sheet.line("M576 207 H588", arrow=True)
    sheet.server(594, 168, 160, ["epoll.poll()", "conn.recv()"])
    return sheet


def level_and_edge() -> Sheet:
    """Draw what a level-triggered and an edge-triggered epoll report of the same queue, as two waves."""
    sheet = Sheet(
        400,
        "One queue, reported in two ways",
        "Time runs to the right. On top the bytes in a receive queue: data arrives, recv takes a part, more data "
        "arrives, recv takes the rest. Level-triggered, epoll reports the socket all the while that the queue is not "
        "empty. Edge-triggered, it reports it at the two moments when data arrives, and is silent in between, although "
        "bytes are left over.",
    )
    left, right, arrive, part, more, rest = 194, 744, 228, 362, 506, 644
    base, level, edge = 148, 248, 344
    sheet.kernel(left - 8, 46, right - left + 16, 116, name="")
    sheet.shape(f"M{arrive} {base} V{base - 84} H{part} V{base - 36} H{more} V{base - 84} H{rest} V{base} z", BYTES)
    sheet.line(f"M{left} {base} H{right}", LIGHT, free=False)
    sheet.text((arrive + part) / 2, base - 18, "bytes", INK, BYTES, SMALL, "middle")
    sheet.text((part + more) / 2, base - 18, "left over", INK, BYTES, SMALL, "middle")
    for x, words in ((arrive, "data arrives"), (part, "recv: some"), (more, "data arrives"), (rest, "recv: the rest")):
        sheet.line(f"M{x} 40 V44 M{x} 168 V{edge + 14}", dashed=True)
        sheet.text(x, 24, words, anchor="middle", size=SMALL)
    blue, sky = (style.on_any_page(style.WAITING[name].colour, 3.2) for name in ("epoll", "epoll-edge"))
    sheet.line(f"M{left} {level} H{arrive} V{level - 46} H{rest} V{level} H{right}", blue, width=4)
    pulses = " ".join(f"H{x} V{edge - 46} h10 V{edge}" for x in (arrive, more))
    sheet.line(f"M{left} {edge} {pulses} H{right}", sky, width=4)
    sheet.text(8, 104, "receive queue")
    sheet.text(8, level - 34, "level-triggered", bold=True)
    sheet.text(8, level - 12, "as long as", size=SMALL)
    sheet.text(8, level + 8, "there are bytes", size=SMALL)
    sheet.text(8, edge - 34, "edge-triggered", bold=True)
    sheet.text(8, edge - 12, "only when some", size=SMALL)
    sheet.text(8, edge + 8, "arrive", size=SMALL)
    sheet.text((part + more) / 2, level - 20, "“read me”", anchor="middle", size=SMALL)
    sheet.text((part + more) / 2 + 5, edge - 20, "silence", anchor="middle", size=SMALL)
    sheet.line(f"M{left} 380 H{right - 4}", arrow=True)
    sheet.text(left - 12, 380, "time", anchor="end", size=SMALL)
    return sheet


def high_water() -> Sheet:
    """Draw a buffer of unsent bytes that fills up to the high-water mark, stops reading, and drains."""
    sheet = Sheet(
        366,
        "A buffer fills, stops, drains",
        "Three times the same tank of unsent bytes, for a client that reads slowly. First it fills: more comes in from "
        "recv than send can pass on. Then it reaches the high-water mark, and the server stops reading from this "
        "client. Then it drains, and the server reads again.",
    )
    for x, depth, caption, flows in ((28, 70, "1  fills", True), (280, 120, "2  stops reading", False),
                                     (532, 36, "3  drains", True)):  # fmt: skip
        left, top, width, height = x + 54, 96, 118, 160
        bottom, mark = top + height, top + 40
        sheet.box(left, top, width, height, SERVER, FREE)
        sheet.box(left + 9, bottom - 9 - depth, width - 18, depth, BYTES, corner=3)
        sheet.line(f"M{left + 4} {mark - 9} h{width - 8}", WAIT, dashed=True, width=3, free=False)
        sheet.text(left + width / 2, bottom - 24, "unsent", INK, BYTES, SMALL, "middle")
        if flows:
            sheet.line(f"M{left + width / 2} 62 V{top - 10}", arrow=True, width=4)
        else:
            sheet.box(left + width / 2 - 34, 64, 68, 22, BAD, INK, 6)
            sheet.line(f"M{left + width / 2 - 8} 70 l16 10 m0 -10 l-16 10", INK, free=False)
        sheet.text(left + width / 2, 48, "recv", anchor="middle", mono=True)
        sheet.line(f"M{left + width / 2} {bottom + 4} V{bottom + 26}", arrow=True)
        sheet.text(left + width / 2, bottom + 42, "send", anchor="middle", mono=True)
        sheet.text(left + width / 2, 18, caption, anchor="middle", bold=True)
        if x < 500:
            sheet.line(f"M{left + width + 24} {top + 80} h64", arrow=True)
    sheet.line("M76 127 H68")
    sheet.text(8, 118, "high-", size=SMALL)
    sheet.text(8, 136, "water", size=SMALL)
    sheet.text(8, 154, "mark", size=SMALL)
    sheet.client(258, 338, "")
    sheet.text(292, 340, "a client that reads slowly")
    return sheet


def three_endings() -> Sheet:
    """Draw a connection's two directions after a FIN, after both, and after a reset."""
    sheet = Sheet(
        370,
        "Two directions, three endings",
        "A connection is two one-way streets between a client and the server. FIN from the client closes one of them: "
        "the server's recv returns nothing, and its answer still goes back. That is a half-close. FIN from both closes "
        "both. RST cuts both at once, and recv raises ECONNRESET. Beside each, the events that epoll reports.",
    )
    sheet.text(582, 28, "epoll, then recv", size=SMALL)
    for y, name, colour, events, received in (
        (78, "half-close", GOOD, "IN", "b''"),
        (190, "both closed", QUIET, "IN HUP", "b''"),
        (302, "reset", BAD, "IN ERR HUP", "ECONNRESET"),
    ):
        sheet.client(40, y, "", colour)
        sheet.box(478, y - 26, 82, 52, SERVER, FREE, 12)
        sheet.text(519, y, "server", "#FFFFFF", SERVER, SMALL, "middle", mono=True)
        sheet.text(80, y - 46, name, bold=True)
        sheet.text(582, y - 12, events, mono=True, bold=True, size=SMALL)
        sheet.text(582, y + 14, received, mono=True, size=SMALL)
        for lane in (y - 15, y + 15):
            if name == "reset":
                sheet.kernel(80, lane - 13, 164, 26, name="")
                sheet.kernel(300, lane - 13, 164, 26, name="")
            else:
                sheet.kernel(80, lane - 13, 384, 26, name="")
        if name == "reset":
            sheet.shape(f"M290 {y - 44} L252 {y + 4} H272 L256 {y + 44} L302 {y - 8} H278 z", BAD, INK)
            sheet.tag(424, y - 15, "RST", BAD, 54)
            continue
        sheet.tag(424, y - 15, "FIN", WAIT, 54)
        if name == "both closed":
            sheet.tag(120, y + 15, "FIN", WAIT, 54)
        else:
            sheet.line(f"M440 {y + 15} H104", GOOD, arrow=True, free=False)
            sheet.box(244, y + 5, 66, 20, BYTES, corner=4)
            sheet.text(277, y + 15, "reply", INK, BYTES, SMALL, "middle", mono=True)
    return sheet


def two_queues_before_accept() -> Sheet:
    """Draw the SYN queue, the accept queue with its limit, and the server's own clients."""
    sheet = Sheet(
        340,
        "Two queues before accept",
        "Clients knock: their connections are first in the SYN queue, half open. When the handshake is complete they "
        "move to the accept queue; the backlog is its limit, and here it is full. The server's "
        "accept takes the oldest out. A client that finds the accept queue full has to knock again a second later.",
    )
    y = 168
    sheet.client(44, 96, "9", WAIT)
    sheet.clock(84, 62, 13)
    sheet.client(44, 236, "8")
    sheet.line("M74 236 C100 236 96 196 124 190", arrow=True)
    sheet.line("M76 96 H122 M122 108 H84", arrow=True)
    sheet.text(8, 292, "knocks: SYN", size=SMALL)
    sheet.text(8, 24, "accept queue full: client 9 has to knock again, a second later", size=SMALL)
    sheet.kernel(132, 48, 400, 240)
    for x, width, name, seats, fill in (
        (150, 126, "SYN queue", ("7", "8"), QUIET),
        (312, 204, "accept queue", ("6", "5", "4", "3"), WAIT),
    ):
        sheet.box(x, y - 44, width, 88, SLOT, FREE, 6)
        sheet.text(x + width / 2, y - 60, name, LIGHT, KERNEL, SMALL, "middle")
        for place, number in enumerate(seats):
            _seat(sheet, x + width - 27 - 48 * place, y, fill, number)
    sheet.text(213, y + 62, "half open", LIGHT, KERNEL, SMALL, "middle")
    sheet.text(414, y + 62, "waiting for accept", LIGHT, KERNEL, SMALL, "middle")
    sheet.text(414, y + 84, "its limit: the backlog", LIGHT, KERNEL, SMALL, "middle")
    sheet.line(f"M278 {y} H304", LIGHT, arrow=True, free=False)
    sheet.line(f"M536 {y} H566", arrow=True)
    sheet.server(572, y - 60, 176, ["accept()", "", ""], step=34)
    for place, number in enumerate("21"):
        _seat(sheet, 690 - 56 * place, y + 24, GOOD, number)
    sheet.text(660, y + 88, "served", anchor="middle")
    return sheet


def _seat(sheet: Sheet, x: float, y: float, fill: str, number: str) -> None:
    sheet.circle(x, y, 19, fill, INK)
    sheet.text(x, y, number, "#FFFFFF" if fill == QUIET else INK, fill, SMALL, "middle", bold=True)


def map_of_crowds() -> Sheet:
    """Draw the map that the chapter fills in: connections to the right, talking clients up, a crowd in each square."""
    sheet = Sheet(
        462,
        "A map of crowds",
        "Nine crowds on a map. To the right there are more connections, upwards a larger part of them talks. Bottom "
        "right: a big crowd in which one client talks. Top right: a big crowd in which all talk. Which way of waiting "
        "serves each crowd for the least is what the chapter measures.",
    )
    side, gap, left, top, across = 112, 12, 118, 12, (2, 5, 9)
    silent, size = style.mixed(QUIET, LIGHT, 0.3), 3 * 112 + 2 * 12
    for column, row in product(range(3), range(3)):
        x, y = left + (side + gap) * column, top + (side + gap) * row
        sheet.box(x, y, side, side, KERNEL, FREE)
        count, pitch = across[column] ** 2, 92 / across[column]
        talking = (count, max(2, count // 5), 1)[row]
        shuffled = random.Random(4).sample(range(count), count)  # the same each time
        for order, place in enumerate(shuffled):
            talks = order < talking
            cx = x + 10 + pitch * (place % across[column] + 0.5)
            cy = y + 10 + pitch * (place // across[column] + 0.5)
            sheet.circle(cx, cy, min(9.0, 0.36 * pitch) if talks else min(5.0, 0.25 * pitch), GOOD if talks else silent)
    for row, words in enumerate(("all", "some", "one")):
        sheet.text(left - 14, top + (side + gap) * row + side / 2, words, anchor="end")
    for column, words in enumerate(("few", "hundreds", "thousands")):
        sheet.text(left + (side + gap) * column + side / 2, top + size + 20, words, anchor="middle")
    sheet.line(f"M{left} {top + size + 42} H{left + size}", arrow=True)
    sheet.text(left + size / 2, top + size + 64, "connections", anchor="middle", bold=True)
    sheet.line(f"M40 {top + size} V{top}", arrow=True)
    sheet.text(18, top + size / 2, "clients that talk", anchor="middle", bold=True, turn=-90)
    right = left + size + 50
    sheet.circle(right + 9, 36, 9, GOOD)
    sheet.text(right + 30, 36, "talks")
    sheet.circle(right + 9, 68, 5, QUIET)
    sheet.text(right + 30, 68, "is silent")
    for line, words in enumerate(("Who serves", "each crowd", "for the least?")):
        sheet.text(right, 130 + 25 * line, words, bold=True)
    for number, name in enumerate(("nonblocking", "select", "poll", "epoll")):
        sheet.box(right, 208 + 32 * number, 20, 20, style.on_any_page(style.look(name).colour), corner=5)
        sheet.text(right + 32, 218 + 32 * number, name)
    return sheet
