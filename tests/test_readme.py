"""The README and the book's reference: what they say of the package, the figures and the pictures is so."""

import argparse
import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import muxlab
from muxlab.__main__ import COMMANDS, main
from muxlab.course import EXERCISES, by_chapter

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
REFERENCE = (ROOT / "book/reference.md").read_text(encoding="utf-8")
SPEED = (ROOT / "book/speed.md").read_text(encoding="utf-8")
PAGES = [pytest.param(README, id="README"), pytest.param(REFERENCE, id="reference")]
LINES = 130
STAND_INS = {
    "def my_server(listener, stop): ...": "my_server = muxlab.SERVERS['epoll']",
    "muxlab.check(my_server)": "pass",
}


def blocks(page: str) -> list[str]:
    """Return the pieces of Python in a page."""
    return re.findall(r"```python\n(.*?)```", page, re.DOTALL)


def calls(page: str) -> Iterator[ast.Call]:
    """Yield each call of something of muxlab's, in the blocks of code and in a line of text between backquotes."""
    for piece in [*blocks(page), *re.findall(r"`((?:\w+ = )?muxlab\.[^`\n]+\))`", page)]:
        for node in ast.walk(ast.parse(piece)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("muxlab."):
                yield node


def thing(dotted: str) -> object:
    """Return what a dotted name of the package stands for, or raise AttributeError."""
    value: object = muxlab
    for part in dotted.split(".")[1:]:
        value = getattr(value, part)
    return value


@pytest.mark.parametrize("page", PAGES)
def test_every_name_is_one_of_the_package(page: str) -> None:
    names = set(re.findall(r"\bmuxlab(?:\.[A-Za-z_]\w*)+", page))
    assert len(names) >= 5
    for name in names:
        thing(name)


@pytest.mark.parametrize("page", PAGES)
def test_every_call_has_the_arguments_that_are_taken(page: str) -> None:
    for call in calls(page):
        signature = inspect.signature(thing(ast.unparse(call.func)))
        signature.bind(*call.args, **{str(keyword.arg): keyword.value for keyword in call.keywords})


def commands() -> dict[str, argparse.ArgumentParser]:
    """Return the parser of each command, by its name."""
    parsers = argparse.ArgumentParser().add_subparsers()
    for module in COMMANDS:
        module.add(parsers)
    return dict(parsers.choices)


@pytest.mark.parametrize("page", PAGES)
def test_every_command_is_there_with_its_options(page: str) -> None:
    parsers = commands()
    named = re.findall(r"(?:`|^    )muxlab ([a-z]+)([^`\n#]*)", page, re.MULTILINE)
    assert named
    for name, rest in named:
        for option in re.findall(r"--[a-z]+", rest):
            assert option in parsers[name].format_help(), (name, option)


def test_the_reference_leaves_no_command_out() -> None:
    assert set(re.findall(r"^\| `muxlab ([a-z]+)", REFERENCE, re.MULTILINE)) == commands().keys()


def test_the_reference_leaves_no_public_name_out() -> None:
    types = {"Server"}  # what `serve` returns
    assert set(muxlab.__all__) - types - set(re.findall(r"\bmuxlab\.(\w+)", REFERENCE)) == set()
    panels_and_charts = {ast.unparse(call.func) for call in calls(REFERENCE)}
    assert {f"muxlab.show.{name}" for name in muxlab.show.__all__ if name != "predict"} <= panels_and_charts


def test_the_reference_names_every_exercise_at_its_chapter() -> None:
    rows = re.findall(r"^\| (\d\d) \| (`[^|]+) \|$", REFERENCE, re.MULTILINE)
    assert {chapter: re.findall(r"`([^`]+)`", names) for chapter, names in rows} == by_chapter()
    assert sum(map(len, by_chapter().values())) == len(EXERCISES)


def test_grade_lists_the_exercises_as_the_reference_does(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["grade", "--list"])
    assert ended.value.code == 0
    for line in capsys.readouterr().out.splitlines():
        chapter, names = line.split("  ")
        assert f"| {chapter} | {', '.join(f'`{name}`' for name in names.split(', '))} |" in REFERENCE


@pytest.mark.slow
@pytest.mark.usefixtures("drawing")
def test_the_code_of_the_readme_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = blocks(README)
    for theirs, ours in STAND_INS.items():
        assert theirs in code
        code = code.replace(theirs, ours)
    exec(compile(code, "README.md", "exec"), {})
    assert "epoll.poll" in capsys.readouterr().out
    muxlab.stop_all()


def test_it_adds_up_the_time_that_the_chapters_take() -> None:
    minutes = map(int, re.findall(r"\.ipynb\) \| (\d+) \|", README))
    assert f"some {sum(minutes) / 60:.0f} hours" in README


def test_the_readme_stays_short() -> None:
    assert len(README.splitlines()) <= LINES


def test_its_figures_are_those_of_the_speed_page() -> None:
    table = README[README.index("## How fast") :]
    rows = re.findall(r"^\| (?!what)([^|]+) \| ([^|]+) \|$", table, re.MULTILINE)
    assert len(rows) == 5
    for _, measured in rows:
        assert re.search(rf"\| {re.escape(measured)} (?:\(.*?\) )?\|", SPEED), measured


def test_each_picture_is_there_by_light_and_by_dark_and_is_told_in_words() -> None:
    pictures = re.findall(r"<picture>(.*?)</picture>", README, re.DOTALL)
    assert len(pictures) == 3
    for picture in pictures:
        (dark,) = re.findall(r'media="\(prefers-color-scheme: dark\)" srcset="([^"]+)"', picture)
        ((light, words),) = re.findall(r'<img src="([^"]+)"[^>]* alt="([^"]+)"', picture)
        assert light.replace("-light", "-dark") == dark != light
        assert 60 < len(words) < 400
        for name in (light, dark):
            assert 2_000 < (ROOT / name).stat().st_size < 200_000, name
