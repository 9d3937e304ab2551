"""`doctor`: the limits of this machine, and what each means for the course."""

import html
import os
import platform
import select
import sys
from dataclasses import dataclass

from . import limits
from .programs import find, missing
from .ring import refusal
from .surroundings import editor, not_linux, tracing_refusal, virtual_system

PROGRAMS = ("nginx", "redis-server", "redis-benchmark", "strace")
"""Programs that chapters 12 and 13 look at or use."""

WANTED = 19_000
"""Connections of the course's largest experiment, all to one server."""

DESCRIPTORS = {2: 2200, 3: 2200, 4: 4096, 5: 3200, 6: 2200, 9: 6200, 11: 1200, 12: 2200, 14: 4096}
"""Descriptors that each chapter needs in one process, for all of its cells; the others need fewer than 1,024."""

EDITORS = {
    "JupyterLab": "where the course was made, and is tested",
    "VS Code": "its Jupyter extension shows the panels; it may ask to download files for them, and finds them here too",
    "Google Colab": "the panels stay empty until you run: from google.colab import output; "
    "output.enable_custom_widget_manager(), which loads its scripts from Google",
}
"""What each editor that is recognised means for the course."""

VIRTUAL = {
    "container": "it shares the kernel of the machine around it, which may not allow everything: see any line marked !",
    "WSL 2": "a Linux kernel of its own: the course runs here; keep it in WSL's file system, as /mnt/c is slow",
    "WSL 1": "it imitates Linux, and what you would count here is Windows' doing: wsl --set-version DISTRIBUTION 2",
}
"""What each kind of system inside another means for the course."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: what it is.
        value: what was found.
        meaning: what that means for the course.
        fine: False where it limits a part of the course.
        term: what the name means, for somebody who meets it here for the first time; "" where it needs no words.
    """

    name: str
    value: str
    meaning: str
    fine: bool
    term: str = ""


@dataclass(frozen=True, repr=False)
class Diagnosis:
    """All findings: a sentence, and a table, which a notebook folds away but for what limits a part of the course."""

    findings: tuple[Finding, ...]

    @property
    def fine(self) -> bool:
        """True when every chapter can run in full."""
        return all(finding.fine for finding in self.findings)

    @property
    def verdict(self) -> str:
        """The result in one sentence."""
        short = sum(not finding.fine for finding in self.findings)
        if not short:
            return "This machine has all that the course asks for."
        lines = "the line marked !" if short == 1 else f"the {short} lines marked !"
        if not hasattr(select, "epoll"):
            return f"Part of the course runs here: see {lines}."
        return f"The course runs here, with limits: see {lines}."

    def __str__(self) -> str:
        rows = [(f"{'' if f.fine else '!'}", f.name, f.value, f.meaning) for f in self.findings]
        names, values = (max(len(row[column]) for row in rows) for column in (1, 2))
        lines = [f"{mark:1} {name:{names}}  {value:>{values}}  {meaning}" for mark, name, value, meaning in rows]
        return "\n".join([self.verdict, "", *lines])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        limiting = [finding for finding in self.findings if not finding.fine]
        others = [finding for finding in self.findings if finding.fine]
        page = f"<p><b>{html.escape(self.verdict)}</b></p>"
        if limiting:
            page += _table(limiting)
        summary = "Everything else that was looked at" if limiting else "What was looked at, and what it means"
        return f"{page}<details><summary>{summary}</summary>{_table(others)}</details>"


def _table(findings: list[Finding]) -> str:
    """Return findings as an HTML table; what a name means stands below it."""
    cell = "style='text-align:left;vertical-align:top;padding:.3em .8em'"
    rows = ""
    for found in findings:
        name = html.escape(found.name)
        if found.term:
            name += f"<br><small>{html.escape(found.term)}</small>"
        rows += (
            f"<tr><td {cell}>{'✓' if found.fine else '<b>!</b>'}</td><td {cell}>{name}</td>"
            f"<td {cell}><b>{html.escape(found.value)}</b></td><td {cell}>{html.escape(found.meaning)}</td></tr>"
        )
    return f"<table>{rows}</table>"


def doctor() -> Diagnosis:
    """Look at what this machine allows, and tell what each limit means for the course; change and send nothing.

    Returns:
        A sentence and a table, as text and as HTML, with a mark at every limit that cuts a part of the course.

    Source: getrlimit(2), select(2), listen(2), ip(7), epoll(7), io_uring_setup(2), proc(5).
    """
    return Diagnosis(tuple(_findings()))


