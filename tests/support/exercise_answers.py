"""Wrong answers to the exercises, as learners write them: variants of the solution, or of the server to repair.

WRONG has them by exercise, each with a trial that it fails. A checker that lets one of them pass is broken.
"""

from collections.abc import Callable

import muxlab
from muxlab.course import EXERCISES
from muxlab.course.variant import variant

WRONG: dict[str, list[tuple[Callable, str]]] = {}

SOLVED = {name: found.functions for name, found in EXERCISES.items()}
BROKEN = {name: found.broken for name, found in EXERCISES.items() if found.broken}
STARTS = {name: found.start for name, found in EXERCISES.items() if found.start}


def wrong(exercise: str, trial: str, name: str, mistake: str, *changes: tuple[str, str], base=None) -> None:
    """Note down a variant of the solution, or of `base`, that fails this trial."""
    add(exercise, trial, variant(base or SOLVED[exercise], name, mistake, *changes))


def add(exercise: str, trial: str, fn: Callable) -> None:
    """Note down a server that fails this trial."""
    WRONG.setdefault(exercise, []).append((fn, trial))


# fmt: off
# ---- 01

wrong("cut-short", "returns 4 MiB whole to a client that reads late", "sends_it_all_again",
    "Sends until the whole length has gone, and begins at the first byte each time.",
    ("conn.sendall(data)", "sent = 0\nwhile sent < len(data):\n    sent += conn.send(data)"))
wrong("cut-short", "returns 4 MiB whole to a client that reads late", "hangs_up_on_the_slow",
    "Hangs up on a client whose answer does not fit.",
    ("conn.sendall(data)", "if conn.send(data) < len(data):\n    break"))
wrong("cut-short", "returns 4 MiB whole to a client that reads late", "patience_of_a_moment",
    "sendall, and a timeout so short that a client that reads late is dropped.",
    ("conn.settimeout(30)  # a client that is silent for half a minute is dropped", "conn.settimeout(0.01)"))
wrong("cut-short", "echoes one message", "answers_at_the_end",
    "Collects what the client says, and answers when it has sent its last byte.",
    ("while data := conn.recv(1_000_000):\n    conn.sendall(data)",
     'said = b""\nwhile data := conn.recv(1_000_000):\n    said += data\nconn.sendall(said)'))

THREAD = "threading.Thread(target=talk, args=[conn]).start()"

wrong("thread-for-each", "is not held up by a silent client", "talk_is_called",
    "Calls talk, and makes a thread of what it returns.",
    (THREAD, "threading.Thread(target=talk(conn)).start()"))
wrong("thread-for-each", "is not held up by a silent client", "waits_for_its_thread",
    "Waits for each thread as soon as it has been started.",
    (THREAD, "thread = threading.Thread(target=talk, args=[conn])\nthread.start()\nthread.join()"))
wrong("thread-for-each", "serves 64 clients in turn", "one_name_for_all",
    "All threads share one variable, which holds the latest client.",
    ("def talk(conn):", "def talk():"),
    ("conns.discard(conn)\nconn.close()\n", ""),
    (THREAD, "threading.Thread(target=talk).start()"))
wrong("thread-for-each", "returns when told to stop", "nobody_wakes_it",
    "Looks at stop between two clients, and sleeps in accept until the next one comes.",
    ("waker = threading.Thread(target=wake)\nwaker.start()\n", ""),
    ("waker.join()  # the listener is not ours any more once we have returned\n", ""))
wrong("thread-for-each", "returns when told to stop", "waits_for_sleepers",
    "Waits for threads that are asleep in recv, and that nobody wakes.",
    ("conns = set()  # those whose clients are here", "conns = set()\nthreads = []"),
    (THREAD, "threads.append(threading.Thread(target=talk, args=[conn]))\nthreads[-1].start()"),
    (
        """
        for conn in list(conns):
            with contextlib.suppress(OSError):  # it has just left by itself
                conn.shutdown(socket.SHUT_RDWR)  # its thread wakes up, and closes it
        """,
        """
        for thread in threads:
            thread.join()
        """,
    ))
wrong("thread-for-each", "forgets clients that left", "keeps_their_sockets",
    "The sockets of clients that have left stay open, in the set.",
    ("conns.discard(conn)\nconn.close()\n", ""))
wrong("thread-for-each", "lives with a client that never reads", "one_lock_for_all",
    "A lock around sendall, lest two threads send at once: one client that does not read holds up all.",
    ("conns = set()  # those whose clients are here", "conns = set()\nlock = threading.Lock()"),
    ("conn.sendall(data)", "with lock:\n    conn.sendall(data)"))

# ---- 02

ROOM = "except BlockingIOError:\n    pass  # nothing yet, or no room yet: ask again in the next round"
ENDED = 'drop(conn)  # b"": the client has sent its last byte, and is owed nothing'
SEND = "sent = conn.send(unsent[conn])\nunsent[conn] = unsent[conn][sent:]"

wrong("polling-echo", "forgets clients that left", "forgets_the_end",
    'b"" is sent back like any other bytes, and the client stays in the list.',
    (ENDED, "flush(conn)"))
