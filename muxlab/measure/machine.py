"""What a measurement ran on."""

import contextlib
import functools
import os
import platform


@functools.cache
def machine() -> str:
    """Processor, cores, kernel and Python, in one line; neither a host name nor a path."""
    processor = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, StopIteration), open("/proc/cpuinfo") as file:
        processor = next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    system = f"{platform.system()} {platform.release()}"
    return f"{processor}, {cores} cores; {system}; {platform.python_implementation()} {platform.python_version()}"
