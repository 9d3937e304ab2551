"""The project as a whole: one list of requirements, a small top level, a light import, chapters in normal form."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from requirement_lists import for_conda, of_the_project

ROOT = Path(__file__).resolve().parent.parent
TOP_LEVEL = {
    *("notebooks", "muxlab", "tests", "benchmarks", "tools", "book", "binder"),
    *("environment.yml", "pyproject.toml", "Makefile", "README.md", "LICENSE", "CONTRIBUTING.md"),
    *("CHANGELOG.md", "CITATION.cff"),
}
BUILT = {
    "my-course",
    "muxlab-course",
    "muxlab-env",
    "build",
    "dist",
    "__pycache__",
    "muxlab.egg-info",
}  # made by installing, ignored by git
HEAVY = {"matplotlib", "ipywidgets", "anywidget", "numpy", "IPython", "asyncio"}


@pytest.fixture
def needed():
    """Return what the package needs, and what its tests do; they build the book."""
    return of_the_project("test", "book")


@pytest.fixture
def environment():
    """Return what environment.yml installs, beside the package itself."""
    assert "- -e .[test]\n" in (ROOT / "environment.yml").read_text()  # the package, from this checkout
    return for_conda(ROOT / "environment.yml")


def test_environment_yml_names_what_pyproject_needs(needed, environment):
    assert {name: environment.get(name) for name in needed} == needed
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert environment["python"] == project["requires-python"]
    assert "muxlab[book]" in project["optional-dependencies"]["test"]


def test_environment_yml_names_nothing_else(needed, environment):
    assert environment.keys() - needed.keys() == {"python", "pip"}


def test_the_top_level_stays_small():
    there = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert there - BUILT - TOP_LEVEL == set()


def test_import_muxlab_is_light():
    code = "import sys, muxlab; print(*{name.partition('.')[0] for name in sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert set(run.stdout.split()) & HEAVY == set()


@pytest.mark.slow
def test_every_chapter_is_in_normal_form():
    command = [sys.executable, str(ROOT / "tools/notebooks.py"), "check"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stderr) == (0, "")


def test_the_readme_lists_every_chapter_with_its_minutes():
    """As the chapter itself says: "About 45 minutes"."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        text = path.read_text(encoding="utf-8")
        title = re.search(r'"# ([^"\\]+)', text)[1]
        minutes = re.search(r"[Aa]bout (\d+) minutes", text)[1]
        assert f"[{path.stem[:2]} {title}](notebooks/{path.name}) | {minutes} |" in readme