wrong("polling-echo", "is not held up by a silent client", "clients_still_block",
    "Only the listener was made nonblocking.",
    ("conn.setblocking(False)  # not inherited from the listener\nunsent", "unsent"))
wrong("polling-echo", "survives a reset between messages", "dies_of_a_reset",
    'Catches "nothing yet", and no other error.',
    (f"{ROOM}\nexcept OSError:\n    drop(conn)  # a reset: the end of this client, and of no other", ROOM))
wrong("polling-echo", "returns 4 MiB whole to a client that reads late", "drops_what_send_left",
    "The third version of the chapter: send may take a part.",
    (SEND, 'data, unsent[conn] = unsent[conn], b""\nconn.send(data)'))
add("polling-echo", "serves 64 clients in turn", muxlab.museum.EXHIBITS["one_at_a_time"].fn)
wrong("polling-echo", "lives with a client that never reads", "piles_up",
    "Reads on from a client that does not read: its replies fill the memory.",
    (
        """
        unsent[conn] = conn.recv(65536)
        if unsent[conn]:
            flush(conn)
        else:
        """,
        """
        data = conn.recv(65536)
        unsent[conn] += data
        if data:
            flush(conn)
        else:
        """,
    ),
    (
        """
        if unsent[conn]:
            flush(conn)  # read nothing more from this client until the rest has gone
        else:
            read_some(conn)
        """,
        "read_some(conn)",
    ))

RESET = "except OSError:  # a reset: this client's end\n    clients.remove(conn)\n    conn.close()"
NOTHING_YET = "except BlockingIOError:  # nothing yet\n    pass"
NO_RESET = (f"{NOTHING_YET}\n{RESET}", NOTHING_YET)

wrong("misspelt", "forgets clients that left", "name_mended_but_not_closed",
    "The right name, and the line below is gone: the socket goes into a list and stays open.",
    ("clients = []", "clients, left = [], []"),
    ("cleints.remove(conn)\nconn.close()", "clients.remove(conn)\nleft.append(conn)"),
    base=BROKEN["misspelt"])
wrong("misspelt", "forgets clients that left", "excepts_narrowed_and_name_left",
    "Nothing is hidden any more, and the name is still wrong.",
    ("else:\n    clients.remove(conn)", "else:\n    cleints.remove(conn)"), NO_RESET)
wrong("misspelt", "echoes one message", "no_excepts",
    'Without any except, "nothing yet" ends the server.',
    ("except BlockingIOError:  # nobody is waiting, and nothing else", "finally:"))
wrong("misspelt", "survives a reset between messages", "name_mended_and_resets_forgotten",
    "A reset raises out of the loop now.",
    NO_RESET)
wrong("misspelt", "forgets clients that left", "closed_but_still_asked",
    "Close comes first now, and the misspelt name after it: no descriptor stays open, and the list still grows.",
    ("cleints.remove(conn)\nconn.close()", "conn.close()\ncleints.remove(conn)"),
    base=BROKEN["misspelt"])

# ---- 03

SENDALL = (SEND, 'conn.sendall(unsent[conn])\nunsent[conn] = b""')

wrong("never-stall", "lives with a client that never reads", "waits_in_sendall",
    "The tutorials' server: sendall on a blocking socket.",
    ("conn.setblocking(False)\nunsent", "unsent"), SENDALL)
wrong("never-stall", "returns 4 MiB whole to a client that reads late", "sendall_without_blocking",
    "sendall on a nonblocking socket takes a part and raises, and it does not tell how much it took.",
    SENDALL)
wrong("never-stall", "sleeps when nobody talks", "always_asks_for_writing",
    "Every client is in the second list: select returns at once, every time.",
    ("writing = [conn for conn in unsent if unsent[conn]]", "writing = list(unsent)"),
    ("for sock in readable + writable:", "for sock in {*readable, *writable}:"))
wrong("never-stall", "lives with a client that never reads", "reads_on",
    "Keeps the rest, and goes on reading from a client that does not read: no backpressure.",
    ("reading = [conn for conn in unsent if not unsent[conn]]", "reading = list(unsent)"),
    (
        """
        unsent[conn] = conn.recv(65536)
        if unsent[conn]:
            flush(conn)
        """,
        """
        data = conn.recv(65536)
        unsent[conn] += data
        if data:
            flush(conn)
        """,
    ),
    ("if unsent[conn]:\n    flush(conn)\nelse:\n    read_some(conn)", "read_some(conn)"))
wrong("never-stall", "waits for room when there is none", "no_room_is_an_end",
    "BlockingIOError is an OSError: a client whose queue is full is thrown out.",
    ("except BlockingIOError:\n    pass  # no room: the bytes stay in `unsent`, and wait for it\nexcept OSError:",
     "except OSError:"))

LEAVE = "socks.remove(sock)\nsock.close()"

wrong("restless", "sleeps when nobody talks", "closed_and_still_in_the_list",
    "select is handed a closed socket.",
    (LEAVE, "sock.close()"))
