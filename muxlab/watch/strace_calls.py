"""What a program's system calls mean for a server: the same names, outcomes and words as the tap has for its calls.

    recvfrom(9<TCP:...>, "PING\\r\\n", 16384, 0, NULL, NULL) = 6   →   recv(client 3, 16384) = b'PING\\r\\n'

Clients are numbered in the order in which they are accepted, as the tap does; one that was there before is numbered
when it is first seen. What is neither a wait nor about a socket or an epoll is counted apart, in `others`.

Not handled here: how the lines are read, see `strace.py`; how strace is run, see `tracing.py`.
"""

import re
from collections import Counter, deque
from collections.abc import Callable

from .calls import KEPT, Call, Calls, Summary, summary_text
from .strace import Lines, SystemCall
from .strace_text import (
    Descriptor,
    descriptor,
    events_of,
    first_bytes,
    handed_back_of,
    mask_of,
    mask_words,
    members_of,
    message,
    names_or_count,
    number_of,
    ready_summary,
    seconds_of_milliseconds,
    seconds_of_timespec,
)

Meaning = tuple[str, str, int, Summary, str, int, Summary]
"""What a system call means: its name, whom it is about, the descriptor, the arguments in short; then the outcome, the
amount and the result in short, which are replaced by the error if it failed."""


