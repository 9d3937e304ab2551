"""The pictures of chapters 00 to 04: one function each, named after what it shows."""

from .kit import BAD, BYTES, FREE, GOOD, INK, KERNEL, LIGHT, QUIET, SLOT, SMALL, WAIT, Sheet


def who_is_who() -> Sheet:
    """Draw clients, the kernel with its sockets and their queues, and the server function."""
    sheet = Sheet(
        330,
        "Clients, the kernel, and your function",
        "Three clients on the left. In the middle the kernel, with a socket for each client, and for each socket a "
        "receive queue and a send queue. On the right the server function, which calls recv to take a message out of "
        "a receive queue, and send to put an answer into a send queue. The first client waits for its answer, the "
        "second is being answered, the third is silent.",
    )
    rows = 96, 178, 260
    sheet.text(48, 22, "clients", anchor="middle")
    sheet.text(640, 72, "your function", anchor="middle")
    for number, (y, colour) in enumerate(zip(rows, (WAIT, GOOD, QUIET), strict=True), 1):
        sheet.line(f"M76 {y} H128")
        sheet.client(48, y, str(number), colour)
    sheet.kernel(146, 8, 322, 312)
    for y, received, unsent in zip(rows, (("hello",), (), ()), ((), ("hi",), ()), strict=True):
        sheet.line(f"M162 {y} H180 M190 {y - 17} q-10 0 -10 10 v14 q0 10 10 10", LIGHT, free=False)
        sheet.queue(190, y - 17, 262, received)
        sheet.queue(190, y + 17, 262, unsent, at_right=False)
        sheet.socket(146, y)
    sheet.text(321, rows[2] - 17, "receive queue", LIGHT, SLOT, SMALL, "middle")
    sheet.text(321, rows[2] + 17, "send queue", LIGHT, SLOT, SMALL, "middle")
    sheet.server(540, 92, 200, ["def server(...):", "  ...", "  conn.recv(...)", "  conn.send(...)"])
    sheet.line(f"M474 {rows[0] - 17} C510 {rows[0] - 17} 500 167 532 167", arrow=True)
    sheet.line(f"M538 193 C506 193 512 {rows[1] + 17} 478 {rows[1] + 17}", arrow=True)
    return sheet


def one_blocks_the_other() -> Sheet:
    """Draw the listening socket, the pair that accept returns, and two clients, one of whom waits for the other."""
    sheet = Sheet(
        290,
        "One silent client keeps the next one waiting",
        "Client 1 was accepted and has a socket of its own; it has said nothing, and its receive queue is empty. The "
        "server function stands at conn.recv and waits for it. Client 2 is connected and has sent hello, but it is "
        "still in the accept queue of the listening socket: nobody calls accept.",
    )
    first, second = 226, 108
    sheet.line(f"M76 {second} H128")
    sheet.line(f"M76 {first} H128")
    sheet.client(48, second, "2", WAIT)
    sheet.clock(86, second - 30, 13)
    sheet.client(48, first, "1")
    sheet.text(48, first + 44, "thinks …", anchor="middle")
    sheet.text(48, second + 44, "waits", anchor="middle")
    sheet.kernel(146, 8, 322, 262)
    sheet.text(186, second - 46, "listening socket: accept queue", LIGHT, KERNEL, SMALL)
    sheet.box(186, second - 30, 266, 60, SLOT, FREE, 6)
    sheet.line(f"M164 {second} H186", LIGHT, free=False)
    sheet.socket(146, second, WAIT)
    sheet.socket(420, second)
    sheet.line(f"M404 {second} H388", LIGHT, free=False)
    sheet.queue(206, second, 182, ("hello",))
    sheet.text(186, first - 32, "connection of client 1", LIGHT, KERNEL, SMALL)
    sheet.line(f"M164 {first} H186", LIGHT, free=False)
    sheet.queue(186, first, 266)
    sheet.text(319, first, "nothing", LIGHT, SLOT, SMALL, "middle")
    sheet.socket(146, first)
    sheet.server(518, 98, 236, ["while True:", "  listener.accept()", "  conn.recv(...)", "  conn.send(...)"], at=2)
    sheet.line(f"M474 {first} C520 {first} 480 173 512 173", arrow=True)
    sheet.line(f"M474 {second} C496 {second} 490 147 512 147", dashed=True)
    sheet.text(636, 240, "asleep until", anchor="middle")
    sheet.text(636, 262, "client 1 speaks", anchor="middle")
    return sheet