wrong("restless", "forgets clients that left", "naps",
    "The symptom is gone, not its cause: the clients are never closed.",
    ("readable, _, _ = select", "select.select([], [], [], 0.01)\nreadable, _, _ = select"), (LEAVE, "pass"))
wrong("restless", "forgets clients that left", "out_of_the_list_and_kept",
    "Quiet, and every client that ever came keeps its descriptor.",
    ("socks = [stop, listener]", "socks, gone = [stop, listener], []"),
    (LEAVE, "socks.remove(sock)\ngone.append(sock)"))
wrong("restless", "sleeps when nobody talks", "stops_at_the_first_end",
    "`return` instead of letting one client go.",
    (LEAVE, "return"))
wrong("restless", "survives a reset between messages", "dies_of_the_next_reset",
    "The missing branch, and nothing for a reset.",
    (
        """
        try:
            data = sock.recv(1024)
        except OSError:  # a reset
            data = b""
        """,
        "data = sock.recv(1024)",
    ))

# ---- 04

wrong("poll-echo", "sleeps when nobody talks", "never_unregisters",
    "epoll forgets a closed descriptor, and poll does not: POLLNVAL, again and again.",
    ("poll.unregister(conn)", "pass"))
wrong("poll-echo", "sleeps while a client does not read", "never_modifies",
    "Always POLLIN: while a client does not read, its bytes wake the server, which may not take them.",
    ("poll.modify(conn, select.POLLOUT if unsent[conn] else select.POLLIN)", "pass"))
wrong("poll-echo", "survives a reset between messages", "equals_pollin",
    "The article's test of the mask: a reset is never looked at.",
    ("elif fd in conns:", "elif fd in conns and mask in (select.POLLIN, select.POLLOUT):"))
add("poll-echo", "waits with poll.poll", SOLVED["never-stall"][0])

LEAVE = "poll.unregister(fd)\nconns.pop(fd).close()"

wrong("ghost", "sleeps when nobody talks", "watched_for_nothing",
    "POLLNVAL comes without being asked for.",
    (LEAVE, "poll.modify(fd, 0)\nconns.pop(fd).close()"))
wrong("ghost", "forgets clients that left", "unregistered_and_kept",
    "Quiet, and the socket stays open.",
    (LEAVE, "poll.unregister(fd)"))
wrong("ghost", "sleeps when nobody talks", "unregistered_after_close",
    "A closed socket has no number any more: unregister(conn) raises.",
    (LEAVE, "conn = conns.pop(fd)\nconn.close()\npoll.unregister(conn)"))

# ---- 05

MODIFY = "if wanted != watched[conn]:  # tell epoll only what changes\n    epoll.modify(conn, wanted)"

wrong("epoll-echo", "sleeps when nobody talks", "always_out",
    "Watches every client for EPOLLOUT all the time.",
    ("epoll.register(conn, select.EPOLLIN)", "epoll.register(conn, select.EPOLLIN | select.EPOLLOUT)"),
    (MODIFY, "if False:\n    pass"))
wrong("epoll-echo", "survives clients that connect and leave", "unregisters_after_close",
    "A closed socket has no number any more: unregister(conn) raises.",
    ("epoll.unregister(conn)", "pass"),
    ("watched[conn]\nconn.close()", "watched[conn]\nconn.close()\nepoll.unregister(conn)"))
wrong("epoll-echo", "survives a reset between messages", "tutorial",
    "The server that it starts from, with one line more: a reset kills it, and sendall waits.",
    ("conn, address = listener.accept()", "conn, address = listener.accept()\nconn.setblocking(True)"),
    base=STARTS["epoll-echo"])
wrong("epoll-echo", "returns 4 MiB whole to a client that reads late", "never_back_to_reading",
    "modify to EPOLLOUT, and never back: a client that was slow once is not heard again.",
    ("echo(conn)\nif conn", "if mask & select.EPOLLIN or unsent[conn]:\n    echo(conn)\nif conn"),
    (MODIFY, "if unsent[conn]:\n    epoll.modify(conn, wanted)"))
add("epoll-echo", "waits with epoll.poll", SOLVED["never-stall"][0])

LOOK = "elif events == select.EPOLLIN and fd in conns:"
TROUBLE = "events & (select.EPOLLERR | select.EPOLLHUP)"

for name, mistake, look in [
    ("tests_one_bit", "The mask is tested rightly, and then recv raises.",
     "elif events & select.EPOLLIN and fd in conns:"),
    ("leaves_errors_alone", "Clients in trouble are skipped, and reported again at once.",
     f"elif fd in conns and not {TROUBLE}:"),
    ("unregisters_and_keeps", "Quiet now, and the client's descriptor is never given back.",
     f"elif {TROUBLE}:\n    epoll.unregister(fd)\nelif fd in conns:"),
    ("closes_then_unregisters", "A reset is noticed, and unregister comes too late.",
     f"elif {TROUBLE}:\n    conns.pop(fd).close()\n    epoll.unregister(fd)\nelif fd in conns:"),
]:
    wrong("picky", "survives a reset between messages", name, mistake, (LOOK, look), base=BROKEN["picky"])

