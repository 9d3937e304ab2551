"""A run of a benchmark, as a job for the marker `ahead`."""

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


def run(name: str, *options: str) -> tuple[int, str, str]:
    """Run a benchmark; return its exit code, and what it wrote to stdout and to stderr."""
    command = [sys.executable, str(FOLDER / name), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr
