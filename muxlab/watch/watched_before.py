"""Whom the epolls of a process watch already, before the first line of strace: the registrations that it will not see.

The kernel tells it in a page for each descriptor, and what the sockets are called in its table of connections.
Source: /proc/PID/fdinfo, /proc/PID/fd and /proc/PID/net/tcp in proc(5).

Not handled here: sockets of IPv6 and of other kinds, which stay without a name.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from .strace_text import Descriptor

ENTRY = re.compile(r"tfd: *(\d+) .*?data: *([0-9a-f]+)")
LISTENS = "0A"  # TCP_LISTEN


def watched_before(pid: int) -> Iterator[tuple[int, str, Descriptor]]:
    """Yield an epoll's descriptor, what it will hand back (as `handed_back_of` has it), and whom it watches.

    Args:
        pid: a process or thread. One that is gone, or another user's, has none.
    """
    home = Path(f"/proc/{pid}")
    epolls = [fd for fd, about in _descriptors(home) if "eventpoll" in about]
    names = _connections(home) if epolls else {}
    for fd in epolls:
        for target, data in ENTRY.findall(_read(home / "fdinfo" / str(fd))):
            kind = _link(home / "fd" / target)
            yield fd, str(int(data, 16) & 0xFFFFFFFF), Descriptor(int(target), names.get(kind, kind))


def _connections(home: Path) -> dict[str, str]:
    """Return how strace names each TCP socket, by its link: {"socket:[77]": "TCP:[127.0.0.1:80->127.0.0.1:5001]"}."""
    found = {}
    for line in _read(home / "net/tcp").splitlines()[1:]:
        fields = line.split()
        local, remote, state, inode = fields[1], fields[2], fields[3], fields[9]
        if inode == "0":  # nobody's any more: it only waits in TIME_WAIT, with thousands of others after a big crowd
            continue
        peer = "" if state == LISTENS else f"->{_address(remote)}"
        found[f"socket:[{inode}]"] = f"TCP:[{_address(local)}{peer}]"
    return found


def _address(text: str) -> str:
    """Return "127.0.0.1:80" for "0100007F:0050"."""
    host, port = text.split(":")
    return ".".join(str(byte) for byte in reversed(bytes.fromhex(host))) + f":{int(port, 16)}"


def _descriptors(home: Path) -> list[tuple[int, str]]:
    try:
        return [(int(path.name), _link(path)) for path in (home / "fd").iterdir()]
    except OSError:
        return []


def _link(path: Path) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
