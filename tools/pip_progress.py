"""Install packages with pip, and show how far it is: `python tools/pip_progress.py --editable '.[test]'`.

pip itself prints hundreds of lines, or, when told to be quiet, nothing for a minute. Here there is one line, which is
written anew; where there is no terminal, a line now and then. What pip says on standard error is shown if it fails.

This is run by the Python that is being equipped, so it needs nothing but the standard library.
"""

import contextlib
import os
import select
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

LOOK_SECONDS = 0.3  # from one writing of the line to the next
EVERY = 25  # packages from one line to the next, where there is no terminal
OPTIONS = ("--disable-pip-version-check", "--progress-bar=off", "--no-input", "--no-color")


class Progress:
    """What pip has done so far, from the lines that it prints and from what is installed.

    Attributes:
        collected: the packages that pip has found a version of, each once.
        wanted: how many it installs; 0 as long as it does not know.
    """

    def __init__(self, installed: int = 0) -> None:
        self.collected: list[str] = []
        self.wanted = 0
        self._installed_before = installed

    def read(self, line: str) -> None:
        """Take notice of a line that pip has printed."""
        first, _, rest = line.strip().partition(" ")
        if first == "Collecting" and rest:
            name = "".join(c if c.isalnum() or c in "-_." else " " for c in rest).split()[0]
            self.collected += [name] if name not in self.collected else []
        elif line.startswith("Installing collected packages:"):
            self.wanted = len(line.partition(":")[2].split(","))

    def text(self, installed: int) -> str:
        """Return how far pip is, when so many packages are installed."""
        if self.wanted:
            return f"installed {min(installed - self._installed_before, self.wanted)} of {self.wanted} packages"
        if self.collected:
            return f"collected {len(self.collected)} packages, the last is {self.collected[-1]}"
        return "asking for the packages"

    def stage(self, installed: int) -> tuple[bool, int]:
        """Return what changes when it is time for another line, where there is no terminal."""
        done = installed - self._installed_before if self.wanted else len(self.collected)
        return bool(self.wanted), done // EVERY


def installed_packages() -> int:
    """Return how many packages this Python has."""
    return len(list(Path(sysconfig.get_paths()["purelib"]).glob("*.dist-info")))


def show(text: str, on_terminal: bool) -> None:
    """Write the line anew on a terminal; else, write another line."""
    print(f"\r\x1b[K  {text[:70]}" if on_terminal else f"  {text}", end="" if on_terminal else "\n", flush=True)


def main(arguments: list[str]) -> int:
    """Run `pip install` with these arguments, and return its exit status."""
    on_terminal, begin = sys.stdout.isatty(), time.monotonic()
    progress, stage, unfinished = Progress(installed_packages()), None, b""
    with tempfile.TemporaryFile() as complaints:
        pip = subprocess.Popen(
            [sys.executable, "-m", "pip", "install", *OPTIONS, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        assert pip.stdout is not None
        try:
            more = True
            while more:
                if select.select([pip.stdout], [], [], LOOK_SECONDS)[0]:
                    piece = os.read(pip.stdout.fileno(), 65536)
                    more = bool(piece)  # nothing is the end of what it says
                    *lines, unfinished = (unfinished + piece).split(b"\n")
                    for line in lines:
                        progress.read(line.decode(errors="replace"))
                installed = installed_packages()
                if on_terminal or progress.stage(installed) != stage:
                    stage = progress.stage(installed)
                    show(f"{progress.text(installed)}, {time.monotonic() - begin:.0f} s", on_terminal)
            status = pip.wait()
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                pip.send_signal(signal.SIGINT)  # as Ctrl-C: it removes what it has begun
            pip.wait()
            raise
        finally:
            pip.stdout.close()
        if progress.wanted or status:
            show(f"{progress.text(installed_packages())}, {time.monotonic() - begin:.0f} s", on_terminal)
        if on_terminal:
            print()
        if status:
            complaints.seek(0)
            sys.stderr.write(complaints.read().decode(errors="replace"))
    return status


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
