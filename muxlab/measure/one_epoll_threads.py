"""The threads of `one_epoll`, as a program: python one_epoll_threads.py MASK THREADS REARM CALLS

CALLS are the numbers of the system calls that wait in an epoll, with commas between them: they depend on the processor.
The main thread is the client, and decides which thread may go on; it prints what it has counted as one line of JSON.
"""

import fcntl
import json
import os
import select
import signal
import socket
import sys
import termios
import threading
import time

SIZE = 4
"""Bytes of a message, which a thread reads at once: "one " and "two "."""

LOOK_AGAIN = 0.0005
"""Seconds between two looks at the kernel's tables, while a thread is neither asleep nor at its gate."""

LONGEST = 60
"""Seconds after which the kernel ends this process, whatever it does then: alarm(2)."""

PATIENCE = 20.0
"""Seconds that a thread has for its next step; it takes some thousandths of one."""


class Team:
    """The threads, and what they share: the epoll, the connection, and the list of those that have it in hand.

    Attributes:
        in_hand: the threads that had an event and have not replied yet, in the order in which they woke.
    """

    def __init__(self, mask: int, threads: int, rearm: bool, calls: set[int]) -> None:
        self.mask, self.rearm, self.calls = mask, rearm, calls
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.client = socket.create_connection(listener.getsockname(), timeout=PATIENCE)
            self.conn, _ = listener.accept()
        self.conn.setblocking(False)
        self.client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.epoll = select.epoll()
        self.epoll.register(self.conn, mask)
        self.bell, self._ringer = os.pipe()  # readable when the threads have to end: it wakes them all
        self.epoll.register(self.bell, select.EPOLLIN)
        self.in_hand: list[Member] = []
        self.members = [Member(self) for _ in range(threads)]
        for member in self.members:
            member.start()

    def settle(self) -> None:
        """Wait until each thread either has the connection in hand or is asleep in the epoll."""
        while not all(member in self.in_hand or member.sleeps() for member in self.members):
            time.sleep(LOOK_AGAIN)

    def say(self, message: bytes) -> None:
        """Send a message as the client; wait until it has arrived, and until all that it wakes have woken."""
        before = waiting(self.conn)
        self.client.sendall(message)
        while waiting(self.conn) == before:
            time.sleep(LOOK_AGAIN)
        self.settle()

    def end(self) -> None:
        """Wake the threads, and wait until they have ended."""
        os.write(self._ringer, b"!")
        for member in self.members:
            member.join()
        for thing in (self.client, self.conn, self.epoll):
            thing.close()
        os.close(self.bell)
        os.close(self._ringer)


class Member(threading.Thread):
    """A thread of the team. It stops at a gate before it reads, and at another before it replies.

    Attributes:
        has_read: whether it has passed the first gate since it woke.
        found_nothing: how often there was nothing to read.
    """

    def __init__(self, team: Team) -> None:
        super().__init__(daemon=True)
        self.team = team
        self.has_read = False
        self.found_nothing = 0
        self._may_go_on, self._has_done_so = threading.Semaphore(0), threading.Semaphore(0)

    def run(self) -> None:
        """Wait in the epoll that all share, and serve the connection."""
        team = self.team
        while True:
            events = dict(team.epoll.poll())
            if team.bell in events:
                return
            team.in_hand.append(self)
            self._may_go_on.acquire()
            try:
                message = team.conn.recv(SIZE)
            except BlockingIOError:  # another thread has read it
                message = b""
                self.found_nothing += 1
            self.has_read = True
            self._has_done_so.release()
            self._may_go_on.acquire()
            team.conn.sendall(message)
            self.has_read = False
            team.in_hand.remove(self)
            if team.rearm and team.mask & select.EPOLLONESHOT:
                team.epoll.modify(team.conn, team.mask)
            self._has_done_so.release()

    def sleeps(self) -> bool:
        """Tell whether it is asleep in the epoll. Source: /proc/[pid]/task/[tid]/syscall, proc(5)."""
        try:
            with open(f"/proc/self/task/{self.native_id}/syscall") as file:
                word = file.read().split()[0]
        except OSError:  # it has just been started
            return False
        return word.isdigit() and int(word) in self.team.calls

    def step(self) -> None:
        """Let it pass its next gate, and wait until it has done what comes after it."""
        self._may_go_on.release()
        if not self._has_done_so.acquire(timeout=PATIENCE):
            raise TimeoutError(f"a thread has not taken its next step within {PATIENCE:g} s")


def count(team: Team) -> dict[str, object]:
    """Let the two messages come, and the threads serve them; return what was counted."""
    team.settle()
    team.say(b"one ")
    team.in_hand[0].step()  # it reads, and works on what it has read
    team.say(b"two ")
    at_once = len(team.in_hand)
    while team.in_hand:
        quickest = team.in_hand[-1]
        if not quickest.has_read:
            quickest.step()
        quickest.step()
        team.settle()
    unread = waiting(team.conn)
    replies = b""
    while len(replies) < 2 * SIZE - unread:
        replies += team.client.recv(2 * SIZE)
    for_nothing = sum(member.found_nothing for member in team.members)
    return {"at_once": at_once, "for_nothing": for_nothing, "replies": replies.decode().split(), "unread": unread}


def waiting(conn: socket.socket) -> int:
    """Return how many bytes a socket's receive queue holds: FIONREAD, tcp(7)."""
    return int.from_bytes(fcntl.ioctl(conn, termios.FIONREAD, bytes(4)), sys.byteorder)


def main() -> None:
    """Do what the command line asks for."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(LONGEST)
    mask, threads, rearm = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "1"
    team = Team(mask, threads, rearm, {int(number) for number in sys.argv[4].split(",")})
    print(json.dumps(count(team)))
    team.end()


if __name__ == "__main__":
    main()