# ---- 06

wrong("edge-echo", "takes messages that come glued together", "one_recv_for_each_edge",
    "The article's server: no edge comes for what one recv leaves.",
    ("for piece in range(8):", "for piece in range(1):"), ("recv(65536)", "recv(4096)"),
    ("unfinished.add(conn.fileno())", "pass"))
wrong("edge-echo", "is not held up by a silent client", "drains_blocking_sockets",
    "The last recv of the drain loop waits, and the server with it.",
    ("conn.setblocking(False)\nconns", "conns"))
add("edge-echo", "is told of edges", SOLVED["epoll-echo"][0])
wrong("edge-echo", "returns 4 MiB whole to a client that reads late", "never_asks_for_out",
    "Without EPOLLOUT no edge comes when there is room again.",
    ("select.EPOLLIN | select.EPOLLOUT | select.EPOLLET", "select.EPOLLIN | select.EPOLLET"))
wrong("edge-echo", "accepts a burst of 300", "one_accept_for_each_edge",
    "The listener is edge-triggered as well, and one accept is made for each edge.",
    ("while True:\n    try:", "for once in range(1):\n    try:"))

wrong("one-accept", "echoes one message", "accepts_on_a_blocking_listener",
    "`while True: accept` waits for a client that is not coming.",
    ("listener.setblocking(False)\nconns", "conns"))
wrong("one-accept", "accepts a burst of 300", "accepts_twenty",
    "Twenty for each edge, and a crowd may be larger.",
    ("while True:", "for _ in range(20):"))
wrong("one-accept", "echoes one message", "an_empty_queue_is_an_error",
    "The BlockingIOError at the end of the queue is not expected.",
    ("except BlockingIOError:\n    break\nconn", "finally:\n    pass\nconn"))
wrong("one-accept", "serves 64 clients in turn", "answers_only_at_the_door",
    "Each client is read from once, when it is accepted, and then forgotten.",
    ("conns[conn.fileno()] = conn", "try:\n    conn.send(conn.recv(1024))\nexcept OSError:\n    pass"))

# ---- 07

WATCH = "epoll.modify(conn, select.EPOLLOUT if unsent[conn] else select.EPOLLIN)"

wrong("impatient", "sleeps again after a long reply", "asks_for_both",
    "Watches every client for both, always: a socket with room in its queue is an event without end.",
    (WATCH, "epoll.modify(conn, select.EPOLLIN | select.EPOLLOUT)"))
wrong("impatient", "returns 4 MiB whole to a client that reads late", "waits_and_is_not_told",
    "No time limit any more, and nobody to tell when there is room.",
    (WATCH, "epoll.modify(conn, 0 if unsent[conn] else select.EPOLLIN)"))
wrong("impatient", "sleeps again after a long reply", "never_disarmed",
    "Once a client was slow, it is watched for room, also when there is nothing left to send.",
    (WATCH, "if unsent[conn]:\n    epoll.modify(conn, select.EPOLLOUT)"))
wrong("impatient", "sleeps until there is room", "told_and_impatient",
    "EPOLLOUT is asked for, and the time limit has stayed.",
    ("modify(conn, 0 if", "modify(conn, select.EPOLLOUT if"),
    base=BROKEN["impatient"])

READ, LIMIT = "if mask & select.EPOLLIN:", "if len(unsent[conn]) > high:"

wrong("high-water", "lives with a client that never reads", "one_mark_for_all",
    "The mark is compared with what all clients together have not read: one of them stops everybody.",
    (LIMIT, "if sum(map(len, unsent.values())) > high:"))
wrong("high-water", "holds at most 1 MiB for a client that never reads", "mark_in_the_clouds",
    "There is a mark, and a thousand clients may cost four gigabytes.",
    ("high, low = 65536,", "high, low = 2**22,"))
wrong("high-water", "returns 4 MiB whole to a client that reads late", "stops_for_good",
    "A client that was above the mark is never read from again.",
    ("elif len(unsent[conn]) <= low:\n    paused.discard(conn)", ""))
wrong("high-water", "sleeps while a client does not read", "told_and_not_listening",
    "It reads no more above the mark, and is still told that it could.",
    (READ, "if mask & select.EPOLLIN and conn not in paused:"),
    ("conn not in ended and conn not in paused", "conn not in ended"))
wrong("high-water", "returns 4 MiB whole to a client that reads late", "pours_away",
    "What is above the mark is thrown away.",
    ("unsent[conn] += data", "unsent[conn] = (unsent[conn] + data)[:high]"))
wrong("high-water", "answers a client that half-closes after asking", "leaves_at_the_last_byte",
    "At the end of file the client is dropped, with all that it was still to get.",
    ("if conn in ended and not unsent[conn]:", "if conn in ended:"))

# ---- 08

EVENT = "lets nobody pay for another's event"

wrong("stale", EVENT, "never_closes",
    "No number is ever used again, as no socket is ever closed.",
    ("while gone:\n    gone.pop().close()", ""))
