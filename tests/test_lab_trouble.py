"""`muxlab lab` where something is wrong, or not as it was: it says so in a sentence, with what to do."""

import errno
import json
import os
import pwd
import resource
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from lab_account import READY, Account, until

import muxlab
from muxlab.__main__ import main
from muxlab.command import lab
from muxlab.journal.place import MARK, OWN
from muxlab.lab import environment, jupyter
from muxlab.lab.chapters import chapters_in, course_folder, digest
from muxlab.lab.copy import check_place, keep_to_oneself


@pytest.mark.slow
def test_a_broken_jupyterlab_shows_its_last_words(account: Account) -> None:
    account.variables["MUXLAB_STAND_IN"] = "broken"
    status, said = account.say()
    assert status == 1
    assert "JupyterLab ended before it was ready. It printed last:" in said
    assert "ModuleNotFoundError: No module named 'a_module_that_is_missing'" in said
    assert "-m pip install --force-reinstall jupyterlab" in said and said.count("\n") < 15
    assert "Traceback" not in said.split("It printed last:")[0]


def test_a_jupyterlab_that_is_never_ready_is_ended(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (account.variables | {"MUXLAB_STAND_IN": "endless"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(jupyter, "START_SECONDS", 0.3)
    (tmp_path / OWN).mkdir()
    with pytest.raises(OSError, match="was not ready within"):
        jupyter.JupyterLab(tmp_path)


@pytest.mark.slow
def test_what_is_wrong_is_told_in_a_sentence_and_nothing_is_made(account: Account) -> None:
    (account.home / "file").touch()
    (account.home / "work/.git").mkdir(parents=True)
    there = set(account.home.iterdir())
    for arguments, says in (
        (["file"], "file is a file; name a folder"),
        (
            ["file/new"],
            "file/new cannot be written: Not a directory. Name a folder that you can write to: muxlab lab FOLDER",
        ),
        (["."], "is not a good place for the chapters; use a folder inside it: "),
        (["work"], "work is a git checkout"),
        (["/proc/new"], "/proc/new cannot be written: "),
        (["new", "--fresh", "77"], "no chapter 77; they are numbered 00 to 14\n"),
        (["05"], "there is no folder 05, and the number of a chapter is not a folder. To open a chapter, type `"),
        (["99"], "To make a new copy in a folder called 99: "),
    ):
        status, said = account.say(*arguments)
        assert status == 1 and said.startswith("muxlab: ") and says in said and said.count("\n") == 1, said
    assert set(account.home.iterdir()) == there


@pytest.mark.slow
def test_a_port_that_cannot_be_had_is_told(account: Account) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, said = account.say("--port", str(port))
    assert status == 1 and f"port {port}: Address already in use. Leave --port out" in said
    with pytest.raises(ValueError, match="a number from 0 to 65535"):
        jupyter.check_port(70000)


@pytest.mark.slow
@pytest.mark.parametrize("page", ["00_start_here.ipynb", ""])  # "": the learner has renamed all of them
def test_a_copy_from_a_newer_version_is_told(account: Account, page: str) -> None:
    (account.home / "mine" / OWN).mkdir(parents=True)
    (account.home / "mine" / OWN / MARK).write_text(json.dumps({"version": "99.0", "files": {}}))
    (account.home / "mine" / (page or "mine.ipynb")).write_text("{}")
    with account.lab("mine") as process:
        said = until(process, READY)
    assert "It was made by muxlab 99.0, which is newer than this one, so nothing in it was touched." in said
    assert f"/lab/tree/{page}?token=secret" in said


@pytest.mark.slow
def test_chapters_that_have_changed_on_either_side_are_told(account: Account) -> None:
    mine = account.home / "mine"
    (mine / OWN).mkdir(parents=True)
    for number, path in enumerate(chapters_in(course_folder())[:4]):
        (mine / path.name).write_text(f'{{"cells": [{number}]}}')
    unchanged = {path.name: digest(path.name, path.read_bytes()) for path in chapters_in(mine)[:2]}
    stale = {path.name: "another" for path in chapters_in(mine)[2:]}
    (mine / "15_rest.ipynb").write_text("{}")
    (mine / OWN / MARK).write_text(json.dumps({"version": "0.0.1", "files": unchanged | stale | {"15_rest.ipynb": ""}}))
    with account.lab("mine", "--fresh", "2") as process:
        said = until(process, READY)
    assert f"It was made by muxlab 0.0.1, and follows {muxlab.__version__} now." in said
    assert "Not in the course any more, and left as you have it: 15_rest.ipynb." in said
    assert "11 chapters were copied." in said and "Brought up to date: 00 and 01" in said
    assert "Left alone, because you have run or changed them: 03." in said and "muxlab lab mine --fresh 03\n" in said
    assert (
        "02_poll_without_blocking.ipynb is fresh again; yours is kept beside it, as 02_poll_without_blocking.yours"
        in said
    )


def test_what_the_environment_lacks_is_told_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    environment.check_environment()
    lines = [
        "packaging>=21",
        "no-such-package>=1.5",
        "matplotlib>=999",
        'colorama; sys_platform == "win32"',
        'x; extra == "y"',
    ]
    monkeypatch.setattr(environment.importlib.metadata, "requires", lambda name: lines)
    with pytest.raises(ValueError, match=r"-m pip install 'no-such-package>=1.5' 'matplotlib>=999'$") as raised:
        environment.check_environment()
    assert sys.executable in str(raised.value)
    monkeypatch.setattr(environment.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"-m pip install 'packaging' 'jupyterlab' 'ipykernel'$"):
        environment.check_environment()


def test_a_server_that_is_gone_or_serves_something_else_is_not_taken_for_ours(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", account.variables["JUPYTER_RUNTIME_DIR"])
    gone = subprocess.Popen(["true"])
    gone.wait()
    with socket.create_server(("127.0.0.1", 0)) as silent:  # somebody who has that address now, and never answers
        monkeypatch.setattr(jupyter, "ANSWER_SECONDS", 0.1)
        for number, (pid, port) in enumerate([(gone.pid, 1), (os.getpid(), 1), (os.getpid(), silent.getsockname()[1])]):
            said = {"url": f"http://127.0.0.1:{port}/", "token": "", "root_dir": str(tmp_path), "pid": pid}
            (account.home / f"runtime/jpserver-{number}.json").write_text(json.dumps(said))
        (account.home / "runtime/jpserver-3.json").write_text("{")
        assert jupyter.find_running(tmp_path) is None


@pytest.mark.slow
def test_a_server_whose_address_another_one_has_now_is_not_taken_for_ours(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", account.variables["JUPYTER_RUNTIME_DIR"])
    with account.lab("mine") as process:
        until(process, READY)
        there = jupyter.find_running(account.home / "mine")
        assert there is not None
        stale = {"url": there.url, "token": "old", "root_dir": str(tmp_path), "pid": os.getpid()}
        (account.home / "runtime/jpserver-1.json").write_text(json.dumps(stale))
        assert jupyter.find_running(tmp_path) is None


@pytest.mark.slow
def test_the_file_of_a_killed_server_with_the_same_process_number_is_not_taken_for_ours(account: Account) -> None:
    account.variables["MUXLAB_STAND_IN"] = "late"
    with account.lab("mine") as process:
        assert "?token=secret" in until(process, READY)


@pytest.mark.slow
def test_a_terminal_that_cannot_show_the_name_of_the_folder_is_no_obstacle(account: Account) -> None:
    account.variables["PYTHONIOENCODING"] = "ascii"
    with account.lab("über") as process:
        assert "\\xfcber" in until(process, READY)


@pytest.mark.slow
def test_what_another_folder_would_not_mend_is_not_blamed_on_the_folder(account: Account) -> None:
    status, said = account.say("mine", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8)))
    assert status == 1 and said.endswith("muxlab: Too many open files\n")


def test_a_folder_that_jupyterlab_cannot_write_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "new"))
    jupyter.check_runtime_folder()
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", "/proc/new")
    with pytest.raises(ValueError, match=r"cannot write to /proc/new, .*\n    export JUPYTER_RUNTIME_DIR="):
        jupyter.check_runtime_folder()


@pytest.mark.slow
def test_who_has_to_wait_for_another_call_is_told(account: Account) -> None:
    with keep_to_oneself(account.home / "mine"):
        with account.lab("mine") as process:
            assert until(process, "waiting").startswith("Another `muxlab lab` is at work on this copy")


def test_a_full_disk_is_no_reason_to_begin_another_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def find_the_disk_full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(lab.signal, "signal", lambda *arguments: None)  # those of the tests stay as they are
    monkeypatch.setattr(lab, "bring_up_to_date", find_the_disk_full)
    assert main(["lab", str(tmp_path / "mine")]) == 1
    assert "mine cannot be written: No space left on device. Make room there" in capsys.readouterr().err


def test_who_has_no_home_may_still_have_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container may run as a user that it does not know."""
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)
    check_place(tmp_path / "mine")
