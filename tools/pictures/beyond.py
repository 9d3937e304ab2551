"""The picture of chapter 13: one function, named after what it shows."""

from .kit import BYTES, FREE, GOOD, INK, KERNEL, LIGHT, NOTE, SERVER, SLOT, SMALL, WAIT, Sheet

BORDER = 206  # where programs end and the kernel begins
LEFT = (12, 268, 524)  # of the three parts
WIDE = 224  # of each


def three_ways_beyond() -> Sheet:
    """Draw programs above and the kernel below: calls under a glass, workers at one port, rings across the border."""
    sheet = Sheet(
        352,
        "Three directions to look in",
        "Three pictures side by side, each with programs above and the kernel below. In part a, one program makes its "
        "calls one by one, and strace looks at each as it crosses the border. In part b, four worker processes have a "
        "listener each, all on one port, and the kernel spreads the clients over them. In part c, two rings lie across "
        "the border: requests go down in one, and results come up in the other.",
    )
    for x, words in zip(LEFT, ("(a) calls, one by one", "(b) on all cores", "(c) by two rings"), strict=True):
        sheet.text(x, 18, words, bold=True)
    sheet.kernel(12, BORDER, 736, 130, "")
    sheet.text(150, 318, "the kernel", LIGHT, KERNEL, SMALL)
    under_glass(sheet, LEFT[0])
    four_workers(sheet, LEFT[1])
    two_rings(sheet, LEFT[2])
    return sheet


def under_glass(sheet: Sheet, x: float) -> None:
    """Draw a program, its calls on their way into the kernel, and a glass over them."""
    sheet.server(x, 40, WIDE, ("epoll_wait", "accept4", "recvfrom", "sendto"), at=2, step=24)
    sheet.line(f"M{x + 60} 160 V{BORDER - 4}", arrow=True)
    sheet.line(f"M{x + 60} {BORDER + 4} V272", LIGHT, arrow=True, free=False)
    sheet.line(f"M{x + 96} 272 V{BORDER + 4}", LIGHT, free=False)
    sheet.line(f"M{x + 96} {BORDER - 4} V164", arrow=True)
    sheet.socket(x + 78, 290)
    sheet.circle(x + 78, BORDER - 16, 30, NOTE, INK)
    sheet.line(f"M{x + 100} {BORDER + 6} l28 22", NOTE, width=9, free=False)
    sheet.text(x + 78, BORDER - 16, "recv", INK, NOTE, SMALL, "middle", mono=True)
    sheet.text(x + 124, 182, "strace")


def four_workers(sheet: Sheet, x: float) -> None:
    """Draw four workers, each with a socket of its own at the one port, and clients in their queues."""
    for number, waiting in enumerate((2, 1, 2, 3)):
        left = x + 57 * number
        sheet.box(left, 40, 53, 92, SERVER, FREE, 10)
        sheet.text(left + 26, 86, f"{number + 1}", "#FFFFFF", SERVER, anchor="middle")
        sheet.line(f"M{left + 26} {BORDER - 4} V138", arrow=True)
        sheet.socket(left + 26, BORDER + 26)
        for place in range(waiting):
            sheet.box(left + 12, BORDER + 48 + 13 * place, 28, 10, GOOD, corner=3)
    sheet.text(x + 112, 318, "port 7788", LIGHT, KERNEL, SMALL, "middle", mono=True)


def two_rings(sheet: Sheet, x: float) -> None:
    """Draw a program, and two queues that both sides can reach: requests go down, results come up."""
    sheet.box(x, 40, WIDE, 92, SERVER, FREE, 12)
    sheet.text(x + 20, 66, "recv into this,", "#FFFFFF", SERVER, SMALL)
    sheet.text(x + 20, 88, "send that, accept,", "#FFFFFF", SERVER, SMALL)
    sheet.text(x + 20, 110, "and tell me", "#FFFFFF", SERVER, SMALL)
    for middle, words, fill in ((x + 56, "requests", BYTES), (x + 168, "results", WAIT)):
        sheet.box(middle - 34, 164, 68, 96, SLOT, INK, 8)
        for place in range(3):
            filled = fill if (place != 2 if fill is BYTES else place != 0) else SLOT
            sheet.box(middle - 26, 171 + 29 * place, 52, 24, filled, LIGHT, 4)
        sheet.text(middle, 280, words, LIGHT, KERNEL, SMALL, "middle")
    sheet.line(f"M{x + 56} 136 V160", arrow=True)
    sheet.line(f"M{x + 168} 160 V138", arrow=True)
