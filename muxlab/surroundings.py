"""Where the course is being worked through: which editor shows the notebook, and what kind of machine runs it.

Nothing here changes or sends anything, and nothing is asked of a network. What cannot be told for sure is "".
"""

import ctypes
import errno
import os
import platform
import sys
from pathlib import Path

from .notebook import VS_CODE, cell_id, shell

PTRACE_CONT = 7  # <sys/ptrace.h>
CAP_SYS_PTRACE = 19  # <linux/capability.h>

SYSTEMS = {"Darwin": "macOS"}
"""What people call a system that `platform.system()` calls otherwise."""


def editor() -> str:
    """Return what shows the notebook: "JupyterLab", "VS Code", "Google Colab", or "" where that cannot be told.

    The server of JupyterLab and that of the classic Notebook start a kernel the same way, so both are "JupyterLab".
    VS Code gives the path of the notebook to the kernel, and names cells by an address of its own.
    """
    ipython = shell()
    if ipython is None:
        return ""
    if "google.colab" in sys.modules:
        return "Google Colab"
    if "__vsc_ipynb_file__" in ipython.user_ns or cell_id().startswith(VS_CODE):
        return "VS Code"
    return "JupyterLab" if "JPY_SESSION_NAME" in os.environ else ""


def virtual_system() -> str:
    """Return "container", "WSL 1", "WSL 2", or "" for what seems to be a machine of its own, or a virtual one.

    WSL is Linux inside Windows. The first version only imitates the kernel's calls; the second runs a Linux kernel.
    """
    release = platform.release()
    if "microsoft" in release.lower():
        return "WSL 2" if "WSL2" in release else "WSL 1"
    return "container" if _in_a_container() else ""


def _in_a_container() -> bool:
    """Look for what Docker, Podman and systemd-nspawn, and Kubernetes leave for the programs inside to find."""
    marks = ("/.dockerenv", "/run/.containerenv", "/run/systemd/container")
    return any(map(os.path.exists, marks)) or "KUBERNETES_SERVICE_HOST" in os.environ


def not_linux() -> str:
    """Return "" on Linux, elsewhere one sentence: what runs on this system, and how to get the rest."""
    system = platform.system()
    if system == "Linux":
        return ""
    system = SYSTEMS.get(system, system or sys.platform)
    return (
        f"{system} has no epoll: chapters 0 to 3 run here, except where they read the kernel's tables. For all of the "
        "course, open the project in its dev container (VS Code with Docker, or GitHub Codespaces), or take a Linux "
        "virtual machine"
    )


def tracing_refusal() -> str:
    """Say why this system lets no program trace another, as strace does, and what to do about it; "" where it may.

    The kernel is asked to let a process go on that this one does not trace. Where tracing is allowed, it answers that
    there is none such (ESRCH); a container's filter answers before it, with EPERM or ENOSYS.

    Source: ptrace(2), "Ptrace access mode checking" and /proc/sys/kernel/yama/ptrace_scope; seccomp(2).
    """
    if platform.system() != "Linux":
        return "strace is for Linux, and this is another system"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(PTRACE_CONT, os.getpid(), 0, 0) == -1 and ctypes.get_errno() in (errno.EPERM, errno.ENOSYS):
        return "tracing is not allowed here. A container has to be started with --cap-add=SYS_PTRACE"
    scope = _first_line("/proc/sys/kernel/yama/ptrace_scope")
    if scope == "3":
        return "tracing is switched off here until the machine is started again (kernel.yama.ptrace_scope is 3)"
    if scope == "2" and not _may_trace_everything():
        return "only the administrator may trace here; to allow it: sudo sysctl kernel.yama.ptrace_scope=1"
    return ""


def _may_trace_everything() -> bool:
    """Return whether this process has the capability CAP_SYS_PTRACE, capabilities(7)."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> CAP_SYS_PTRACE & 1)
    return False


def _first_line(path: str) -> str:
    """Return the first line of a file, or "" where there is none, or it may not be read."""
    try:
        with open(path) as file:
            return file.readline().strip()
    except OSError:
        return ""
