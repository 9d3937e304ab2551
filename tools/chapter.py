"""Start a new chapter: write its bones, run it, and link it to its neighbours. `make chapter NAME=15_verb_phrase`

    python tools/chapter.py NAME

The bones are a small chapter that runs and passes every check: one round of predict, run, explain, then the server, the
panels, a measurement, an exercise and the end. What stands in it is an example. Comments, which a reader does not see,
say what belongs there.
"""

import argparse
import re
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

import notebooks  # the tool beside this one
from muxlab.lab.chapters import chapters_in

NAME = re.compile(r"\d\d(_[a-z0-9]+){2,}")

NEXT = """\
{path} is there: it runs, and its neighbours link to it. Now
  write it: the comments in its text cells say what belongs where, and CONTRIBUTING.md says what a chapter has to keep;
  draw its picture in tools/pictures/, and show it under the title;
  write its exercises in muxlab/course/ch{number}.py;
  add its row to the table in README.md: a test compares the title and the minutes;
  write in book/stories.py what its panels perform in the book;
  run it and store its outputs, and with them the map of the course in 00: make notebooks CHAPTERS="00 {number}"
"""


def prose(source: str) -> NotebookNode:
    """Return a text cell."""
    return nbformat.v4.new_markdown_cell(source)


def code(source: str, *tags: str) -> NotebookNode:
    """Return a cell of code, with tags."""
    return nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)} if tags else {})


NOT_COMPARED = "nbval-ignore-output"  # its output is a time, a chart of times, or a panel


def bones(title: str) -> NotebookNode:
    """Return a chapter with every part that one has: see "A chapter" in CONTRIBUTING.md.

    Args:
        title: of the chapter, such as "Read without copying".
    """
    cells = [
        prose(
            f"# {title}\n\n"
            "A promise in one sentence: what you can do at the end of this chapter, and could not do before.\n\n"
            "*You will* see, write and measure it. *You need* [Scale with epoll](05_scale_with_epoll.ipynb). "
            "*About 45 minutes.*\n\n"
            "<!-- Minutes as a reader took them. Below, show the chapter's drawing, with an alternative text. -->"
        ),
        code("import select\nimport socket\n\nimport muxlab"),
        prose(
            "## 1. Who has news?\n\n"
            "<!-- Three to five sections like this one: what is to be found out, a question, an experiment of a dozen "
            "lines at most, and what was seen. Every term is explained where it first appears. -->\n\n"
            "Two clients are connected, and both are silent."
        ),
        code(
            'listener = socket.create_server(("127.0.0.1", 0))\n\n'
            "clients, conns = [], {}\n"
            "for number in (1, 2):\n"
            "    clients.append(socket.create_connection(listener.getsockname()))\n"
            '    conns[listener.accept()[0]] = f"client {number}"\n\n'
            'print("connected:", *conns.values(), sep="  ")'
        ),
        code(
            "guess = muxlab.predict(\n"
            '    "Client 2 sends five bytes. Whom does `select` name?",\n'
            '    {"both clients": ["client 1", "client 2"], "client 2": ["client 2"], "nobody": []},\n'
            ")\n"
            "guess"
        ),
        code(
            'clients[1].sendall(b"hello")\n\n'
            "readable, _, _ = select.select(list(conns), [], [], 5)\n"
            "named = [conns[conn] for conn in readable]\n"
            "print(named, muxlab.waiting_bytes(readable[0]))\n\n"
            "guess.reveal(named)"
        ),
        prose(
            "Client 2, and nobody else. Its five bytes are still in the kernel's receive queue.\n\n"
            "## 2. The server\n\n"
            "<!-- The server grows here from five lines to the whole, and is written out, not imported. -->"
        ),
        code(
            "for sock in (*clients, *conns, listener):\n"
            "    sock.close()\n\n\n"
            "def short_server(listener):\n"
            "    conns = []\n"
            "    while True:\n"
            "        readable, _, _ = select.select([listener, *conns], [], [])\n"
            "        for sock in readable:\n"
            "            if sock is listener:\n"
            "                conns.append(listener.accept()[0])\n"
            "            elif data := sock.recv(65536):\n"
            "                sock.sendall(data)\n"
            "            else:\n"
            "                conns.remove(sock)\n"
            "                sock.close()"
        ),
        code(
            "with muxlab.serve(short_server) as server:\n"
            "    with muxlab.Swarm(server, connections=20, active=5) as swarm:\n"
            "        swarm.wait_replies(100)\n"
            "        crowd = swarm.snapshot()\n\n"
            'print(f"{crowd.connected} connected, {crowd.mismatches} wrong bytes, {crowd.errors} lost")'
        ),
        prose("Step it yourself: let a client speak, and see which call hears of it."),
        code("muxlab.show.stepper(short_server, clients=2)", NOT_COMPARED),
        prose("## Play\n\n<!-- What to drag, and what to watch while you do. -->"),
        code("muxlab.show.playground(short_server, connections=50, active=5)", NOT_COMPARED),
        prose("## Measure\n\n<!-- A chart made on the reader's machine, beside a published curve if there is one. -->"),
        code(
            "rows = muxlab.measure.echo_cost(short_server, connections=[1, 10, 100], active=1)\n\n"
            "muxlab.show.cost(rows);",
            NOT_COMPARED,
        ),
        prose(
            "## Exercises\n\n"
            "<!-- First repair, then extend. An exercise is written in muxlab/course/; this one is chapter 5's. -->\n\n"
            "**1. Extend it: `epoll-echo`.** The same server, with epoll and `stop`."
        ),
        code('muxlab.exercise("epoll-echo")'),
        prose(
            "## In three lines\n\n"
            "- `select` names those who have news.\n"
            "- It names them again until they are read.\n"
            "- It has to be given the whole list each time.\n\n"
            "## Further reading\n\n"
            "- The manual page [select(2)](https://man7.org/linux/man-pages/man2/select.2.html)."
        ),
    ]
    return nbformat.v4.new_notebook(cells=cells)


