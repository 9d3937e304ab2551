"""The loop that chapter 11 builds, taken from its cells."""

import ast
import json
from pathlib import Path
from typing import Any

import muxlab
from muxlab.course import EXERCISES
from muxlab.course.variant import source
from muxlab.trials import Verdict

CHAPTER = Path(__file__).resolve().parents[2] / "notebooks/11_write_your_own_loop.ipynb"
DEFINITIONS = (ast.Import, ast.ImportFrom, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def definitions_of_the_chapter() -> dict[str, Any]:
    """Run the imports and the definitions of chapter 11, and nothing else; the latest version of each stays."""
    names: dict[str, Any] = {}
    for cell in json.loads(CHAPTER.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            tree = ast.parse("".join(cell["source"]))
            tree.body = [statement for statement in tree.body if isinstance(statement, DEFINITIONS)]
            exec(compile(tree, str(CHAPTER), "exec"), names)
    return names


def run_battery() -> list[Verdict]:
    """Run the battery of the exercise's echo server on this loop."""
    names = definitions_of_the_chapter()
    exec(source(*EXERCISES["async-echo"].functions), names)
    return muxlab.check(names["async_echo"]).trials
