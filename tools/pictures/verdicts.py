"""The picture of chapter 14: one function, named after what it shows."""

from .kit import BAD, FREE, GOOD, INK, NOTE, SMALL, WAIT, Sheet

NAMES = {"11": "true", "10": "true within limits", "00": "false"}
FILLS = {"11": GOOD, "10": WAIT, "00": BAD}


def what_follows() -> Sheet:
    """Draw three claims, what follows from each, which of it happens, and the verdict."""
    sheet = Sheet(
        330,
        "From a claim to a verdict",
        "Three claims, each on a slip of paper. From each one two things follow, which are tried. Of the first claim "
        "both happen: it is true. Of the second one happens, and the other does not: it is true within limits. Of "
        "the third neither happens: it is false.",
    )
    paper, tried, verdict = 24, 330, 540
    sheet.text(paper, 22, "a claim", bold=True)
    sheet.text(tried + 24, 22, "what follows from it", anchor="middle", bold=True)
    sheet.text(verdict, 22, "the verdict", bold=True)
    for row, came_out in enumerate(NAMES):
        y = 84 + 96 * row
        sheet.box(paper, y - 28, 150, 56, NOTE, INK, 4)
        for line, width in ((-10, 118), (6, 84)):
            sheet.line(f"M{paper + 16} {y + line} h{width}", INK, free=False, width=3)
        for place, mark in enumerate(came_out):
            middle = y - 22 + 44 * place
            sheet.line(f"M{paper + 158} {y} C{paper + 220} {y} {tried - 90} {middle} {tried - 6} {middle}", arrow=True)
            _outcome(sheet, tried + 22, middle, mark == "1")
            sheet.line(
                f"M{tried + 50} {middle} C{tried + 110} {middle} {verdict - 90} {y} {verdict - 16} {y}", dashed=True
            )
        wide = 40.0 + 8.6 * len(NAMES[came_out])
        sheet.box(verdict, y - 17, wide, 34, FILLS[came_out], FREE, 17)
        sheet.text(verdict + wide / 2, y, NAMES[came_out], INK, FILLS[came_out], SMALL, "middle", bold=True)
    return sheet


def _outcome(sheet: Sheet, x: float, y: float, came_out: bool) -> None:
    """Draw a tick on green, or a cross on orange."""
    sheet.circle(x, y, 17, GOOD if came_out else BAD, INK)
    mark = f"M{x - 8} {y} l6 7 l11 -13" if came_out else f"M{x - 7} {y - 7} l14 14 m0 -14 l-14 14"
    sheet.line(mark, INK, free=False, width=3)
