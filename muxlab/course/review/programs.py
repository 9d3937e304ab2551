"""The article's three servers, in our own words: the answers of three exercises, and what the article does instead.

Each of its bugs is also here by itself, in a server that is sound otherwise. Some of those stand in the museum already,
and are taken from there.
"""

from ..ch02 import polling_echo
from ..ch03 import never_stall
from ..ch06 import edge_echo
from ..ch14 import articles_epoll_server
from ..museum import EXHIBITS
from ..variant import Exhibit, bug, variant

ARTICLES_WORDS = "A server of the article, in our own words."

MISSPELT = (
    "del unsent[conn]\nconn.close()",
    "conn.close()\ndel unsnet[conn]",
)
SWALLOWS = (
    """
    except BlockingIOError:
        pass  # nothing yet, or no room yet: ask again in the next round
    except OSError:
        drop(conn)  # a reset: the end of this client, and of no other
    """,
    "except Exception:\n    pass",
)

PROGRAMS: dict[str, Exhibit] = {
    "polling": bug(polling_echo, "articles_polling_server", ARTICLES_WORDS, MISSPELT, SWALLOWS),
    "select": bug(
        never_stall,
        "articles_select_server",
        ARTICLES_WORDS,
        ("conn.setblocking(False)", "pass  # it stays blocking"),
        (
            "sent = conn.send(unsent[conn])\nunsent[conn] = unsent[conn][sent:]",
            'conn.send(unsent[conn])\nunsent[conn] = b""',
        ),
        (
            """
            except BlockingIOError:
                pass  # no room: the bytes stay in `unsent`, and wait for it
            except OSError:
                drop(conn)
            """,
            """
            except BlockingIOError:
                pass
            """,
        ),
    ),
    "epoll": Exhibit(variant(articles_epoll_server, "articles_epoll_server", ARTICLES_WORDS), edge_echo),
}
"""The servers by their way of waiting, with all bugs that the article's have; what they differ from is repaired."""

ALONE: dict[int, Exhibit] = {
    1: EXHIBITS["buggy_server"],
    2: bug(polling_echo, "swallows_every_error", "It keeps whoever breaks off in the middle of a reply.", SWALLOWS),
    3: Exhibit(polling_echo),
    4: EXHIBITS["dies_of_a_reset"],
    5: EXHIBITS["blocking_sendall"],
    7: bug(
        edge_echo,
        "one_kilobyte_for_each_edge",
        "Of a message of more than 1,024 bytes, the rest comes back when the client says something more.",
        ("conn.recv(65536)", "conn.recv(1024)"),
        ("for piece in range(8):  # and no more: others have their turn, too", "for piece in range(1):"),
        ("unfinished.add(conn.fileno())\n", ""),
    ),
    8: EXHIBITS["burst_server"],
    9: EXHIBITS["drain_loop_on_a_blocking_socket"],
    10: bug(
        edge_echo,
        "compares_the_mask",
        "The connection of a client that breaks off stays open for good.",
        ("with epoll:", "expected = select.EPOLLIN, select.EPOLLOUT, select.EPOLLIN | select.EPOLLOUT\nwith epoll:"),
        ("for fd, mask in epoll.poll(timeout)}", "for fd, mask in epoll.poll(timeout) if mask in expected}"),
    ),
    11: bug(
        edge_echo,
        "keeps_who_has_left",
        "With every client that was ever connected at the same time as others it keeps a closed socket.",
        ("del conns[conn.fileno()], unsent[conn]", "del unsent[conn]"),
    ),
}
"""The bugs by their numbers, each alone in a server that is sound otherwise."""

WITHOUT_EXCEPT = bug(
    polling_echo, "says_what_is_wrong", "The first client that leaves ends it, with a NameError.", MISSPELT
)
"""The first bug without the second, which hides it."""
