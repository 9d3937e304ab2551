"""Programs that a test needs and a machine may not have: in CI that is a failure, elsewhere the test is skipped."""

import os

import pytest

from muxlab.programs import missing


def need(*programs: str) -> None:
    """Skip the test, or fail it in CI, if one of these programs is missing."""
    if said := missing(*programs):
        if os.environ.get("CI"):
            pytest.fail(said, pytrace=False)
        pytest.skip(said)
