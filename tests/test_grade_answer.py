"""What is run of a notebook: all that an answer needs, in whatever way an honest learner writes it, and no more."""

import ast

import pytest
from class_of_learners import CHAPTER, CHECK, IMPORTS, SOLVED, write

from muxlab.grade.answer import find_answer
from muxlab.grade.cells import Refused
from muxlab.grade.reader import read_answers


@pytest.fixture
def chapter(tmp_path):
    """Return a function that writes a chapter with these code cells, and returns its path."""
    return lambda *cells: write(tmp_path, cells)


def value_of(answer):
    """Run an answer as a candidate does, and return it."""
    names = {}
    for cell in answer.cells:
        tree = ast.parse(cell.source)
        tree.body = [tree.body[number] for number in cell.chosen]
        exec(compile(tree, cell.place, "exec"), names)
    return eval(answer.expression, names)


SERVER = "def burst_server(listener, stop):\n    return "
HONEST = {
    "import star": ("from math import *", SERVER + "floor(7.5)"),
    "a loop": ("sizes = {}\nfor name in ('big', 'small'):\n    sizes[name] = 7", SERVER + "sizes['big']"),
    "the variable of a loop": ("for size in range(8):\n    pass", SERVER + "size"),
    "with": (
        "import contextlib\nwith contextlib.suppress(ImportError) as nothing:\n    SIZE = 7",
        SERVER + "SIZE if nothing is None else 0",
    ),
    "while": ("SIZE = 0\nwhile SIZE < 7:\n    SIZE += 1", SERVER + "SIZE"),
    "try": ("try:\n    import no_such_package as it\nexcept ImportError as it:\n    SIZE = 7", SERVER + "SIZE"),
    "match": ("match (7, 8):\n    case [first, *rest]:\n        pass", SERVER + "first if rest == [8] else 0"),
    "a walrus": ("print(SIZE := 7)", SERVER + "SIZE"),
    "a call that changes": ("sizes = {}\nsizes.update(big=7)", SERVER + "sizes['big']"),
    "a call below": ("sizes = {'big': []}\nsizes['big'].append(7)", SERVER + "sizes['big'][0]"),
    "a function that changes": ("sizes = []\ndef fill(it):\n    it.append(7)\nfill(sizes)", SERVER + "sizes[0]"),
    "a class": ("class Sizes:\n    pass\nSizes.big = 7", SERVER + "Sizes.big"),
    "%%time": ("%%time\nSIZE = 7", "%%time\n" + SERVER + "SIZE"),
    "%%capture": ("\n%%capture output --no-stderr\nSIZE = 7\n!ls", SERVER + "SIZE"),
    "%matplotlib": ("%matplotlib inline\nSIZE = 7", SERVER + "SIZE"),
    "the exercise has a name": (
        "import muxlab\nex = muxlab.exercise('ghost')\nex = muxlab.exercise('one-accept')\nmuxlab.exercise('picky')",
        SERVER.replace("burst_server", "mine") + "7",
        "ex.check(mine)",
        "ex = muxlab.exercise('ghost')\nex.check(print)",
    ),
    "by keyword": (
        SERVER.replace("burst_server", "mine") + "7",
        "from muxlab import exercise",
        CHECK.replace("(burst_server)", "(fn=mine)"),
    ),
}


@pytest.mark.parametrize("form", HONEST)
def test_what_an_honest_answer_needs_is_run(form, chapter):
    assert value_of(find_answer(chapter(*HONEST[form]), "one-accept", "burst_server"))(None, None) == 7


def test_experiments_with_an_answer_are_not_run(chapter):
    file = chapter(
        "import functools, muxlab\nfrom muxlab import race, serve",
        "def first(listener, stop, size): ...\nburst_server = functools.partial(first, size=1)",
        "muxlab.stepper(burst_server)\nrace(burst_server)\nserver = serve(burst_server)\nserver.end(burst_server)",
        "text = 'x'\nfor text in 'ab':\n    print(text, int(text, 16))",
        "exercise = muxlab.exercise('one-accept')\nexercise.check(burst_server)",
    )
    assert [(cell.place, cell.chosen) for cell in find_answer(file, "one-accept", "burst_server").cells] == [
        ("cell 1", (0,)),
        ("cell 2", (0, 1)),
    ]


