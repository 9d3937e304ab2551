"""Where people work, and how the project is handed to them: dev container, conda, workflow, citation, changelog."""

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

import muxlab
from muxlab.programs import PACKAGES

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PYTHONS = ["3.11", "3.12", "3.13"]
"""On which the project is tested."""


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def container() -> dict:
    """Return the description of the dev container, without its comments."""
    return json.loads(re.sub(r"^\s*//.*$", "", text(".devcontainer/devcontainer.json"), flags=re.MULTILINE))


@pytest.fixture(scope="module")
def jobs() -> dict:
    """Return the jobs of the workflow that runs the tests."""
    return yaml.safe_load(text(".github/workflows/tests.yml"))["jobs"]


def targets() -> set[str]:
    return set(re.findall(r"^([\w-]+):", text("Makefile"), re.MULTILINE))


# ---- dev container


def test_the_dev_container_has_a_python_that_is_tested_and_lets_strace_look(container: dict) -> None:
    assert re.fullmatch(r"python:(3\.\d+)-\w+", container["image"])[1] in PYTHONS
    assert container["capAdd"] == ["SYS_PTRACE"]
    assert "securityOpt" not in container and "runArgs" not in container  # nothing turns a protection off


def test_the_dev_container_is_prepared_by_a_script_that_is_there(container: dict) -> None:
    shell, script = container["postCreateCommand"].split()
    assert shell == "bash" and (ROOT / script).is_file()
    assert subprocess.run(["bash", "-n", script], cwd=ROOT, timeout=60).returncode == 0
    lines = text(script)
    assert set(PACKAGES.values()) <= set(lines.split())  # what chapters 12 and 13 look at
    assert set(re.findall(r"make (\.?[\w-]+)", lines)) <= targets() | {".venv"}


def test_ports_of_the_course_do_not_clutter_the_editor(container: dict) -> None:
    assert container["otherPortsAttributes"] == {"onAutoForward": "ignore"}


# ---- conda


def test_environment_yml_is_what_conda_reads() -> None:
    """That its requirements are those of pyproject.toml is in test_project.py."""
    environment = yaml.safe_load(text("environment.yml"))
    assert set(environment) == {"name", "channels", "dependencies"}
    assert environment["channels"] == ["conda-forge"]
    *packages, by_pip = environment["dependencies"]
    assert all(re.fullmatch(r"[a-z][\w-]*([<>=!]=?[\d.]+(,[<>=!]=?[\d.]+)*)?", package) for package in packages)
    assert "pip" in packages and by_pip["pip"][-1] == "-e .[test]"


# ---- workflow


def test_the_workflow_tests_every_python_with_the_newest_packages(jobs: dict) -> None:
    assert jobs["newest"]["strategy"]["matrix"]["python"] == PYTHONS
    assert PROJECT["requires-python"] == f">={PYTHONS[0]}"
    *_, run = jobs["newest"]["steps"]
    assert run["run"] == "bash .ci/run" and run["env"] == {"PYTHON": "python"}  # make takes it from there
    assert re.search(r"^PYTHON \?=", text("Makefile"), re.MULTILINE)


def test_the_workflow_tests_the_oldest_packages_on_the_oldest_python(jobs: dict) -> None:
    *_, setup, run = jobs["oldest"]["steps"]
    assert setup["with"]["python-version"] == PYTHONS[0]
    assert re.fullmatch(r"make (test-oldest) OLDEST_PYTHON=python", run["run"])[1] in targets()


@pytest.mark.parametrize("path", sorted((ROOT / ".github/workflows").glob("*.yml")), ids=lambda path: path.name)
def test_a_workflow_has_bounds_reads_by_default_and_runs_what_there_is(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}  # a job that needs more says so itself
    assert all(job["timeout-minutes"] <= 90 for job in workflow["jobs"].values())
    commands = [step.get("run", "") for job in workflow["jobs"].values() for step in job["steps"]]
    assert set(re.findall(r"\bmake ([a-z-]+)", "\n".join(commands))) <= targets()


# ---- release


def test_the_version_is_the_same_everywhere() -> None:
    version = PROJECT["version"]
    assert muxlab.__version__ == version
    assert yaml.safe_load(text("CITATION.cff"))["version"] == version


def test_the_changelog_tells_of_this_version() -> None:
    """Either as a release with its day, or as what the next release will be."""
    headings = re.findall(r"^## \[(.+?)\](.*)$", text("CHANGELOG.md"), re.MULTILINE)
    assert headings[0] == ("Unreleased", "")
    assert all(re.fullmatch(r" - \d{4}-\d\d-\d\d", day) for _, day in headings[1:])
    version = PROJECT["version"]
    assert version in [name for name, _ in headings] or f"This will be {version}" in text("CHANGELOG.md")


def test_the_citation_is_of_the_form_that_programs_read() -> None:
    citation = yaml.safe_load(text("CITATION.cff"))
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors", "abstract", "keywords"} <= set(citation)
    assert citation["license"] == PROJECT["license"]