def everybody_is_asked() -> Sheet:
    """Draw the loop that asks every socket, and the answers: EAGAIN, nearly always."""
    sheet = Sheet(
        426,
        "The server asks every socket, round after round",
        "Eight clients, each with a socket in the kernel. A loop runs from the server function past all eight sockets "
        "and back. Seven of them answer EAGAIN, nothing yet. One has data.",
    )
    columns, speaker = [58 + 92 * number for number in range(8)], 5
    for number, x in enumerate(columns):
        sheet.line(f"M{x} 60 V88")
        sheet.client(x, 32, str(number + 1), *([GOOD] if number == speaker else []))
    sheet.kernel(8, 84, 744, 164, name="")
    for number, x in enumerate(columns):
        talks = number == speaker
        sheet.queue(x - 36, 140, 72, ("hi",) if talks else ())
        sheet.socket(x, 94)
        sheet.line(f"M{x} 228 V170", GOOD if talks else WAIT, arrow=True, free=False)
        sheet.line(f"M{x} 302 V252")
        sheet.tag(x, 210, "data" if talks else "EAGAIN", GOOD if talks else WAIT, 82)
    sheet.line("M246 364 H40 q-16 0 -16 -16 V318 q0 -16 16 -16 H720 q16 0 16 16 V348 q0 16 -16 16 H522", arrow=True)
    sheet.server(250, 318, 264, ["while True:", "  for conn in conns:", "    conn.recv(...)"], at=2)
    sheet.text(130, 340, "anything for me?", anchor="middle")
    sheet.text(630, 340, "and once more", anchor="middle")
    return sheet


def path_of_a_byte() -> Sheet:
    """Draw the way of a byte from send to recv, and select, which looks at the queues."""
    sheet = Sheet(
        350,
        "The path of a byte, and what select looks at",
        "Above, from left to right: the client calls send, its bytes go into its socket's send queue, over the wire "
        "into the receive queue of the server's socket, and recv takes them out. Below, the answer takes the same way "
        "back. An eye stands for select: it looks at both queues of the server's socket. Bytes in the receive queue: "
        "readable. Room in the send queue: writable.",
    )
    out, back, middle = 112, 252, 182
    sheet.client(36, middle, "1", GOOD)
    sheet.line(f"M36 {middle - 32} V{out + 14} q0 -14 14 -14 H86", arrow=True)
    sheet.line(f"M96 {back} H50 q-14 0 -14 -14 V{middle + 34}", arrow=True)
    sheet.text(40, out - 22, "send", anchor="middle", mono=True)
    sheet.text(40, back + 24, "recv", anchor="middle", mono=True)
    for x, whose in ((96, "client's kernel"), (350, "server's kernel")):
        sheet.kernel(x, 30, 196, 290, whose)
    sheet.text(194, out - 30, "send queue", LIGHT, KERNEL, SMALL, "middle")
    sheet.queue(112, out, 164, ("lo",))
    sheet.text(194, back - 30, "receive queue", LIGHT, KERNEL, SMALL, "middle")
    sheet.queue(112, back, 164, (), at_right=False)
    sheet.text(448, out - 30, "receive queue", LIGHT, KERNEL, SMALL, "middle")
    sheet.queue(366, out, 164, ("hel",))
    sheet.text(448, back - 30, "send queue", LIGHT, KERNEL, SMALL, "middle")
    sheet.queue(366, back, 164, (), at_right=False)
    sheet.line(f"M298 {out} H344", arrow=True)
    sheet.line(f"M344 {back} H298", arrow=True)
    sheet.text(321, out - 24, "wire", anchor="middle", size=SMALL)
    sheet.line(f"M552 {out} H582", arrow=True)
    sheet.line(f"M586 {back} H556", arrow=True)
    sheet.text(448, out + 28, "bytes: readable", LIGHT, KERNEL, SMALL, "middle")
    sheet.text(448, back + 30, "room: writable", LIGHT, KERNEL, SMALL, "middle")
    for y in (out + 40, back - 46):
        sheet.line(f"M{520} {middle} L{480} {y}", WAIT, dashed=True, free=False)
    sheet.server(590, 77, 160, ["recv()", "select()", "send()"], at=1, step=70)
    sheet.line(f"M586 {middle} H556", arrow=True)
    _eye(sheet, 530, middle)
    return sheet