wrong("stale", EVENT, "closes_before_it_accepts",
    "The right idea, and then it makes room a little too early.",
    ("conn, address = listener.accept()", "while gone:\n    gone.pop().close()\nconn, address = listener.accept()"))
wrong("stale", EVENT, "looks_up_who_has_the_number",
    "Whoever has the number is there, and is taken for the one of the event.",
    ("elif fd in conns and mask & select.EPOLLHUP:", "elif mask & select.EPOLLHUP and conns.get(fd) is not None:"),
    base=BROKEN["stale"])
wrong("stale", EVENT, "waits_for_the_newcomer",
    "No mask is believed any more, and recv waits until the newcomer speaks.",
    ("conn.setblocking(False)", "conn.setblocking(True)"),
    ("elif fd in conns and mask & select.EPOLLHUP:\n    drop(fd)  # broken off: nobody is left to answer\n", ""),
    base=BROKEN["stale"])
wrong("stale", "survives a reset between messages", "does_not_look_at_the_broken",
    "Nobody is thrown out any more, and who has broken off stays.",
    ("    drop(fd)  # broken off: nobody is left to answer", "    pass"),
    base=BROKEN["stale"])
wrong("stale", EVENT, "turns_newcomers_away",
    "There is room for so many, and the next one is the one to go.",
    ("drop(next(iter(conns)))  # the oldest client makes room", "listener.accept()[0].close()\nreturn"))

for name, trial in [
    ("looks_at_the_clock_when_woken", "closes clients that are silent for too long"),
    ("one_alarm_for_a_lifetime", "keeps a client that is slow and alive"),
    ("wakes_the_wrong_one", "closes nobody before the timeout"),
    ("closes_over_unread_bytes", "loses no byte when it is stopped"),
    ("waits_for_the_last_reader", "stops in time though a client does not read"),
]:
    add("tidy", trial, muxlab.museum.EXHIBITS[name].fn)
wrong("tidy", "forgets clients that left", "keeps_old_alarms",
    "An alarm of a client that has left stays in the heap until its time comes, and the client with it.",
    (
        """
        if len(alarms) > 2 * len(conns) + 10:  # most of them are of clients that have left
            alarms[:] = [alarm for alarm in alarms if alarm[2] in unsent]
            heapq.heapify(alarms)
        """,
        "",
    ))
wrong("tidy", "loses no byte when it is stopped", "leaves_the_door_open",
    "While it says goodbye, newcomers go on connecting, and nobody will ever accept them.",
    ("listener.close()  # newcomers are refused\n", ""))
wrong("tidy", "loses no byte when it is stopped", "says_nothing_at_the_end",
    "All is answered, and then every client waits until the grace is over.",
    ("conn.shutdown(socket.SHUT_WR)  # and", "pass  # and"))
wrong("tidy", "sleeps beside silent clients", "watches_the_clock",
    "It never sleeps, so as not to miss an alarm.",
    ("timeout = ring()", "ring()\ntimeout = 0"))
add("tidy", "closes clients that are silent for too long", SOLVED["epoll-echo"][0])

# ---- 09

LACK = "lives through a lack of descriptors"
REST = "epoll.modify(listener, 0)\nrest_until = time.monotonic() + 0.1"

wrong("crowded", LACK, "shut_forever", "Quiet, and no client is let in any more.", (REST, "epoll.modify(listener, 0)"))
wrong("crowded", LACK, "shut_until_a_client_leaves",
    "Descriptors come back in other ways, too.",
    (REST, "epoll.modify(listener, 0)"),
    ("epoll.unregister(conn)", "epoll.unregister(conn)\nepoll.modify(listener, select.EPOLLIN)"))
wrong("crowded", LACK, "lets_it_raise",
    "The except is of no use any more, and EMFILE ends the server.",
    ("except OSError:  # no desc", "except BlockingIOError:  # no desc"),
    base=BROKEN["crowded"])

NO_EMFILE = (
    "except OSError:\n    return False  # EMFILE: the client stays in the queue",
    "except InterruptedError:\n    return False",
)

wrong("open-door", LACK, "dies_of_emfile", "A crowd is no trouble, a lack of descriptors ends the server.", NO_EMFILE)
wrong("open-door", LACK, "spins_at_emfile", "The error is caught, and raised again at once.", (REST, "pass"))
wrong("open-door", "echoes one message", "an_empty_queue_is_an_error",
    "accept is called until it raises, and what it raises at the end of the queue is not expected.",
    ("except BlockingIOError:\n    return True  # the accept queue is empty\nexcept OSError:",
     "except InterruptedError:"))
add("open-door", "waits with epoll.poll", SOLVED["never-stall"][0])

# ---- 10

FORGET = "unsent.pop(fd, None)"

wrong("heir", "gives nobody what was meant for another", "forgets_the_polite",
    "A client that ends politely is owed nothing; one that breaks off is.",
    (FORGET, 'if unsent.get(fd) == b"":\n    del unsent[fd]'))