@pytest.mark.parametrize(
    "cell", ["def mine(listener, stop):\n    while\n" + CHECK.replace("burst_server", "mine"), "burst_server ="]
)
def test_an_answer_that_is_not_python_is_refused_and_not_overlooked(cell, chapter):
    with pytest.raises(Refused, match="cell 2 is not Python"):
        find_answer(chapter("this is not Python either", cell, SOLVED), "one-accept", "burst_server")


def test_only_what_the_answer_needs_is_run(chapter):
    file = chapter(
        "import select, os, sys\nLIMIT = 10\nprint('hello')\nconn = os.fork()",
        "def other():\n    return LIMIT\n",
        "table = {}\ntable['x'] = LIMIT\nos.remove('x')",
        "def helper(conn):\n    return table",
        f"def burst_server(listener, stop):\n    conn = helper(select)\n\n{CHECK}",
        "def helper(conn):\n    return 'later'",
    )
    answer = find_answer(file, "one-accept", "burst_server")
    assert answer.expression == "burst_server"
    assert [(cell.place, cell.chosen) for cell in answer.cells] == [
        ("cell 1", (0, 1)),
        ("cell 3", (0, 1)),
        ("cell 4", (0,)),
        ("cell 5", (0,)),
    ]


def test_the_last_check_counts_whatever_it_is_given(chapter):
    file = chapter(
        f"{IMPORTS}, functools\ndef a(listener, stop, size): ...\nb = functools.partial(a, size=1)",
        'muxlab.exercise("ghost").check(b)\nmuxlab.exercise("one-accept").check(a)',
        'answer = muxlab.exercise("one-accept").check(functools.partial(a, size=2))',
    )
    answer = find_answer(file, "one-accept", "burst_server")
    assert answer.expression == "functools.partial(a, size=2)"
    assert [cell.chosen for cell in answer.cells] == [(1, 2)]


def test_an_answer_without_a_check_goes_by_its_name(chapter):
    assert find_answer(chapter(SOLVED), "one-accept", "burst_server").expression == "burst_server"
    assert find_answer(chapter("x = 1"), "one-accept", "burst_server") is None


def test_magic_commands_are_no_part_of_an_answer(chapter):
    answer = find_answer(
        chapter("%load_ext foo\n!ls\nSIZE = 1", "%%bash\nls", "def burst_server(x):\n    SIZE"),
        "one-accept",
        "burst_server",
    )
    assert [len(cell.chosen) for cell in answer.cells] == [1, 1]


HUGE = "other = 1\n" * 500_000
DEEP = "burst_server = " + "-" * 50_000 + "1"
WRONG = "def burst_server(listener, listener): ..."
LONG = SOLVED + "\n# " + 100_000 * "x"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cells", "why"),
    [(HUGE, "too long"), (DEEP, "too deep"), (WRONG, "duplicate argument"), (LONG, "100,000 characters")],
)
def test_a_notebook_that_nobody_can_read_is_refused(cells, why, chapter):
    folder = chapter(cells).parent
    found = read_answers(folder, "06", [("one-accept", "burst_server")])
    assert found["one-accept"]["result"] == "refused"
    assert why in found["one-accept"]["seen"]


@pytest.mark.parametrize("content", ["", "[]", '{"cells": 3}', "[" * 100_000, "\x00"])
def test_what_is_no_notebook_is_refused(content, tmp_path):
    (tmp_path / CHAPTER).write_text(content)
    with pytest.raises(Refused, match="not a notebook"):
        find_answer(tmp_path / CHAPTER, "one-accept", "burst_server")