def _eye(sheet: Sheet, x: float, y: float) -> None:
    """Draw an eye that looks to the left."""
    sheet.shape(f"M{x - 24} {y} Q{x} {y - 26} {x + 24} {y} Q{x} {y + 26} {x - 24} {y} z", LIGHT, INK)
    sheet.circle(x - 5, y, 8, WAIT, INK)
    sheet.circle(x - 7, y, 3, INK)


def bitmap_with_an_end() -> Sheet:
    """Draw the 1,024 places of select's set, and descriptor 1024, which falls off the end."""
    sheet = Sheet(
        330,
        "A bitmap with 1,024 places",
        "A strip of numbered places, 0 to 1023, each a bit. Sockets with the numbers 3, 5 and 1023 have their bits "
        "set. There is no place 1024: the socket with that number falls off the end of the strip, and select raises "
        "ValueError.",
    )
    left, cell, top = 34, 52, 142
    places = [(left + cell * number, str(number)) for number in range(6)]
    places += [(left + cell * 6 + 62 + cell * number, str(1021 + number)) for number in range(3)]
    end = places[-1][0] + cell
    sheet.kernel(left - 22, top - 18, end - left + 30, 134, name="")
    for x, name in places:
        is_set = name in ("3", "5", "1023")
        sheet.box(x + 3, top, cell - 6, 46, BYTES if is_set else SLOT, corner=5)
        ink, ground = (INK, BYTES) if is_set else (LIGHT, SLOT)
        sheet.text(x + cell / 2, top + 23, "1" if is_set else "0", ink, ground, anchor="middle", bold=is_set, mono=True)
        sheet.text(x + cell / 2, top + 64, name, LIGHT, KERNEL, SMALL, "middle")
        if is_set:
            sheet.line(f"M{x + cell / 2} 66 V{top - 26}", arrow=True)
            _numbered_socket(sheet, x + cell / 2, 46, name)
    sheet.text(left - 22, 46, "sockets", size=SMALL)
    sheet.text(left - 22, 16, "descriptors", size=SMALL)
    sheet.text(left + cell * 6 + 31, top + 22, "· · ·", LIGHT, KERNEL, anchor="middle")
    sheet.text(left - 4, top + 96, "select's set: one bit for each number, 0 to 1023", LIGHT, KERNEL, SMALL)
    sheet.line(f"M{end + 62} 66 C{end + 66} 120 {end + 72} 150 {end + 84} 186", arrow=True)
    _numbered_socket(sheet, end + 60, 46, "1024")
    x, y = end + 96, 226
    sheet.box(x - 24, y - 23, 46, 46, BAD, INK, 5, turn=24)
    sheet.text(x, y, "1", INK, BAD, anchor="middle", bold=True, mono=True, turn=24)
    for shift in (-30, -8, 14):
        sheet.line(f"M{x + shift - 4} {y - 40 + abs(shift) / 3:g} l-5 -16", FREE)
    sheet.text(x - 8, y + 52, "no such place:", anchor="middle")
    sheet.tag(x - 8, y + 82, "ValueError", BAD)
    return sheet


def _numbered_socket(sheet: Sheet, x: float, y: float, number: str) -> None:
    sheet.socket(x, y)
    sheet.text(x, y - 30, number, anchor="middle", bold=True)
