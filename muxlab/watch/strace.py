"""The lines that strace prints, one by one: each system call with its arguments, its result and its time.

    6641<nginx> 1764207333.505 recvfrom(4<TCP:[127.0.0.1:80->127.0.0.1:41226]>, "GET "..., 1024, 0, NULL, NULL) = 27

Lines are read whether or not they name the process and its program (`-f`, `--decode-pids=comm`), when (`-ttt`), how
long (`-T`) and what the descriptors are (`-yy`). A call that strace printed in two pieces, because another thread came
in between, is put together again. What is no call (signals, exits, strace's own remarks) is told apart.
Source: strace(1).

Not handled here: what an argument says, see `strace_text.py`; what a call means for a server, see `strace_calls.py`.
"""

import re
from typing import NamedTuple

from .strace_text import arguments

CALL = re.compile(
    r"(?:(?:\[pid +)?(?P<pid>\d{1,10})(?:<(?P<program>.*?)>)?\]? +)?"  # which process, and what it runs
    r"(?:(?P<time>\d+\.\d+) )?"  # when, in seconds since 1970
    r"(?P<rest>.*)",
    re.S,
)
WHOLE = re.compile(r"(?P<name>\w+)\((?P<args>.*)\) += (?P<result>.*)", re.S)
BEGUN = re.compile(r"(?P<name>\w+)\((?P<args>.*?),? *<unfinished \.\.\.>")
RESUMED = re.compile(r"<\.\.\. (?P<name>\w+) resumed>,? *(?P<rest>.*)", re.S)
TOOK = re.compile(r" <(\d+\.\d+)>$")
REMARK = re.compile(r"---|\+\+\+|strace: |#|$")


class SystemCall(NamedTuple):
    """One system call.

    Attributes:
        pid: the process or thread that made it; 0 if the line does not say.
        program: the name of what it runs, "nginx"; "" if the line does not say.
        began: when, in seconds since 1970; 0.0 if the line does not say.
        name: "accept4".
        args: its arguments, as printed.
        result: what it returned, as printed: "27", "1 ([{fd=3, revents=POLLIN}])"; "" if it failed.
        error: why it failed: "EAGAIN"; or "".
        took: the seconds until it returned; 0.0 if the line does not say.
    """

    pid: int
    program: str
    began: float
    name: str
    args: list[str]
    result: str
    error: str
    took: float

    def arg(self, place: int) -> str:
        """Return an argument, or "" if there are not as many."""
        return self.args[place] if place < len(self.args) else ""


class Lines:
    """The reader of lines, which remembers the calls that have begun and not returned.

    Attributes:
        begun: for each process or thread in such a call: when it began, its name, and its arguments so far.
        unread: how many lines could not be understood.
    """

    def __init__(self) -> None:
        self.begun: dict[int, tuple[float, str, str]] = {}
        self.unread = 0

    def read(self, line: str) -> SystemCall | None:
        """Return the call that this line completes, or None if it completes none."""
        found = CALL.fullmatch(line.rstrip("\n"))
        assert found is not None, "every part of it may be missing"
        pid, program, began = int(found["pid"] or 0), found["program"] or "", float(found["time"] or 0)
        rest = found["rest"]
        if REMARK.match(rest) or rest.endswith("<detached ...>"):  # strace has left, in the middle of a call
            if rest.startswith("+++"):  # the process has ended, perhaps in the middle of a call
                self.begun.pop(pid, None)
            return None
        if begun := BEGUN.fullmatch(rest):
            self.begun[pid] = began, begun["name"], begun["args"]
            return None
        if resumed := RESUMED.fullmatch(rest):
            name = resumed["name"]
            earlier, begun_name, args = self.begun.pop(pid, (0.0, "", ""))
            if begun_name != name:  # it began before the first line
                return None
            separator = ", " if args and not resumed["rest"].startswith(")") else ""
            began, rest = earlier, f"{name}({args}{separator}{resumed['rest']}"
        whole = WHOLE.fullmatch(rest)
        if whole is None:
            self.unread += 1
            return None
        return _system_call(pid, program, began, whole)


def _system_call(pid: int, program: str, began: float, whole: re.Match[str]) -> SystemCall | None:
    result, took = whole["result"], 0.0
    if timed := TOOK.search(result):
        result, took = result[: timed.start()], float(timed[1])
    if result.startswith("?"):  # it did not return: it will be made again after a signal, or the process has ended
        return None
    error = ""
    if failed := re.match(r"-1 (E\w+)", result):
        result, error = "", failed[1]
    return SystemCall(pid, program, began, whole["name"], arguments(whole["args"]), result, error, took)
