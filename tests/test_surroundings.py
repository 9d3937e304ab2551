"""Where the course is worked through: editors, containers, WSL, and systems that are no Linux. All are simulated."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from muxlab import doctor, notebook, surroundings
from muxlab.doctor import Finding

ROOT = Path(__file__).resolve().parent.parent
WITHOUT = ROOT / "tests/support/without_ring.py"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch):
    """Return a function that lets an editor ask for a cell: by the metadata of its message, and names of the user's."""
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)

    def ask(metadata: dict, **names: object) -> None:
        message = {"header": {"msg_id": "7"}, "metadata": metadata}
        ipython = SimpleNamespace(user_ns=names, get_parent=lambda: message)
        monkeypatch.setattr(notebook, "shell", lambda: ipython)
        monkeypatch.setattr(surroundings, "shell", lambda: ipython)

    return ask


def finding(name: str) -> Finding:
    (found,) = [finding for finding in doctor().findings if finding.name == name]
    return found


def run(*command: object, code: str) -> str:
    """Run Python code in a process of its own, and return what it printed last."""
    arguments = [*map(str, command), sys.executable, "-c", code]
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=60)
    return (done.stdout + done.stderr).splitlines()[-1]


# ---- editors


def test_plain_python_has_no_editor() -> None:
    assert surroundings.editor() == ""
    assert "editor" not in {finding.name for finding in doctor().findings}


def test_jupyterlab(asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "/course/05_scale_with_epoll.ipynb")
    asked({"cellId": "0a1b2c3d"})
    assert finding("editor").value == "JupyterLab"


@pytest.mark.parametrize(
    ("metadata", "names"),
    [
        ({"cellId": "vscode-notebook-cell:/course/05.ipynb#W0sZmlsZQ"}, {}),
        ({"cellId": "vscode-interactive-input:/1"}, {}),
        ({}, {"__vsc_ipynb_file__": "/course/05.ipynb"}),
    ],
)
def test_vs_code(asked, metadata: dict, names: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "/course/05.ipynb")  # VS Code, with a Jupyter server behind it
    asked(metadata, **names)
    found = finding("editor")
    assert found.value == "VS Code" and found.fine and "Jupyter extension" in found.meaning


def test_colab_says_how_to_see_the_panels(asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace())
    asked({"colab": {"cell_id": "Xy7"}})
    found = finding("editor")
    assert found.value == "Google Colab" and not found.fine and "enable_custom_widget_manager()" in found.meaning


@pytest.mark.parametrize(
    ("metadata", "cell"),
    [
        ({"cellId": "0a1b2c3d"}, ("0a1b2c3d", "7")),
        ({"cellId": "vscode-notebook-cell:/05.ipynb#W0s"}, ("vscode-notebook-cell:/05.ipynb#W0s", "7")),
        ({"colab": {"cell_id": "Xy7"}}, ("Xy7", "7")),
        ({"colab": {}}, None),
        ({}, None),
    ],
)
def test_every_editor_tells_which_cell_runs_in_its_own_way(asked, metadata: dict, cell: object) -> None:
    asked(metadata)
    assert notebook.current_cell() == cell


KERNEL = """
import sys
from jupyter_client.manager import start_new_kernel

manager, client = start_new_kernel(extra_arguments=["--log-level=40"])

def ask(code, metadata):  # as an editor does: no Python client of Jupyter's can name a cell
    message = client.session.msg("execute_request", {"code": code, "allow_stdin": False, "stop_on_error": False})
    message["metadata"] = metadata
    client.shell_channel.send(message)
    reply = client.get_shell_msg(timeout=60)["content"]
    assert reply["status"] == "ok", reply
    while True:
        said = client.get_iopub_msg(timeout=60)
        if said["msg_type"] == "stream" and said["content"]["name"] == "stdout":
            print(said["content"]["text"].strip(), end=" ")
        if said["msg_type"] == "status" and said["content"]["execution_state"] == "idle":
            if said["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                return

try:
    ask("import muxlab\\nfrom muxlab.surroundings import editor\\n__vsc_ipynb_file__ = '/course/05.ipynb'", {})
    for metadata in ({"cellId": "vscode-notebook-cell:/course/05.ipynb#W0"}, {"colab": {"cell_id": "Xy7"}}):
        for _ in range(2):
            ask("server = muxlab.serve(muxlab.SERVERS['epoll'])\\nfirst = globals().get('first', server)", metadata)
        ask("print(editor(), first.alive, server.alive)\\ndel first", {})
    ask("panel = muxlab.show.stepper(muxlab.SERVERS['epoll'])\\n"
        "print('_esm' in panel.get_state(), panel._view_module)", {})
    ask("muxlab.stop_all()", {})
finally:
    client.stop_channels()
    manager.shutdown_kernel()
"""


