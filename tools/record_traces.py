"""Make the stored traces again: `python tools/record_traces.py`. They are what is shown where strace is missing.

nginx, redis-server, asyncio and the course's epoll server answer ten clients who ask for little, and one who asks for
much; what strace prints goes to muxlab/measure/traces/. Left out are the lines from before a program listens: they say
where it looks for its libraries.
"""

import asyncio  # noqa: F401  (a server imports it: now, it need not read the files while it is traced)
import os
import sys
import tempfile

from muxlab.measure import real_servers
from muxlab.measure.real_servers import TRACES
from muxlab.programs import missing


def main() -> int:
    """Record all; return the exit status."""
    if said := missing("strace", "nginx", "redis-server"):
        print(said, file=sys.stderr)
        return 1
    os.chdir(tempfile.gettempdir())  # strace names the folder in which a program works
    for much, ending in ((False, ""), (True, "-much")):
        for name, glimpse in real_servers(much=much).items():
            if glimpse.recorded:
                print(glimpse.recorded, file=sys.stderr)
                return 1
            lines = glimpse.text.splitlines(keepends=True)
            whole = [line for line in lines if line.endswith("\n")]
            start = next((number for number, line in enumerate(whole) if " listen(" in line), 0)
            file = TRACES / f"{name}{ending}.strace"
            file.write_text("".join(whole[start:]))
            print(f"{file.name}: {glimpse.calls.total()} calls in {len(whole) - start} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