wrong("heir", "answers a client that half-closes after asking", "forgets_everybody",
    "One leaves, and the others lose what they were still to get.",
    (FORGET, "unsent.clear()"))
wrong("heir", "survives a reset before any data", "forgets_what_was_never_known",
    "A client that resets before its first word is in one dictionary only.",
    (FORGET, "del unsent[fd]"))

wrong("your-server", LACK, "not_ready_for_emfile", "Good company, until the descriptors run out.", NO_EMFILE)
wrong("your-server", "is fair while one client floods", "drains_without_end",
    "Edge-triggered, and reads until EAGAIN: a client that sends without pause has the server to itself.",
    ("range(8)", "range(10**9)"),
    base=SOLVED["edge-echo"])
wrong("your-server", "echoes one message", "half_done",
    "The skeleton with its first lines filled in.",
    ("epoll.register(conn, select.EPOLLIN)", "pass"))

# ---- 11

IF_READY = "epoll.poll(0 if ready else None)"

wrong("lost-wakeup", "sleeps when nobody talks", "never_sleeps",
    "Asks epoll and never sleeps, so that nothing can be missed.",
    (IF_READY, "epoll.poll(0)"))
wrong("lost-wakeup", "echoes one message", "the_wrong_way_round",
    "Sleeps while somebody is ready, and asks while nobody is.",
    (IF_READY, "epoll.poll(None if ready else 0)"))
wrong("lost-wakeup", "echoes one message", "one_turn_more",
    "Gives one turn more than there are coroutines; at the first time there is none at all.",
    ("for _ in range(len(ready)):", "for _ in range(len(ready) + 1):"), (IF_READY, "epoll.poll()"))
wrong("lost-wakeup", "survives a reset between messages", "starts_by_itself",
    "The newcomer gets its first turn at once; the handler for a reset has got lost on the way.",
    (IF_READY, "epoll.poll()"), ("ready.append(echo(conn))", "turn(echo(conn))"),
    ("except OSError:\n    pass", "except BlockingIOError:\n    pass"))

wrong("async-echo", "survives a reset before any data", "ends_with_its_client",
    "An error of one client goes through the loop and ends all of them.",
    ("except OSError:\n    pass  # a reset: the end of this client, and of no other", "finally:\n    conn.close()"))
wrong("async-echo", "is not held up by a silent client", "awaits_its_client",
    "The client is awaited, where a task should have been made of it.",
    ("loop.spawn(echo(conn))", "await echo(conn)"))
wrong("async-echo", "returns 4 MiB whole to a client that reads late", "sends_once",
    "One send, which takes a part; the next one finds no room, and that is taken for the end.",
    ("await sendall(conn, data)", "conn.send(data)"))
wrong("async-echo", "returns when told to stop", "waits_for_nobody",
    "The first task sleeps for a day, and nobody looks at stop.",
    ("await readable(stop)", "await sleep(86_400)"))

# ---- 12

FALSE, REASON = "redis: refuses false lengths", "redis: refuses counts beyond all reason"
NOTHING = "  # nobody has asked for anything with an empty line, or with a count of 0 or less"
REFUSE = "if number is None or number > most:\n    raise ValueError(wrong)"

wrong("redis-frames", FALSE, "asks_int",
    "Lets int decide what is a number: 1_0 is one to it.",
    (f"number = integer(line[1:])\n{REFUSE}", f"number = int(line[1:])\n{REFUSE}"))
wrong("redis-frames", FALSE, "goes_on_after_nonsense",
    "Says what is wrong, and goes on with a parser that has ended.",
    ("stays = False  # nobody can tell where its next request would begin", ""))
wrong("redis-frames", FALSE, "silent_end",
    "Closes the connection of a client that breaks the rules, and does not say why.",
    ('replies.append(error_reply(b"Protocol error: " + str(wrong).encode("latin-1")))', ""))
wrong("redis-frames", REASON, "a_trillion_words",
    "Believes any count that is a number.",
    ('a_length(line, 1024 * 1024, "invalid multibulk length")', 'a_length(line, 10**12, "invalid multibulk length")'))
wrong("redis-frames", "redis: refuses a line without an end", "endless_patience",
    "Keeps whatever comes until there is a line end.",
    ("if len(received) > 65536:\n    raise ValueError(too_long)\n", ""))
wrong("redis-frames", "redis: takes inline commands", "programs_only",
    "Takes a person who types for a client that breaks the rules.",
    ("words = line.split()  # somebody types", 'raise ValueError("expected an array")'))
wrong("redis-frames", "redis: takes inline commands", "an_empty_line",
    "Takes an empty line for a request, which has no name.",
    (f"if words:{NOTHING}\n    yield words", "yield words"))
wrong("redis-frames", REASON, "an_empty_request",
    "Passes over an empty line, and takes *0 for a request, which has no name.",
    (f"if words:{NOTHING}\n    yield words", 'if words or line.startswith(b"*"):\n    yield words'))
wrong("redis-frames", REASON, "less_than_nothing",
    "Takes a count below 0 for a false one.",
    ("if number is None or number > most:", "if number is None or not 0 <= number <= most:"))