class TracedCalls:
    """The calls of a traced program, as far as its lines have been read.

    Args:
        name: what a process is called where the lines do not say.
        shift: seconds from the clock of the lines, which counts from 1970, to that of `time.monotonic`.

    Attributes:
        others: counts of the system calls that are neither waits nor about sockets, by name: "openat", "futex".
    """

    def __init__(self, name: str = "process", shift: float = 0.0) -> None:
        self.name, self.shift = name, shift
        self.others: Counter[str] = Counter()
        self._lines = Lines()
        self._counts: Counter[tuple[str, str, str]] = Counter()  # by process, name and outcome
        self._events: deque[tuple[str, Call]] = deque(maxlen=KEPT)  # each with its process
        self._number = 0
        self._processes: dict[int, str] = {}  # the name of each process or thread
        self._same: Counter[str] = Counter()  # how many of them run the same program
        self._who: dict[str, str] = {}  # the name of each socket, by what strace says it is
        self._accepted = 0
        self._outgoing: set[str] = set()  # addresses that the program has connected to
        self._registered: dict[tuple[int, int, str], Descriptor] = {}  # by process, epoll and what it will hand back

    @property
    def calls(self) -> Calls:
        """All calls, in the order in which they returned."""
        calls = Calls()
        for (_, name, outcome), count in self._counts.items():
            calls[name, outcome] += count
        calls.events = [call for _, call in self._events]
        return calls

    @property
    def processes(self) -> dict[str, Calls]:
        """The calls of each process or thread that made any, by name: "nginx", and "nginx 2" for the next."""
        found: dict[str, Calls] = {process: Calls() for process, _, _ in self._counts}
        for calls in found.values():
            calls.events = []
        for (process, name, outcome), count in self._counts.items():
            found[process][name, outcome] += count
        for process, call in self._events:
            found[process].events.append(call)
        return found

    def pids(self) -> list[int]:
        """Return the numbers of the processes and threads that have made one of these calls."""
        return [pid for pid in self._processes if pid]

    @property
    def unread(self) -> int:
        """How many lines could not be understood."""
        return self._lines.unread

    def add_watched(self, pid: int, epoll: int, data: str, watched: Descriptor) -> None:
        """Note whom an epoll of a process watched before the first line, and what it hands back for it."""
        self._registered[pid, epoll, data] = watched
        self._registered.setdefault((0, epoll, data), watched)  # for its other threads

    def feed(self, text: str) -> None:
        """Read more of what strace has printed, in whole lines."""
        for line in text.split("\n"):  # and not splitlines: it cuts at other characters, too
            if call := self._lines.read(line):
                self._note(call)

    def _note(self, call: SystemCall) -> None:
        means = MEANINGS.get(call.name)
        meaning = means(self, call) if means and call.error != "EINTR" else None  # Python's own calls hide EINTR, too
        if meaning is None:
            self.others[call.name] += 1
            return
        process = self._process(call)
        name, who, fd, args, outcome, amount, result = meaning
        if call.error:
            outcome, amount, result = call.error, 0, call.error
        self._number += 1
        self._counts[process, name, outcome] += 1
        began = call.began and call.began + self.shift
        event = Call(self._number, name, who, fd, summary_text(args), outcome, amount, summary_text(result), 0.0, "", 0,
                     began, call.took)  # fmt: skip
        self._events.append((process, event))

    def _process(self, call: SystemCall) -> str:
        if call.pid not in self._processes:
            program = call.program or self.name
            self._same[program] += 1
            number = self._same[program]
            self._processes[call.pid] = program if number == 1 else f"{program} {number}"
        return self._processes[call.pid]

    # ---- names

    def who(self, one: Descriptor) -> str:
        """Return the name of a descriptor: "listener", "client 2", "socket", "epoll", "pipe"; "another" if unknown."""
        if one.is_epoll:
            return "epoll"
        key = one.about or str(one.fd)
        if key not in self._who and "->" in key and one.is_tcp and not self._is_outgoing(one):
            self.name_client(one)  # it was there before the first line
        if key in self._who:
            return self._who[key]
        if one.is_tcp:
            return "listener" if re.search(r"\[.*:\d+\]$", key) and "->" not in key else "socket"
        if not one.about:
            return "another"
        if one.is_socket:
            return "socket"
        kind = re.match(r"anon_inode:\[(\w+)\]|(\w+):", one.about)  # an eventfd; a pipe
        return (kind[1] or kind[2]) if kind else "another"

    def name_client(self, one: Descriptor) -> str:
        """Give a connection the next number, and return its name."""
        self._accepted += 1
        name = self._who[one.about or str(one.fd)] = f"client {self._accepted}"
        return name

    def _is_outgoing(self, one: Descriptor) -> bool:
        return one.about.rpartition("->")[2].rstrip("]") in self._outgoing

    # ---- calls about one socket

    def accept(self, call: SystemCall) -> Meaning:
        """Tell of accept and accept4; the connection gets its name."""
        listener = descriptor(call.arg(0))
        self._who[listener.about or str(listener.fd)] = "listener"
        client = "" if call.error else self.name_client(descriptor(call.result))
        return "accept", "listener", listener.fd, "", "done", 0, client

    def receive(self, call: SystemCall) -> Meaning | None:
        """Tell of a call that reads, if it reads from a socket."""
        sock = descriptor(call.arg(0))
        if not self._is_ours(sock):
            return None
        count = number_of(call.result)
        size = "" if call.name in ("recvmsg", "readv") else call.arg(2)
        data = message(call.arg(1))
        return "recv", self.who(sock), sock.fd, size, "data" if count else "end", count, first_bytes(data, count)

    def send(self, call: SystemCall) -> Meaning | None:
        """Tell of a call that writes, if it writes to a socket."""
        sock = descriptor(call.arg(0))
        if not self._is_ours(sock):
            return None
        count = number_of(call.result)
        data = b"" if call.name == "sendfile" else message(call.arg(1))
        args: Summary = first_bytes(data, count) if data else ""
        return "send", self.who(sock), sock.fd, args, "data" if count else "done", count, count

    def connect(self, call: SystemCall) -> Meaning | None:
        """Tell of connect; from now on, the connection to that address is none of a client."""
        sock = descriptor(call.arg(0))
        if not self._is_ours(sock):
            return None
        address = call.arg(1)
        port, host = re.search(r"htons\((\d+)\)", address), re.search(r'inet_addr\("([\d.]+)"\)', address)
        if port and host:
            self._outgoing.add(f"{host[1]}:{port[1]}")
        return "connect", "socket", sock.fd, "", "done", 0, ""

    def shutdown(self, call: SystemCall) -> Meaning | None:
        """Tell of shutdown."""
        sock = descriptor(call.arg(0))
        if not self._is_ours(sock):
            return None
        return "shutdown", self.who(sock), sock.fd, call.arg(1), "done", 0, ""

    def close(self, call: SystemCall) -> Meaning | None:
        """Tell of close, if it closes a socket or an epoll."""
        one = descriptor(call.arg(0))
        if one.is_epoll:
            return "epoll.close", "epoll", one.fd, "", "done", 0, ""
        if not self._is_ours(one):
            return None
        who = self.who(one)
        self._who.pop(one.about or str(one.fd), None)
        return "close", who, one.fd, "", "done", 0, ""

    def _is_ours(self, one: Descriptor) -> bool:
        """Tell whether a call about this descriptor is drawn: it is a TCP socket, or was accepted or listened to."""
        return one.is_tcp or (one.about or str(one.fd)) in self._who

    # ---- epoll, and waits

    def control(self, call: SystemCall) -> Meaning:
        """Tell of epoll_ctl: register, modify or unregister."""
        epoll, watched = descriptor(call.arg(0)).fd, descriptor(call.arg(2))
        event = call.arg(3)
        kind = call.arg(1).removeprefix("EPOLL_CTL_")
        name = {"ADD": "epoll.register", "MOD": "epoll.modify"}.get(kind, "epoll.unregister")
        found = re.search(r"events=([\w|]+)", event)
        if found is None:
            return name, self.who(watched), watched.fd, "", "done", 0, ""
        data = handed_back_of(event)
        for pid in (call.pid, 0):  # 0: for a wait of another thread
            self._registered[pid, epoll, data] = watched
        return name, self.who(watched), watched.fd, mask_words(found[1]), "done", 0, ""

    def epoll_wait(self, call: SystemCall) -> Meaning:
        """Tell of epoll_wait, epoll_pwait and epoll_pwait2."""
        epoll, count = descriptor(call.arg(0)), number_of(call.result)
        ready = []
        for event, mask in events_of(call.arg(1), "events"):
            data = handed_back_of(event)
            found = self._registered.get((call.pid, epoll.fd, data)) or self._registered.get((0, epoll.fd, data))
            ready.append((self.who(found) if found else "another", mask_of(mask)))
        wait = call.arg(3)
        seconds = seconds_of_timespec(wait) if call.name == "epoll_pwait2" else seconds_of_milliseconds(wait)
        summary = ready_summary(ready, count)
        return "epoll.poll", "epoll", epoll.fd, seconds, "ready" if count else "timeout", count, summary

    def poll(self, call: SystemCall) -> Meaning:
        """Tell of poll and ppoll."""
        asked = {one.fd: one for one in map(descriptor, re.findall(r"fd=(-?\d+(?:<(?:->|[^<>])*>)?)", call.arg(0)))}
        count, ready = number_of(call.result), []
        for event, mask in events_of(call.result, "revents"):
            found = re.search(r"fd=(-?\d{1,10})", event)
            one = asked.get(int(found[1])) if found else None
            ready.append((self.who(one) if one else "another", mask_of(mask)))
        wait = call.arg(2)
        seconds = seconds_of_timespec(wait) if call.name == "ppoll" else seconds_of_milliseconds(wait)
        return "poll.poll", "", -1, seconds, "ready" if count else "timeout", count, ready_summary(ready, count)

    def select(self, call: SystemCall) -> Meaning:
        """Tell of select and pselect6."""
        sets = [[descriptor(one) for one in members_of(call.arg(place))] for place in (1, 2, 3)]
        asked = {one.fd: one for members in sets for one in members}
        args: list = [names_or_count([self.who(one) for one in members]) for members in sets]
        args += [seconds] if (seconds := seconds_of_timespec(call.arg(4))) else []
        ready: list = []
        for label in ("in", "out", "except"):
            found = re.search(rf"\b{label} (\[[^\]]*\])", call.result)
            numbers = [descriptor(one).fd for one in members_of(found[1])] if found else []
            ready.append(names_or_count([self.who(asked[fd]) if fd in asked else "another" for fd in numbers]))
        count = number_of(call.result)
        return "select.select", "", -1, args, "ready" if count else "timeout", count, ready

    def sleep(self, call: SystemCall) -> Meaning:
        """Tell of nanosleep and clock_nanosleep."""
        return "time.sleep", "", -1, seconds_of_timespec(call.arg(0 if call.name == "nanosleep" else 2)), "done", 0, ""


MEANINGS: dict[str, Callable[[TracedCalls, SystemCall], Meaning | None]] = {
    **dict.fromkeys(("accept", "accept4"), TracedCalls.accept),
    **dict.fromkeys(("recvfrom", "recvmsg", "read", "readv"), TracedCalls.receive),
    **dict.fromkeys(("sendto", "sendmsg", "write", "writev", "sendfile"), TracedCalls.send),
    "connect": TracedCalls.connect,
    "shutdown": TracedCalls.shutdown,
    "close": TracedCalls.close,
    "epoll_ctl": TracedCalls.control,
    **dict.fromkeys(("epoll_wait", "epoll_pwait", "epoll_pwait2"), TracedCalls.epoll_wait),
    **dict.fromkeys(("poll", "ppoll"), TracedCalls.poll),
    **dict.fromkeys(("select", "pselect6"), TracedCalls.select),
    **dict.fromkeys(("nanosleep", "clock_nanosleep"), TracedCalls.sleep),
}
"""For each system call that a timeline draws, what tells its meaning."""