@pytest.mark.slow
def test_a_cell_that_runs_again_ends_what_it_had_started_in_other_editors_too() -> None:
    """A real kernel gets the messages that VS Code and Colab send. The panel brings its script, and loads none."""
    said = run(code=KERNEL)
    assert said.split() == ["VS", "Code", "False", "True"] * 2 + ["True", "anywidget"]


# ---- systems


@pytest.mark.parametrize(
    ("release", "kind"),
    [
        ("5.15.153.1-microsoft-standard-WSL2", "WSL 2"),
        ("4.4.0-19041-Microsoft", "WSL 1"),
    ],
)
def test_wsl(monkeypatch: pytest.MonkeyPatch, release: str, kind: str) -> None:
    monkeypatch.setattr(platform, "release", lambda: release)
    found = finding("container or WSL")
    assert found.value == kind
    assert found.fine is (kind == "WSL 2")
    assert found.fine or "wsl --set-version" in found.meaning


@pytest.mark.parametrize("mark", ["/.dockerenv", "/run/.containerenv", "/run/systemd/container", "KUBERNETES", None])
def test_a_container_is_known_by_what_it_leaves_inside(monkeypatch: pytest.MonkeyPatch, mark: str | None) -> None:
    monkeypatch.setattr(os.path, "exists", lambda path: path == mark)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    if mark == "KUBERNETES":
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    assert surroundings.virtual_system() == ("container" if mark else "")


@pytest.mark.skipif(platform.machine() not in ("x86_64", "aarch64"), reason="the number of ptrace is not known here")
@pytest.mark.slow
@pytest.mark.parametrize("error", ["EPERM", "ENOSYS"])
def test_a_container_that_forbids_tracing_and_io_uring(error: str) -> None:
    """A seccomp filter answers the two calls, as a container's does; the kernel is asked, and nothing is guessed."""
    code = """import json, muxlab
print(json.dumps([[f.name, f.fine, f.meaning] for f in muxlab.doctor().findings if f.name in ("io_uring", "tracing")]))
"""
    ring, tracing = json.loads(run(sys.executable, WITHOUT, f"{error}+ptrace", code=code))
    assert ring[:2] == ["io_uring", False]
    assert tracing[:2] == ["tracing", False]
    assert "--cap-add=SYS_PTRACE" in tracing[2] and "what was recorded" in tracing[2]


@pytest.mark.parametrize(
    ("scope", "privileged", "remedy"),
    [
        ("0", False, ""),
        ("1", False, ""),
        ("2", True, ""),
        ("2", False, "sudo sysctl kernel.yama.ptrace_scope=1"),
        ("3", True, "until the machine is started again"),
        ("", False, ""),  # a kernel without Yama
    ],
)
def test_the_rule_of_the_system_about_tracing(
    monkeypatch: pytest.MonkeyPatch, scope: str, privileged: bool, remedy: str
) -> None:
    if "--cap-add" in surroundings.tracing_refusal():
        pytest.skip("this container forbids tracing altogether")
    monkeypatch.setattr(surroundings, "_first_line", lambda path: scope)
    monkeypatch.setattr(surroundings, "_may_trace_everything", lambda: privileged)
    why = surroundings.tracing_refusal()
    assert remedy in why and bool(why) is bool(remedy)


MACOS = """
import os, platform, select, socket, sys
sys.platform = "darwin"
platform.system, platform.release = lambda: "Darwin", lambda: "23.5.0"
LINUX = ("epoll", "eventfd", "efd_", "sched_", "memfd", "pidfd", "timerfd", "sock_nonblock", "sock_cloexec", "tcp_info",
         "tcp_quickack", "tcp_cork", "splice", "pipe2")
for module in (select, socket, os):
    for name in list(vars(module)):
        if name.lower().startswith(LINUX):
            delattr(module, name)
import muxlab
findings = {finding.name: finding for finding in muxlab.doctor().findings}
served = []
for name in ("threaded", "nonblocking", "select", "poll"):
    with muxlab.serve(muxlab.SERVERS[name]) as server, muxlab.Swarm(server, connections=10, active=3) as swarm:
        swarm.wait_replies(20)
        served.append(name)
try:
    muxlab.serve(muxlab.SERVERS["epoll"])
except OSError as error:
    print(findings["system"].fine, *served, "|", findings["system"].meaning, "|", error.strerror)
"""


@pytest.mark.slow
def test_another_system_says_once_what_runs_there_and_what_to_do() -> None:
    served, meaning, refused = run(code=MACOS).split(" | ")
    assert served == "False threaded nonblocking select poll"
    assert meaning.startswith("macOS has no epoll") and "dev container" in meaning
    assert "needs Linux" in refused and "container" in refused


@pytest.mark.slow
def test_windows_gets_one_clear_message_and_no_missing_module() -> None:
    said = run(code="import sys; sys.platform = 'win32'; import muxlab")
    assert said.startswith("ImportError: muxlab needs Linux") and "wsl --install" in said and "dev container" in said
