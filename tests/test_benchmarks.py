"""Every benchmark runs to its end and prints its tables, here of the smallest sizes: no figure is looked at."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.battery

FOLDER = Path(__file__).resolve().parent.parent / "benchmarks"
SMALLEST = {
    "chain.py": ["--pairs", "10", "--rounds", "1"],
    "echo.py": ["--connections", "20", "--rounds", "1", "--seconds", "0.02"],
    "import_time.py": ["--rounds", "2"],
    "resp.py": ["--rounds", "1", "--requests", "500"],
    "swarm.py": ["--crowd", "200", "--rounds", "1", "--seconds", "0.02"],
    "tap.py": ["--rounds", "1", "--seconds", "0.02"],
}
NUMBERS = re.compile(r"^\| [^|]+\|(?: *[-\d.,%×()]+ *\|)+", re.MULTILINE)
"""A row of a Markdown table: what was measured, and at least one number."""


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=120)


def test_none_is_left_out() -> None:
    programs = {path.name for path in FOLDER.glob("*.py") if '__name__ == "__main__"' in path.read_text()}
    assert programs - {"all.py"} == set(SMALLEST)


@pytest.mark.parametrize("name", SMALLEST)
def test_it_prints_a_table_with_numbers(name: str) -> None:
    done = run(str(FOLDER / name), *SMALLEST[name])
    assert done.returncode == 0, done.stderr
    assert len(NUMBERS.findall(done.stdout)) >= 2, done.stdout


@pytest.mark.parametrize("name", SMALLEST)
def test_it_says_what_is_wrong_with_its_options(name: str) -> None:
    done = run(str(FOLDER / name), "--rounds", "0")
    assert done.returncode == 2
    assert "rounds" in done.stderr and "Traceback" not in done.stderr
