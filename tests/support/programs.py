"""Programs that a test needs and a machine may not have: in CI that is a failure, elsewhere the test is skipped."""

import os
import re
from pathlib import Path

import pytest

from muxlab.programs import missing


def need(*programs: str) -> None:
    """Skip the test, or fail it in CI, if one of these programs is missing."""
    if said := missing(*programs):
        if os.environ.get("CI"):
            pytest.fail(said, pytrace=False)
        pytest.skip(said)


CAP_SYS_PTRACE = 1 << 19
"""The bit of the right to trace any process. Source: capabilities(7), linux/capability.h."""


def need_strangers() -> None:
    """Skip the test where strace may look only at what it has started itself. Source: ptrace(2), ptrace_scope."""
    need("strace")
    scope = Path("/proc/sys/kernel/yama/ptrace_scope")
    rights = re.search(r"CapEff:\s+([0-9a-f]+)", Path("/proc/self/status").read_text())
    if scope.exists() and int(scope.read_text()) and not (rights and int(rights[1], 16) & CAP_SYS_PTRACE):
        pytest.skip("kernel.yama.ptrace_scope allows strace only what it has started")
