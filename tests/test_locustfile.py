"""The Locust file of chapter 13: it runs, and every reply that it counts is right.

Locust runs in a process of its own, and is not imported here: importing it changes Python's sockets (gevent).
"""

import contextlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import muxlab
from muxlab.servers import epoll_server

pytestmark = pytest.mark.slow

FILE = Path(__file__).parents[1] / "benchmarks" / "locustfile.py"
STOPS_SOON = Path(__file__).parent / "support" / "locust_stops_soon.py"


def test_the_chapter_shows_the_file_as_it_is() -> None:
    chapter = json.loads(next((FILE.parents[1] / "notebooks").glob("13_*.ipynb")).read_text(encoding="utf-8"))
    shown = [
        block
        for cell in chapter["cells"]
        for block in re.findall(r"```python\n(.*?)```", "".join(cell["source"]), re.DOTALL)
        if "locust" in block
    ]
    heading, code = FILE.read_text(encoding="utf-8").split("\n\n", 1)
    assert heading.startswith('"""') and shown == [code]


def run_locust(address: tuple[str, int], users: int) -> dict:
    """Let so many users of Locust talk to a server until it has sent as many messages; return their figures."""
    files = ["-f", f"{FILE},{STOPS_SOON}"]
    command = [sys.executable, "-m", "locust", *files, "--host", f"{address[0]}:{address[1]}"]
    load = ["--users", str(users), "--spawn-rate", str(users), "--run-time", "50s"]
    quiet = ["--headless", "--only-summary", "--json", "--exit-code-on-error", "0"]
    done = subprocess.run([*command, *load, *quiet], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    (counted,) = json.loads(done.stdout)
    return counted


def test_its_users_are_answered_by_a_server_of_the_course() -> None:
    with muxlab.serve(epoll_server) as server:
        counted = run_locust(server.address, users=5)
    assert (counted["name"], counted["method"]) == ("echo", "TCP")
    assert counted["num_requests"] >= 5 and counted["num_failures"] == 0
    assert counted["total_content_length"] == counted["num_requests"] * len("hello")


def test_a_wrong_reply_is_a_failure() -> None:
    def shouts(listener, stop):
        """Answer one client, in capitals."""
        conn, _ = listener.accept()
        with conn, contextlib.suppress(ConnectionError):
            while data := conn.recv(100):
                conn.sendall(data.upper())

    with muxlab.serve(shouts) as server:
        counted = run_locust(server.address, users=1)
    assert counted["num_failures"] == counted["num_requests"] > 0
