"""Systems that do not allow io_uring: each says in one sentence why not, and all but `uring` is there."""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from muxlab.ring import Ring, refusal, system

WITHOUT = Path(__file__).parent / "support" / "without_ring.py"


@pytest.mark.parametrize(("number", "says"), [("EPERM", "not allowed here"), ("ENOSYS", "no io_uring")])
def test_a_system_that_refuses_it(number: str, says: str) -> None:
    code = """
import muxlab
from muxlab.servers import uring_server
assert "uring" not in muxlab.SERVERS and len(muxlab.SERVERS) == 9
for attempt in (lambda: muxlab.SERVERS["uring"], lambda: muxlab.serve(uring_server), lambda: muxlab.step(uring_server)):
    try:
        attempt()
    except (KeyError, OSError) as error:
        print(error)
print(muxlab.doctor())
"""
    run = subprocess.run(
        [sys.executable, WITHOUT, number, sys.executable, "-c", code], capture_output=True, text=True, timeout=60
    )
    if "no seccomp filter" in run.stderr:
        pytest.skip("no seccomp filter can be set here")
    assert run.returncode == 0, run.stderr
    assert run.stdout.count(says) == 4
    assert "Traceback" not in run.stdout + run.stderr


@pytest.fixture
def asked_anew() -> Iterator[None]:
    refusal.cache_clear()
    yield
    refusal.cache_clear()


@pytest.mark.parametrize(
    ("error", "switch", "says"),
    [
        (errno.EPERM, "2", "sudo sysctl kernel.io_uring_disabled=0"),
        (errno.EPERM, "1", "sudo sysctl kernel.io_uring_disabled=0"),
        (errno.EPERM, "0", "Most containers"),
        (errno.EPERM, "", "Most containers"),
        (errno.ENOSYS, "", "5.19"),
        (errno.EINVAL, "", "Invalid argument"),
        (errno.EMFILE, "", ""),
    ],
)
def test_why_it_is_refused(
    asked_anew: None, monkeypatch: pytest.MonkeyPatch, error: int, switch: str, says: str
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(system, "system_call", refuse)
    monkeypatch.setattr(system, "_switch", lambda: switch)
    assert (says in refusal()) if says else refusal() == ""
    if says:
        with pytest.raises(OSError, match=says.split("=")[0]):
            Ring()


def test_another_system(asked_anew: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "Linux" in refusal()
