"""Look for the shortest conversation that breaks each exhibit of the museum, and keep it beside the exhibits.

python tools/museum_conversations.py                  search for all exhibits, 30 s for each, which takes half an hour
python tools/museum_conversations.py NAME ...         search for these
python tools/museum_conversations.py --seconds 5 ...  search for so long, for each

What is kept is the shorter one of what was found and what was kept before; what was kept and breaks the exhibit no more
is dropped, and so is what breaks the good server as well: that shows another bug, which the two have in common.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from muxlab.course.museum import EXHIBITS
from muxlab.course.museum.conversations import SHORTEST
from muxlab.course.museum.labels import NOT_SHOWN, good_server
from muxlab.trials.conversation import Break, Conversation
from muxlab.trials.search import Search

FILE = Path(__file__).resolve().parent.parent / "muxlab/course/museum/conversations.py"
HEAD = '''"""The shortest conversation that breaks each exhibit, and what breaks in it.

Written by tools/museum_conversations.py, which looks for them; not by hand.
"""

# ruff: noqa: E501, as what a server says of itself is kept in one piece

from ...trials.conversation import Act, Break, Conversation

SHORTEST: dict[str, tuple[Conversation, Break]] = {
'''
TAIL = """}
\"\"\"By the exhibits' names; those whose bug no conversation can show are missing (`labels.NOT_SHOWN` says why).\"\"\"
"""
PATIENCE = 0.3  # seconds of the server's own time
TIMES = 10  # that a conversation has to break the exhibit in a row: now and then is no way to show anybody a bug
Told = tuple[Conversation, Break]


def shortest(fn: Callable, good: Callable, kept: Told | None, seconds: float) -> Told | None:
    """Return the shortest conversation that breaks a server and not the good one, and what breaks; None without one."""
    found = Search(fn, seconds=seconds, shrinking=seconds, patience=PATIENCE, seed=1).run()
    candidates = [conversation for conversation in (kept and kept[0], found.conversation) if conversation]
    for conversation in sorted(candidates, key=lambda one: one.size):
        broke = [conversation.play(fn, patience=PATIENCE) for _ in range(TIMES)]
        if broke[0] and all(broke) and not conversation.play(good):
            return conversation, broke[0]
    return None


def write(told: dict[str, Told]) -> None:
    """Write the file, in the order of the museum."""
    entries = [
        f"    {name!r}: ({conversation!r}, Break({broke.moment}, {broke.what!r})),\n"
        for name, (conversation, broke) in sorted(told.items(), key=lambda item: [*EXHIBITS].index(item[0]))
    ]
    FILE.write_text(HEAD + "".join(entries) + TAIL, encoding="utf-8")
    subprocess.run([sys.executable, "-m", "ruff", "format", "-q", FILE], check=True)


def main(arguments: list[str]) -> int:
    """Run the command line, and return the exit status."""
    parser = argparse.ArgumentParser(description="Look for the shortest conversation that breaks each exhibit.")
    parser.add_argument("names", metavar="NAME", nargs="*")
    parser.add_argument("--seconds", type=float, default=30.0)
    asked = parser.parse_args(arguments)
    good = {name: good_server(exhibit) for name, exhibit in EXHIBITS.items()}
    echoes = {name: fn for name, fn in good.items() if fn is not None and name not in NOT_SHOWN}
    if unknown := set(asked.names) - set(echoes):
        parser.error(f"no conversation is kept of {', '.join(sorted(unknown))}; there are: {', '.join(echoes)}")
    told = {name: SHORTEST[name] for name in echoes if name in SHORTEST}
    for name in asked.names or echoes:
        best = shortest(EXHIBITS[name].fn, echoes[name], told.pop(name, None), asked.seconds)
        if best is None:
            print(f"{name}: nothing found", file=sys.stderr)
            continue
        told[name] = best
        print(name, best[0], best[1].what)
        write(told)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
