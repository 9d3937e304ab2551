"""What `muxlab` says about itself: its commands and its version."""

import re

import pytest

import muxlab
from muxlab.__main__ import COMMANDS, main


def test_without_a_command_it_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    said = capsys.readouterr().out
    for command in COMMANDS:
        assert re.search(rf"^    {command.__name__.rpartition('.')[2]} +\w", said, re.MULTILINE), said


def test_it_tells_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert (end.value.code, capsys.readouterr().out) == (0, f"muxlab {muxlab.__version__}\n")
