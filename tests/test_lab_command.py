"""`muxlab lab` as a person at a terminal meets it: what it says, what it opens, and that nothing of it is left."""

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import termios
import urllib.request

import pytest
from helpers import eventually
from lab_account import PAGE, READY, ROOT, Account, until

from muxlab.journal.place import OWN
from muxlab.lab.chapters import chapters_in, course_folder

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


# ---- JupyterLab itself


@pytest.mark.slow
def test_jupyterlab_serves_the_copy_is_resumed_and_ends_with_its_kernels(account: Account) -> None:
    account.variables["PYTHONPATH"] = str(ROOT)  # the real one
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
        assert f"Your copy of the course is in {folder}\n" in said
        assert f"{len(chapters_in(course_folder()))} chapters were copied" in said
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
    assert "Stopped. To go on where you are now, run the same command again.\n" in rest
    assert re.search(r"To see how far you have come: (\S*muxlab|\S+ -m muxlab) progress( \S+)?\n$", rest)
    assert [path.name for path in chapters_in(folder)] == [path.name for path in chapters_in(course_folder())]


@pytest.mark.slow
def test_a_second_call_opens_the_one_that_is_running(account: Account) -> None:
    with account.lab("mine") as process:
        page = PAGE.search(until(process, READY))
        status, said = account.say("mine", "--fresh", "5", "--port", "1")
        assert status == 0 and "JupyterLab is running on this copy already" in said
        assert PAGE.search(said).groups() == (page[1], FIVE, page[3])
        assert "To stop it, press Ctrl-C in the terminal that started it" in said and READY not in said
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
def test_who_starts_it_in_the_background_of_a_script_is_told_what_stops_it(account: Account) -> None:
    """A shell has Ctrl-C ignored there."""
    with account.lab(preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)) as process:
        assert f"`kill {process.pid}` stops it" in until(process, "stops it")
        process.terminate()
        assert "Stopped." in process.communicate(timeout=30)[0] and process.returncode == 0


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