def place_for(name: str, folder: Path) -> Path:
    """Return the path of a new chapter.

    Raises:
        ValueError: the name has another form, or its number is taken; says what to do.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a chapter's name: NN_verb_phrase, such as 15_read_without_copying")
    taken = {path.name[:2]: path.name for path in chapters_in(folder)}
    if name[:2] in taken:
        free = next(number for number in map("{:02}".format, range(100)) if number not in taken)
        raise ValueError(f"the number {name[:2]} is taken, by {taken[name[:2]]}; the next that is free is {free}")
    return folder / f"{name}.ipynb"


def start(name: str, folder: Path) -> Path:
    """Write a new chapter, run it, and link its neighbours to it; where it does not run, nothing stays.

    Args:
        name: of the chapter, NN_verb_phrase.
        folder: where the chapters are.

    Returns:
        Its path.

    Raises:
        ValueError: the name cannot be taken, or the chapter does not run.
    """
    path = place_for(name, folder)
    path.write_text(notebooks.text_of(bones(name[3:].replace("_", " ").capitalize())), encoding="utf-8")
    try:
        chapters = chapters_in(folder)
        if failures := notebooks.rewrite(path, chapters, run=True):
            raise ValueError(f"{path.name} {failures[0]}")
    except BaseException:
        path.unlink()
        raise
    for other in chapters:
        notebooks.rewrite(other, chapters, run=False)
    return path


def main(arguments: list[str] | None = None) -> int:
    """Run the command line, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="NN_verb_phrase, such as 15_read_without_copying")
    parser.add_argument("--folder", type=Path, default=notebooks.ROOT / "notebooks", help="folder of the chapters")
    options = parser.parse_args(arguments)
    try:
        path = start(options.name, options.folder.resolve())
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    print(NEXT.format(path=path.name, number=path.name[:2]), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