wrong("redis-frames", "redis: answers 1,000 pipelined requests", "one_for_a_recv",
    "Answers one request for each recv; nobody will tell it of the others.",
    ("while stays and (request := next(requests)) is not None:", "if (request := next(requests)) is not None:"))
wrong("redis-frames", "redis: serves others while 200 requests are unfinished", "one_parser_for_all",
    "All clients write into one buffer.",
    ("clients = {}  # for each descriptor, its client",
     "clients = {}  # for each descriptor, its client\ncommon = bytearray()\nparser = parse(common)"),
    ("received[client] = bytearray()\nrequests[client] = parse(received[client])",
     "received[client] = common\nrequests[client] = parser"))

NAMES = "redis: names unknown commands and wrong arities"
COUNTS = "redis: counts with INCR"

wrong("redis-commands", "redis: answers PING", "counts_the_name",
    "Counts the command's name as an argument.",
    ("if not least <= len(arguments) <= most:", "if not least <= len(request) <= most:"))
wrong("redis-commands", NAMES, "minds_too_few_only",
    "Notices missing arguments, and not those that are too many.",
    ("if not least <= len(arguments) <= most:", "if len(arguments) < least:"))
wrong("redis-commands", NAMES, "hangs_up_on_the_unknown",
    "Closes the connection of a client that asks for a command that there is not.",
    ("return error_reply(b\"unknown command '%b'\" % name[:128])", 'raise ValueError("unknown command")'))
wrong("redis-commands", COUNTS, "keeps_an_int",
    "After INCR, the value is an int, which GET cannot measure.",
    ('values[key] = b"%d" % (number + 1)\nreturn b":%b\\r\\n" % values[key]',
     'values[key] = number + 1\nreturn b":%d\\r\\n" % values[key]'))
wrong("redis-commands", COUNTS, "counts_with_int",
    "Lets int decide what is a number.",
    ('number = integer(values.get(key, b"0"))\nif number is None:',
     'try:\n    number = int(values.get(key, b"0"))\nexcept ValueError:'))
wrong("redis-commands", "redis: keeps any bytes", "counts_what_was_asked",
    "DEL replies how many keys it was given.",
    ('return b":%d\\r\\n" % len(there)', 'return b":%d\\r\\n" % len(keys)'))
wrong("redis-commands", "redis: keeps any bytes", "keys_in_capitals",
    "Takes keys for names of commands: small letters and capitals are the same.",
    ("return command(client, *arguments)",
     "return command(client, *[word.upper() for word in arguments[:1]], *arguments[1:])"))

EARLY, IDLE = "redis: forgets no key before its time", "redis: forgets keys while nobody talks"
SLEEP = "return min(alarms[0][0] - now, 3600) if alarms else None"
ALARM = (
    "if deadlines.get(key) == when:  # or else the time was changed, or the key is gone\n"
    "    del values[key], deadlines[key]"
)

wrong("redis-expiry", IDLE, "waits_for_a_word",
    "Sleeps until somebody talks, and only then forgets.",
    (SLEEP, "return None"))
wrong("redis-expiry", "redis: sleeps between two expiries", "looks_all_the_time",
    "Wakes a hundred times a second to see what time it is.",
    (SLEEP, "return 0.01"))
wrong("redis-expiry", "redis: takes a time that is years away", "sleeps_for_years",
    "Passes epoll a time that it cannot hold.",
    (SLEEP, "return alarms[0][0] - now if alarms else None"))
wrong("redis-expiry", EARLY, "believes_each_alarm",
    "An alarm goes off, and the key is gone, whatever happened to it since.",
    (ALARM, "values.pop(key, None)\ndeadlines.pop(key, None)"))
wrong("redis-expiry", EARLY, "keeps_the_old_time",
    "A key that is set again keeps the time that it had.",
    ('values[key] = value\ndeadlines.pop(key, None)', "values[key] = value"))
wrong("redis-expiry", "redis: forgets a key when its time is over", "all_in_seconds",
    "PEXPIRE counts seconds, too.",
    ("return expire(client, key, amount, a_second=1000)", "return expire(client, key, amount)"))
wrong("redis-expiry", "redis: forgets a key when its time is over", "never_in_the_past",
    "A time that is over already is not looked at until the next one.",
    ("ring()  # its time may be over already\n", ""))

MUCH = "redis: holds at most 1 MiB for a subscriber that does not read"
LEFT = "redis: gives a subscriber nothing after it has left"

wrong("redis-pubsub", MUCH, "keeps_it_all",
    "Keeps everything for a subscriber that does not read.",
    ("if client.done or (client in subscribed and len(client.unsent) > 512 * 1024):", "if client.done:"))
wrong("redis-pubsub", "redis: sends the rest to a subscriber that reads late", "settles_the_speaker_only",
    "Looks at the client that has talked, and not at those that were sent something.",
    ("told.add(client)\nwhile told:\n    settle(told.pop())", "settle(client)"))