def _findings() -> list[Finding]:
    soft, hard = limits.descriptor_limits()
    (queue,) = limits.proc_numbers("/proc/sys/net/core/somaxconn", [128])
    ports = limits.ephemeral_ports()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    version = platform.python_version()
    return [
        Finding("Python", version, "3.11 or newer is needed", sys.version_info >= (3, 11)),
        Finding(
            "system",
            f"{platform.system()} {platform.release()}",
            _meaning_of_system(),
            hasattr(select, "epoll"),
            "the operating system, and the version of its kernel",
        ),
        *_virtual_system(),
        *_editor(),
        Finding(
            "cores",
            str(cores),
            "server and clients can run side by side"
            if cores > 1
            else "server and clients share it: slower, same shapes",
            cores > 1,
            "processors: so many threads can work at the same moment",
        ),
        Finding(
            "descriptors, soft limit",
            f"{soft:,}",
            "for this process now; raised for you, up to the hard limit, when a swarm needs more",
            True,
            "a descriptor is the number by which a process knows an open file or socket",
        ),
        Finding(
            "descriptors, hard limit",
            f"{hard:,}",
            _meaning_of_hard_limit(hard),
            hard >= max(DESCRIPTORS.values()),
            "how far a process may raise its own limit",
        ),
        Finding(
            "select's own limit",
            "1,024",
            "it refuses descriptor numbers from 1,024 up, whatever the limits",
            True,
            "select waits for many sockets at once: chapters 3 and 4",
        ),
        Finding(
            "ports for clients",
            f"{ports:,}",
            "connections that one client address can have to one server",
            ports >= WANTED,
            "a port is a number that tells the connections of one computer apart",
        ),
        Finding(
            "accept queue, at most",
            f"{queue:,}",
            "a server that asks for a longer one silently gets this",
            queue >= 1024,
            "where clients wait until the server lets them in: chapter 9",
        ),
        *_epoll_watches(),
        _io_uring(),
        _tracing(),
        _programs(),
    ]


def _meaning_of_hard_limit(hard: int) -> str:
    here, apart = limits.most_connections(server_here=True), limits.most_connections(server_here=False)
    meaning = f"{here:,} connections fit with both ends in this process, {apart:,} with the server in another"
    if short := [str(chapter) for chapter, needed in DESCRIPTORS.items() if needed > hard]:
        *others, last = short
        chapters = f"chapters {', '.join(others)} and {last} have" if others else f"chapter {last} has"
        raised = f"sudo prlimit --pid $$ --nofile={WANTED + 1000}:{WANTED + 1000}"
        return f"{meaning}; {chapters} cells that need more. To raise it, start JupyterLab from a shell after: {raised}"
    if apart < WANTED:
        return (
            f"{meaning}; the largest crowd that the course sends to one server is {WANTED:,}, and is cut to what fits"
        )
    return meaning


def _meaning_of_system() -> str:
    if hasattr(select, "epoll"):
        return "has epoll: every chapter runs"
    return not_linux() or "is a Linux whose Python was built without epoll: take another Python"


def _virtual_system() -> list[Finding]:
    kind = virtual_system()
    term = "a Linux that shares its kernel, or its machine, with another system"
    return [Finding("container or WSL", kind, VIRTUAL[kind], kind != "WSL 1", term)] if kind else []


def _editor() -> list[Finding]:
    name = editor()
    term = "the program that shows the notebook and its panels"
    return [Finding("editor", name, EDITORS[name], name != "Google Colab", term)] if name else []


def _io_uring() -> Finding:
    why = refusal()
    return Finding(
        "io_uring",
        "no" if why else "allowed",
        f"{why}; chapter 13 then shows what was recorded"
        if why
        else 'SERVERS["uring"] is there, and chapter 13 is live',
        not why,
        "the kernel makes a server's calls for it, which it hands over in a queue: chapter 13",
    )


def _tracing() -> Finding:
    why = tracing_refusal()
    return Finding(
        "tracing",
        "no" if why else "allowed",
        f"{why}; chapter 13 then shows what was recorded" if why else "strace may look at nginx, Redis and your server",
        not why,
        "one program sees the system calls of another: chapter 13",
    )


def _programs() -> Finding:
    there = [name for name in PROGRAMS if find(name)]
    return Finding(
        "real programs",
        f"{len(there)} of {len(PROGRAMS)}",
        f"{missing(*PROGRAMS)}; chapters 12 and 13 then show what was recorded"
        if len(there) < len(PROGRAMS)
        else f"{', '.join(there[:-1])} and {there[-1]} are here: chapters 12 and 13",
        len(there) == len(PROGRAMS),
        "servers that others wrote, and what looks at them or drives them",
    )


def _epoll_watches() -> list[Finding]:
    watches = limits.proc_numbers("/proc/sys/fs/epoll/max_user_watches", [])
    meaning = "descriptors that all your epolls together may watch"
    term = "epoll waits for thousands of sockets at once, on Linux: chapter 5"
    return [Finding("epoll watches", f"{count:,}", meaning, count >= WANTED, term) for count in watches]
