"""The cost of `import muxlab` over starting Python, and the modules that it is spent on.

Prints Markdown. See the README beside this file for how to read it.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

from machine import machine

LOOKS = 7
"""Imports looked at with -X importtime, which slows them down: it tells which module is heavy, and not how heavy."""


def python(*arguments: str, cache: str) -> subprocess.CompletedProcess[str]:
    """Run Python, with its byte code in the folder `cache`: an import is not to be charged for compiling."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True)


def start(code: str, cache: str) -> tuple[float, float]:
    """Return the milliseconds that a Python takes to run `code`: by the clock on the wall, and of CPU time."""
    began, used = time.perf_counter(), children_cpu()
    python("-c", code, cache=cache)
    return (time.perf_counter() - began) * 1e3, (children_cpu() - used) * 1e3


def children_cpu() -> float:
    """Return the CPU seconds of all child processes that have ended. Source: getrusage(2)."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def own_times(cache: str) -> dict[str, float]:
    """Return the milliseconds that each module's own code took in one import, without what it imports itself."""
    report = python("-X", "importtime", "-c", "import muxlab", cache=cache).stderr
    rows = [line.removeprefix("import time:").split("|") for line in report.splitlines()]
    return {row[2].strip(): int(row[0]) / 1e3 for row in rows if row[0].strip().isdigit()}


def heaviest(count: int, cache: str) -> list[tuple[float, str]]:
    """Return the modules that bare Python does not load and whose own code took longest: (median ms, name)."""
    runs = [own_times(cache) for _ in range(LOOKS)]
    bare = {*python("-c", "import sys; print(*sys.modules)", cache=cache).stdout.split()}
    times = [(statistics.median(run[name] for run in runs), name) for name in runs[0] if name not in bare]
    return sorted(times, reverse=True)[:count]


def main() -> None:
    """Print the medians, their difference, and the heaviest modules."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=31, help="starts of each: %(default)s")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("rounds has to be 1 or more")
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory() as cache:
        start("import muxlab", cache)  # writes the byte code
        pairs = [(start("pass", cache), start("import muxlab", cache)) for _ in range(options.rounds)]
        heavy = heaviest(8, cache)
    bare, full = (list(zip(*column, strict=True)) for column in zip(*pairs, strict=True))
    costs = [[f - b for b, f in zip(*kind, strict=True)] for kind in zip(bare, full, strict=True)]
    print(f"\n| median of {options.rounds} starts of Python | ms | ms of CPU |\n| --- | ---: | ---: |")
    for what, kinds in (("bare", bare), ("with `import muxlab`", full), ("difference of neighbours", costs)):
        print(f"| {what} | " + " | ".join(f"{statistics.median(kind):.1f}" for kind in kinds) + " |")
    print("\n| heaviest modules, each on its own | ms |\n| --- | ---: |")
    for milliseconds, name in heavy:
        print(f"| {name} | {milliseconds:.1f} |")


if __name__ == "__main__":
    main()
