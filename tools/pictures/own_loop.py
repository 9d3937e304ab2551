"""The picture of chapter 11: tasks that pause, what each of them waits for, and the loop that lets them go on."""

from muxlab.show import style

from .kit import FREE, GOOD, KERNEL, LIGHT, SERVER, SLOT, SMALL, Sheet

CARD = 262  # pixels: the width of a task
GOES_ON = style.on_any_page(style.COLOURS["data"], 3.2)


def tasks_and_a_loop() -> Sheet:
    """Draw four tasks: three wait, for a socket, a thread and the time; one can go on, and the loop lets it."""
    sheet = Sheet(
        404,
        "Tasks that pause, and one loop",
        "Four tasks on the left, each a conversation with a bookmark at the await where it has paused. The first waits "
        "for a socket, which is on epoll's list in the kernel. The second waits for a thread, which will ring a bell "
        "that is on the same list. The third waits for the time, in a heap of timers. The fourth can go on: the loop, "
        "on the right, has been told by epoll, and lets it run up to its next await.",
    )
    rows = (52, 146, 240, 344)
    for y, lines in zip(
        rows,
        (
            ("name = await recv(…)", "order = await recv(…)"),
            ("await in_thread(look)", "await sendall(…)"),
            ("await sleep(60)", "conn.close()"),
            ("data = await recv(…)", "await sendall(…)"),
        ),
        strict=True,
    ):
        sheet.server(8, y - 36, CARD, lines, at=0)
    edge, sockets = 8 + CARD, 440
    sheet.text(edge + 16, rows[0] - 22, "waits for", size=SMALL)
    sheet.kernel(sockets, 12, 148, 188, name="")
    sheet.text(sockets + 74, 184, "epoll's list", LIGHT, KERNEL, SMALL, "middle")
    for y, words in ((rows[0], "client 1: IN"), (rows[1], "bell: IN")):
        sheet.box(sockets + 24, y - 17, 116, 34, SLOT, corner=5)
        sheet.text(sockets + 82, y, words, LIGHT, SLOT, SMALL, "middle")
        sheet.socket(sockets, y)
    sheet.line(f"M{edge + 8} {rows[0]} H{sockets - 24}", arrow=True, dashed=True)
    sheet.line(f"M{edge + 8} {rows[1]} H{edge + 34}", arrow=True, dashed=True)
    sheet.box(edge + 40, rows[1] - 20, 78, 40, SERVER, FREE, 12)
    sheet.text(edge + 79, rows[1], "thread", "#FFFFFF", SERVER, SMALL, "middle", mono=True)
    sheet.line(f"M{edge + 122} {rows[1]} H{sockets - 22}", arrow=True)
    sheet.text(edge + 133, rows[1] + 28, "rings", size=SMALL, anchor="middle")
    sheet.line(f"M{edge + 8} {rows[2]} H{sockets - 24}", arrow=True, dashed=True)
    sheet.clock(sockets, rows[2], 15)
    sheet.text(sockets + 26, rows[2], "timers")
    sheet.server(622, 118, 130, ["sleep", "wake", "send(…)"], at=2)
    sheet.text(687, 100, "the loop", anchor="middle", bold=True)
    sheet.line(f"M{sockets + 152} 158 H614", arrow=True)
    sheet.line(f"M{sockets + 92} {rows[2]} C580 {rows[2]} 580 202 614 194", arrow=True)
    sheet.tag(edge + 56, rows[3], "ready", GOOD, 84)
    sheet.line(f"M687 222 C687 300 640 {rows[3]} 580 {rows[3]} H{edge + 122}", GOES_ON, arrow=True, width=4)
    sheet.text(566, rows[3] + 28, "lets it run to its next await", anchor="middle", size=SMALL)
    return sheet