wrong("redis-pubsub", "redis: is not held up by a subscriber that does not read", "waits_for_each",
    "Sends to subscribers one after the other, each until it has read.",
    ('listener.send(b"*3\\r\\n" + bulk(b"message") + bulk(channel) + bulk(text))',
     'listener.sock.setblocking(True)\n'
     'listener.sock.sendall(b"*3\\r\\n" + bulk(b"message") + bulk(channel) + bulk(text))\n'
     'listener.sock.setblocking(False)'))
wrong("redis-pubsub", LEFT, "still_on_the_list",
    "A client that is gone without a word stays subscribed.",
    ("for channel in list(subscribed.get(client, ())):\n    leave(client, channel, channels, subscribed)\n", ""))
wrong("redis-pubsub", "redis: tells subscribers what is published", "one_channel_each",
    "Who subscribes to a second channel is counted, and does not hear it.",
    ("channels.setdefault(channel, set()).add(client)", "channels.setdefault(names[0], set()).add(client)"))
wrong("redis-pubsub", "redis: tells subscribers what is published", "counts_channels",
    "Replies to PUBLISH how many channels there are.",
    ('return b":%d\\r\\n" % len(listeners)', 'return b":%d\\r\\n" % len(channels)'))

# ---- 13

ARMED = "epoll.modify(conn, once)  # now the next message may go to any thread"

wrong("one-shot", "serves 64 clients in turn", "lets_in_a_few",
    "Arms clients again, and the listener not any more.",
    ("epoll.modify(listener, once)\n", ""))
wrong("one-shot", "forgets clients that left", "arms_those_that_left",
    "Arms a client again whatever recv returned.",
    ("if data:\n    " + ARMED + "\nelse:\n    drop(conn)", "epoll.modify(conn, once)"))
wrong("one-shot", "returns when told to stop", "tells_one_of_them",
    "Watches stop just once as well: one thread hears of it.",
    ("epoll.register(stop, select.EPOLLIN)  # not just once: it has to wake all of them", "epoll.register(stop, once)"))
SHORT = "if len(data) < 65536 and client not in finished:"

wrong("short-read", "reads once for a short message", "still_asks_again",
    "Reads until EAGAIN, whatever it has got.",
    (SHORT, "if not data:"))
wrong("short-read", "answers a client that half-closes after asking", "misses_the_end",
    "Stops after a short read, though the client's end is right behind it.",
    (SHORT, "if len(data) < 65536:"))
wrong("short-read", "takes messages that come glued together", "one_read_and_no_more",
    "Reads once for each edge, however much it gets.",
    (SHORT, "if client not in finished:"))
wrong("short-read", "reads once for a short message", "back_to_level",
    "Reads once for each event, and gives up the edge for that.",
    (" | select.EPOLLET", ""), ("select.EPOLLIN | select.EPOLLOUT | ", "select.EPOLLIN | "))

# ---- 14

ONE_BY_ONE = (
    """
    while True:
        try:
            conn, address = listener.accept()
        except BlockingIOError:
            return  # the accept queue is empty: the next to come is an edge
        conn.setblocking(False)
        conns[conn.fileno()] = conn
        unsent[conn] = b""
        epoll.register(conn, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
    """,
    """
    conn, address = listener.accept()
    conn.setblocking(False)
    conns[conn.fileno()] = conn
    unsent[conn] = b""
    epoll.register(conn, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
    """)
ONE_PIECE = [
    ("for piece in range(8):  # and no more: others have their turn, too", "for piece in range(1):"),
    ("unfinished.add(conn.fileno())\n", "")]

wrong("articles-epoll", "accepts a burst of 300", "still_one_by_one",
    "Repairs everything but the accept: one client for each edge.",
    ONE_BY_ONE)
wrong("articles-epoll", "takes messages that come glued together", "still_a_kilobyte",
    "Makes the sockets nonblocking, and goes on reading once for each edge.",
    ("conn.recv(65536)", "conn.recv(1024)"), *ONE_PIECE)
wrong("articles-epoll", "survives a reset between messages", "still_compares",
    "Goes on comparing the mask.",
    ("select.EPOLLIN | select.EPOLLOUT | select.EPOLLET", "select.EPOLLIN | select.EPOLLET"),
    ("for fd, mask in epoll.poll(timeout)}", "for fd, mask in epoll.poll(timeout) if mask == select.EPOLLIN}"))

LACK = "lives through a lack of descriptors"
RETURNS_TRUE = "return True  # no descriptor is left, and the others stay in the queue"

wrong("thirteenth", LACK, "lives_on_and_forgets",
    "Lives through it, and forgets those who are in the queue.",
    (RETURNS_TRUE, "return False"))
wrong("thirteenth", LACK, "looks_without_a_rest",
    "Looks at the listener again at once, and again, and takes a core.",
    ("0.1 if crowded", "0 if crowded"))
wrong("thirteenth", LACK, "insists_at_the_door",
    "Stays in accept's loop until there is a descriptor, and serves nobody meanwhile.",
    (RETURNS_TRUE, "continue"))
