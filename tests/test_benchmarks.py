"""Every benchmark runs to its end and prints its tables, here of the smallest sizes: no figure is looked at."""

import importlib
import re

import pytest
from benchmark_runs import FOLDER

pytestmark = pytest.mark.battery

SMALLEST = {
    "all_cores.py": ["--crowd", "200", "--rounds", "1"],
    "chain.py": ["--pairs", "10", "--rounds", "1"],
    "echo.py": ["--connections", "20", "--rounds", "1", "--turns", "2", "--seconds", "0.02"],
    "import_time.py": ["--rounds", "2"],
    "resp.py": ["--rounds", "1", "--requests", "500"],
    "swarm.py": ["--crowd", "200", "--rounds", "1", "--seconds", "0.02"],
    "tap.py": ["--rounds", "1", "--seconds", "0.02"],
}
NUMBERS = re.compile(r"^\| [^|]+\|(?: *[-\d.,%×()]+ *\|)+", re.MULTILINE)
"""A row of a Markdown table: what was measured, and at least one number."""

SAMPLE = """
**Chain, 1 active, 100 writes; median of 7 rounds**

| way | pairs | Python / C |
| --- | ---: | ---: |
| poll | 10 | 1.42 (1.19..1.44) |
| poll | 1,000 | 1.01 (0.88..1.05) |
| epoll | 10 | 1.52 (1.27..1.63) |
| epoll | 100 | 1.45 (1.29..1.80) |

**100 connections, 10 talking, 64 bytes a message; median of 5 rounds of 0.2 s**

| server | replies/s | × uvloop Protocol |
| --- | ---: | ---: |
| epoll | 162,711 | 0.96 |

**1000 connections, 10 talking, 64 bytes a message; median of 5 rounds of 0.2 s**

| server | replies/s | × uvloop Protocol |
| --- | ---: | ---: |
| select | 45,327 | 0.26 |
| epoll | 170,882 | 0.99 |

**A large crowd; 5 rounds**

| | median | min..max |
| --- | ---: | ---: |
| seconds to open 19,000 connections, swarm in a thread | 0.56 | 0.46..0.60 |
| seconds to open 19,000 connections, swarm in a process | 1.66 | 0.63..0.69 |
"""


def with_a_run(*options: str) -> list:
    """The names of all benchmarks, each with the run that its test asks for; by default of the smallest sizes."""
    return [
        pytest.param(name, marks=pytest.mark.ahead("benchmark_runs:run", name, *(options or SMALLEST[name])))
        for name in SMALLEST
    ]


def test_none_is_left_out() -> None:
    programs = {path.name for path in FOLDER.glob("*.py") if '__name__ == "__main__"' in path.read_text()}
    assert programs - {"all.py"} == set(SMALLEST)


@pytest.mark.parametrize("name", with_a_run())
def test_it_prints_a_table_with_numbers(outcome: tuple[int, str, str], name: str) -> None:
    code, printed, errors = outcome
    assert code == 0, errors
    assert len(NUMBERS.findall(printed)) >= 2, printed


def test_the_rows_of_the_table_of_figures_are_taken_out_of_what_was_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(FOLDER)
    rows = importlib.import_module("speed_rows").rows
    assert "| seconds to open 19,000 connections | 0.56 / 1.66 | at most 3 |" in rows(SAMPLE)
    assert "| ... against uvloop's Protocol | 0.96 / 0.99 | at least 1 |" in rows(SAMPLE)
    chain = "time for libevent's chain of messages, Python ÷ C: epoll, 10 to 9,000 pairs"
    assert f"| {chain} | 1.45 to 1.52 | at most 1.5 |" in rows(SAMPLE)
    assert "| ... poll, 10 / 100 / 1,000 / 9,000 pairs | 1.42 / 1.01 | at most 1.5 |" in rows(SAMPLE)
    assert "while its calls are recorded (tap) | not measured | at least 0.5 |" in rows(SAMPLE)


@pytest.mark.parametrize("name", with_a_run("--rounds", "0"))
def test_it_says_what_is_wrong_with_its_options(outcome: tuple[int, str, str], name: str) -> None:
    code, _, errors = outcome
    assert code == 2
    assert "rounds" in errors and "Traceback" not in errors
