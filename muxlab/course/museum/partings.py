"""The wrong ending: these servers serve well and part badly, from one client or from all of them.

What they get wrong is seen by trials that `check` runs only when they are named (muxlab/trials/parting.py): most
servers have no timeout, and hang up when they are stopped.

`stale_server`, which chapter 08 gives to repair, handles an event about a client that is gone as if it were about the
one that now has its number. Real libraries have had that bug (`labels.REAL`).
"""

from ..ch08 import tidy_server
from ..variant import bug

PARTINGS = [
    bug(
        tidy_server,
        "looks_at_the_clock_when_woken",
        "Clients that are silent for too long are closed only when another client sends something.",
        ("for fd, mask in epoll.poll(timeout):", "for fd, mask in epoll.poll():"),
    ),
    bug(
        tidy_server,
        "one_alarm_for_a_lifetime",
        "A client is closed when the timeout has passed since it came, however much it talks.",
        (
            """
            if last_news[conn] + idle > now:
                heapq.heappush(alarms, (last_news[conn] + idle, fd, conn))  # there was news: another alarm
            else:
                drop(conn)
            """,
            "drop(conn)",
        ),
    ),
    bug(
        tidy_server,
        "wakes_the_wrong_one",
        "A client that got the descriptor of one that had left is closed when that one's time is up.",
        (
            """
            if conn not in unsent:
                continue  # it has left
            if last_news[conn] + idle > now:
                heapq.heappush(alarms, (last_news[conn] + idle, fd, conn))  # there was news: another alarm
            else:
                drop(conn)
            """,
            """
            if conn in unsent and last_news[conn] + idle > now:
                heapq.heappush(alarms, (last_news[conn] + idle, fd, conn))  # there was news: another alarm
            elif fd in conns:
                drop(conns[fd])
            """,
        ),
    ),
    bug(
        tidy_server,
        "hangs_up_at_the_end",
        "A client that is still reading its reply when the server is stopped gets only part of it.",
        ("while conns and time.monotonic() < end:", "while False:"),
    ),
    bug(
        tidy_server,
        "closes_over_unread_bytes",
        "When it is stopped, a client that asks faster than it reads gets a reset, and the end of its reply is lost.",
        (
            """
            while conn in unsent and not unsent[conn] and conn not in leaving and time.monotonic() < end:
                take_turn(conn)  # until nothing waits to be read
            """,
            """
            if conn in unsent and not unsent[conn]:
                drop(conn)
            """,
        ),
    ),
    bug(
        tidy_server,
        "waits_for_the_last_reader",
        "When it is told to stop, one client that does not read keeps it from returning.",
        ("end = time.monotonic() + grace", "end = time.monotonic() + 86_400"),
    ),
]
