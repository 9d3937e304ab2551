"""`muxlab lab` as a person at a terminal meets it: what it says, what it opens, and that nothing of it is left."""

import contextlib
import fcntl
import json
import os
import re
import signal
import socket
import subprocess
import sys
import termios
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from helpers import eventually

import muxlab
from muxlab.journal.place import MARK, OWN
from muxlab.lab import environment, jupyter
from muxlab.lab.chapters import chapters_in, course_folder, digest

STAND_IN = Path(__file__).parent / "support/stand_in"
FIVE = "05_scale_with_epoll.ipynb"
RUN = """
import sys
from jupyter_client import BlockingKernelClient

client = BlockingKernelClient(connection_file=sys.argv[1])
client.load_connection_file()
client.start_channels()
client.wait_for_ready(60)
for source in sys.argv[2:]:
    assert client.execute(source, reply=True, timeout=60)["content"]["status"] == "ok"
client.stop_channels()
"""
"""A program that runs cells in a kernel: arguments are its connection file and the cells."""
READY = "Ctrl-C here stops it"
PAGE = re.compile(r"^ +(http://127\.0\.0\.1:\d+/)lab/tree/(\S+\.ipynb)\?token=(\w+)\s*$", re.MULTILINE)


@dataclass
class Account:
    """An account of a learner: a home and Jupyter folders of its own, and a stand-in for JupyterLab."""

    home: Path
    variables: dict[str, str]

    @contextlib.contextmanager
    def lab(self, *arguments: str, **options: object) -> Iterator[subprocess.Popen]:
        """Run `muxlab lab` in the home; at the end it is killed, if it still runs."""
        usual = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "cwd": self.home}
        command = [sys.executable, "-m", "muxlab", "lab", *arguments]
        process = subprocess.Popen(command, env=self.variables, text=True, **(usual | options))
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()

    def say(self, *arguments: str, **options: object) -> tuple[int, str]:
        """Run `muxlab lab` to its end, and return its exit status and what it says."""
        with self.lab(*arguments, **options) as process:
            said, _ = process.communicate(timeout=60)
            return process.returncode, said

    def processes(self) -> list[str]:
        """Return the command lines of all processes of this account."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if f"HOME={self.home}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                    found.append((folder / "cmdline").read_text().replace("\0", " "))
        return found

    def servers(self) -> list[Path]:
        """Return the files in which running servers say where they are."""
        return list((self.home / "runtime").glob("jpserver-*.json"))


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    """An account, in which nothing may be left running at the end."""
    home = tmp_path / "home"
    (home / "runtime").mkdir(parents=True)
    inherited = {
        name: text for name, text in os.environ.items() if name not in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")
    }
    folders = {f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    path = os.pathsep.join([str(STAND_IN), str(Path(__file__).parents[1])])
    account = Account(home, inherited | folders | {"HOME": str(home), "IPYTHONDIR": str(home), "PYTHONPATH": path})
    yield account
    assert eventually(lambda: not account.processes()), account.processes()


def until(process: subprocess.Popen, text: str) -> str:
    """Return what the command says, up to a line with this text."""
    said = ""
    for line in process.stdout:
        said += line
        if text in line:
            return said
    raise AssertionError(f"it has ended, after saying:\n{said}")


# ---- JupyterLab itself


@pytest.mark.slow
def test_jupyterlab_serves_the_copy_is_resumed_and_ends_with_its_kernels(account: Account) -> None:
    account.variables["PYTHONPATH"] = str(STAND_IN.parents[2])  # the real one
    with account.lab("--no-browser") as process:
        url, name, token = PAGE.search(until(process, READY)).groups()

        def ask(path: str, what: object = None) -> str:
            data = None if what is None else json.dumps(what).encode()
            request = urllib.request.Request(url + path, data, {"Authorization": f"token {token}"})
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.read().decode()

        chapter = json.loads(ask(f"api/contents/{name}"))["content"]
        assert "# " in chapter["cells"][0]["source"]
        assert [cell["outputs"] for cell in chapter["cells"] if cell.get("outputs")] == []
        notification = json.loads(ask("lab/api/settings/@jupyterlab/apputils-extension:notification"))
        assert notification["schema"]["properties"]["fetchNews"]["default"] == "false"  # "none" would ask in a pop-up
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(f"{url}api/contents", timeout=60)
        what = {"path": FIVE, "name": FIVE, "type": "notebook", "kernel": {"name": "python3"}}
        kernel = json.loads(ask("api/sessions", what))["kernel"]["id"]
        assert sum("ipykernel" in command for command in account.processes()) == 1
        subprocess.run(
            [sys.executable, "-c", RUN, account.home / f"runtime/kernel-{kernel}.json", "import muxlab", "1"],
            env=account.variables,
            check=True,
            timeout=120,
        )
        status, said = account.say("--no-browser")
        assert status == 0 and PAGE.search(said).groups() == (url, FIVE, token)  # the chapter that was worked on
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert account.processes() == [] and account.servers() == []


# ---- the screen


@pytest.mark.slow
def test_the_screen_is_short_and_says_where_how_to_stop_and_the_address(account: Account) -> None:
    with account.lab() as process:
        said = until(process, READY)
        folder = account.home / "muxlab-course"
        assert f"Your copy of the course is in {folder}\n" in said and "15 chapters were copied" in said
        assert PAGE.search(said).groups()[1:] == ("00_start_here.ipynb", "secret")
        assert "Open this address in a browser" in said  # there is none to show it by itself
        assert said.count("\n") <= 10 and "twenty lines of log" not in said
        log = folder / OWN / "jupyterlab.log"
        printed = log.read_text().splitlines()
        assert printed[0] == "twenty lines of log" and log.stat().st_mode & 0o077 == 0
        assert {"--no-browser", "--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={folder}"} <= set(printed)
        assert ("--allow-root" in printed) == ("--allow-root" in said) == (os.geteuid() == 0)
        assert not any("token" in option.lower() or "password" in option.lower() for option in printed)
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert rest.endswith("Stopped. To go on where you are now, run the same command again.\n")
    assert [path.name for path in chapters_in(folder)] == [path.name for path in chapters_in(course_folder())]


@pytest.mark.slow
def test_a_second_call_opens_the_one_that_is_running(account: Account) -> None:
    with account.lab("mine") as process:
        page = PAGE.search(until(process, READY))
        status, said = account.say("mine", "--fresh", "5", "--port", "1")
        assert status == 0 and "JupyterLab is running on this copy already" in said
        assert PAGE.search(said).groups() == (page[1], FIVE, page[3])
        assert "Ctrl-C where it was started stops it" in said and READY not in said
        status, said = account.say(cwd=account.home / "mine/pictures")  # inside a copy, that copy is meant
        assert status == 0 and PAGE.search(said).groups() == page.groups()


@pytest.mark.slow
def test_two_calls_at_once_start_one_jupyterlab(account: Account) -> None:
    with account.lab("mine") as one, account.lab("mine") as other:
        pages = [PAGE.search(until(process, "Ctrl-C")) for process in (one, other)]
        assert pages[0].groups() == pages[1].groups() and len(account.servers()) == 1


@pytest.mark.slow
def test_the_chapter_that_was_left_is_opened(account: Account) -> None:
    (account.home / "mine" / OWN).mkdir(parents=True)
    journal = {"form": 1, "last": "07_write_without_stalling", "chapters": {}}
    (account.home / "mine" / OWN / "progress.json").write_text(json.dumps(journal))
    with account.lab("mine") as process:
        assert PAGE.search(until(process, READY))[2] == "07_write_without_stalling.ipynb"


@pytest.mark.slow
def test_the_browser_is_given_a_file_that_nobody_else_can_read(account: Account) -> None:
    browser = account.home / "browser"
    browser.write_text(f'#!/bin/sh\necho "$@" > "{account.home}/asked"\n')
    browser.chmod(0o755)
    account.variables["BROWSER"] = f"{browser} %s"
    with account.lab("mine") as process:
        said = until(process, READY)
        assert "If your browser does not show it, open this address" in said
        asked = (account.home / "asked").read_text().strip()
        file = account.home / "mine" / OWN / "open.html"
        assert asked == file.as_uri() and file.stat().st_mode & 0o077 == 0
        assert PAGE.search(said)[0].strip() in file.read_text()
        (account.home / "asked").unlink()
        assert account.say("mine", "--no-browser")[0] == 0 and not (account.home / "asked").exists()
        assert account.say("mine")[0] == 0 and (account.home / "asked").exists()


# ---- its end


@pytest.mark.slow
@pytest.mark.parametrize("signal_", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_as_ctrl_c_does(account: Account, signal_: signal.Signals) -> None:
    with account.lab() as process:
        until(process, READY)
        process.send_signal(signal_)
        assert "Stopped." in process.communicate(timeout=30)[0] and process.returncode == 0
        assert account.processes() == [] and account.servers() == []


@pytest.mark.slow
def test_who_presses_ctrl_c_twice_leaves_nothing_either(account: Account) -> None:
    account.variables["MUXLAB_STAND_IN"] = "lingers"
    with account.lab() as process:
        until(process, READY)
        process.send_signal(signal.SIGINT)
        until(process, "Stopping JupyterLab")
        process.send_signal(signal.SIGINT)
        assert "Traceback" not in process.communicate(timeout=30)[0]
        assert eventually(lambda: not account.processes() and not account.servers())


@pytest.mark.slow
def test_jupyterlab_does_not_outlive_a_command_that_is_killed(account: Account) -> None:
    with account.lab() as process:
        until(process, READY)
        assert len(account.servers()) == 1
        process.kill()
        assert eventually(lambda: not account.processes() and not account.servers())


@pytest.mark.slow
def test_jupyterlab_does_not_outlive_its_terminal(account: Account) -> None:
    ours, its = os.openpty()
    with open(ours) as screen:
        with open(its) as terminal:
            streams = dict.fromkeys(["stdin", "stdout", "stderr"], terminal)
            owned = {"start_new_session": True, "preexec_fn": lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)}
            lab = account.lab(**streams, **owned)
            process = lab.__enter__()
        while READY not in screen.readline():
            pass
    try:
        process.wait(30)  # the terminal is closed now
        assert eventually(lambda: not account.processes() and not account.servers())
    finally:
        lab.__exit__(None, None, None)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "status", "says"),
    [
        ("ends", 0, "JupyterLab was shut down.\n"),
        ("crashes", 1, "JupyterLab has ended with status 3; what it said is in "),
    ],
)
def test_its_own_end_is_told(account: Account, how: str, status: int, says: str) -> None:
    account.variables["MUXLAB_STAND_IN"] = how
    with account.lab() as process:
        url = PAGE.search(until(process, READY))[1]
        urllib.request.urlopen(url, timeout=30).close()
        said, _ = process.communicate(timeout=30)
    assert process.returncode == status and says in said


# ---- what is wrong is told, with what to do


@pytest.mark.slow
def test_a_broken_jupyterlab_shows_its_last_words(account: Account) -> None:
    account.variables["MUXLAB_STAND_IN"] = "broken"
    status, said = account.say()
    assert status == 1
    assert "JupyterLab ended before it was ready. Its last words:" in said
    assert "ModuleNotFoundError: No module named 'a_module_that_is_missing'" in said
    assert "-m pip install --force-reinstall jupyterlab" in said and said.count("\n") < 15
    assert "Traceback" not in said.split("Its last words:")[0]


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
        (["file/new"], "file/new cannot be written: Not a directory. Name a folder that you can: muxlab lab FOLDER"),
        (["."], "is no place to put chapters; name a folder inside it: "),
        (["work"], "work is a git checkout"),
        (["/proc/new"], "/proc/new cannot be written: "),
        (["new", "--fresh", "77"], "no chapter 77; there are 00_start_here, "),
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
def test_a_copy_from_a_newer_version_is_told(account: Account) -> None:
    (account.home / "mine" / OWN).mkdir(parents=True)
    (account.home / "mine" / OWN / MARK).write_text(json.dumps({"version": "99.0", "files": {}}))
    (account.home / "mine/00_start_here.ipynb").write_text("{}")
    with account.lab("mine") as process:
        assert "It was made by muxlab 99.0, which is newer than this one, so nothing in it was touched." in until(
            process, READY
        )


@pytest.mark.slow
def test_chapters_that_have_changed_on_either_side_are_told(account: Account) -> None:
    mine = account.home / "mine"
    (mine / OWN).mkdir(parents=True)
    for number, path in enumerate(chapters_in(course_folder())[:4]):
        (mine / path.name).write_text(f'{{"cells": [{number}]}}')
    unchanged = {path.name: digest(path.name, path.read_bytes()) for path in chapters_in(mine)[:2]}
    stale = {path.name: "another" for path in chapters_in(mine)[2:]}
    (mine / OWN / MARK).write_text(json.dumps({"version": "0.0.1", "files": unchanged | stale}))
    with account.lab("mine", "--fresh", "2") as process:
        said = until(process, READY)
    assert f"It was made by muxlab 0.0.1, and follows {muxlab.__version__} now." in said
    assert "11 chapters were copied." in said and "Brought up to date: 00 and 01" in said
    assert "Left alone, because you have made changes: 03." in said and ": muxlab lab mine --fresh 03\n" in said
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
