"""What a measurement ran on."""

import contextlib
import datetime
import os
import platform
from pathlib import Path


def machine() -> str:
    """Date, processor, cores, kernel, Python and load, in one line; neither a host name nor a path."""
    processor = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, StopIteration), Path("/proc/cpuinfo").open() as file:
        processor = next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    system = f"{platform.system()} {platform.release()}"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    load = f"load average {os.getloadavg()[0]:.1f} at the start"
    return f"{datetime.date.today()}; {processor}, {cores} cores; {system}; {python}; {load}"
