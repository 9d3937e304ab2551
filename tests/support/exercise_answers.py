"""Wrong answers to the exercises, as learners write them: each has one thing wrong, which its docstring names.

WRONG has them by exercise, each with a trial that it fails. A checker that lets one of them pass is broken.
"""

import select
import time

WRONG = {}


def wrong(name, trial):
    def note(fn):
        WRONG.setdefault(name, []).append((fn, trial))
        return fn

    return note


# ---- 02


@wrong("polling-echo", "forgets clients that left")
def forgets_the_end(listener, stop):
    """b"" is sent back like any other bytes, and the client stays in the list."""
    listener.setblocking(False)
    clients = []
    while not stop.is_set():
        try:
            conn, address = listener.accept()
            conn.setblocking(False)
            clients.append(conn)
        except BlockingIOError:
            pass
        for conn in clients:
            try:
                conn.send(conn.recv(65536))
            except OSError:
                pass


@wrong("polling-echo", "is not held up by a silent client")
def clients_still_block(listener, stop):
    """Only the listener was made nonblocking."""
    listener.setblocking(False)
    clients = []
    while not stop.is_set():
        try:
            conn, address = listener.accept()
            clients.append(conn)
        except BlockingIOError:
            pass
        for conn in list(clients):
            try:
                data = conn.recv(65536)
            except OSError:
                data = b""
            if data:
                conn.sendall(data)
            else:
                clients.remove(conn)
                conn.close()


@wrong("polling-echo", "survives a reset between messages")
def dies_of_a_reset(listener, stop):
    """Catches "nothing yet", and no other error."""
    listener.setblocking(False)
    unsent = {}
    while not stop.is_set():
        try:
            conn, address = listener.accept()
            conn.setblocking(False)
            unsent[conn] = b""
        except BlockingIOError:
            pass
        for conn in list(unsent):
            try:
                unsent[conn] = unsent[conn] or conn.recv(65536)
                ended = not unsent[conn]
                unsent[conn] = unsent[conn][conn.send(unsent[conn]) :]
            except BlockingIOError:
                continue
            if ended:
                del unsent[conn]
                conn.close()


@wrong("polling-echo", "returns 4 MiB whole to a client that reads late")
def drops_what_send_left(listener, stop):
    """The third version of the chapter: send may take a part."""
    listener.setblocking(False)
    clients = []
    while not stop.is_set():
        try:
            conn, address = listener.accept()
            conn.setblocking(False)
            clients.append(conn)
        except BlockingIOError:
            pass
        for conn in list(clients):
            try:
                data = conn.recv(1024)
                ended = not data
                conn.send(data)
            except BlockingIOError:
                continue
            except OSError:
                ended = True
            if ended:
                clients.remove(conn)
                conn.close()


@wrong("polling-echo", "serves 64 clients in turn")
def one_client_after_the_other(listener, stop):
    """Stays with a client until it leaves."""
    while not stop.is_set():
        conn, address = listener.accept()
        with conn:
            while data := conn.recv(65536):
                conn.sendall(data)


@wrong("polling-echo", "lives with a client that never reads")
def piles_up(listener, stop):
    """Reads on from a client that does not read: its replies fill the memory."""
    listener.setblocking(False)
    unsent = {}
    while not stop.is_set():
        try:
            conn, address = listener.accept()
            conn.setblocking(False)
            unsent[conn] = bytearray()
        except BlockingIOError:
            pass
        for conn in list(unsent):
            ended = False
            try:
                data = conn.recv(65536)
                unsent[conn] += data
                ended = not data
            except BlockingIOError:
                pass
            except OSError:
                ended = True
            try:
                del unsent[conn][: conn.send(unsent[conn])]
            except BlockingIOError:
                pass
            except OSError:
                ended = True
            if ended:
                del unsent[conn]
                conn.close()


@wrong("misspelt", "forgets clients that left")
def name_mended_but_not_closed(listener, stop):
    """The right name, and the line below is gone: the socket goes into a list and stays open."""
    listener.setblocking(False)
    clients, left = [], []
    while not stop.is_set():
        try:
            conn, address = listener.accept()
            conn.setblocking(False)
            clients.append(conn)
        except Exception:
            pass
        for conn in list(clients):
            try:
                data = conn.recv(1024)
                if data:
                    conn.send(data)
                else:
                    clients.remove(conn)
                    left.append(conn)
            except Exception:
                pass


@wrong("misspelt", "forgets clients that left")
def excepts_narrowed_and_name_left(listener, stop):
    """Nothing is hidden any more, and the name is still wrong."""
    listener.setblocking(False)
    clients = []
    while not stop.is_set():
        try:
            conn, address = listener.accept()
            conn.setblocking(False)
            clients.append(conn)
        except BlockingIOError:
            pass
        for conn in list(clients):
            try:
                data = conn.recv(1024)
                if data:
                    conn.send(data)
                else:
                    cleints.remove(conn)
                    conn.close()
            except BlockingIOError:
                pass


@wrong("misspelt", "echoes one message")
def no_excepts(listener, stop):
    """Without any except, "nothing yet" ends the server."""
    listener.setblocking(False)
    clients = []
    while not stop.is_set():
        conn, address = listener.accept()
        conn.setblocking(False)
        clients.append(conn)
        for conn in list(clients):
            data = conn.recv(1024)
            if data:
                conn.send(data)
            else:
                clients.remove(conn)
                conn.close()


@wrong("misspelt", "survives a reset between messages")
def name_mended_and_resets_forgotten(listener, stop):
    """A reset raises out of the loop now."""
    listener.setblocking(False)
    clients = []
    while not stop.is_set():
        try:
            conn, address = listener.accept()
            conn.setblocking(False)
            clients.append(conn)
        except BlockingIOError:
            pass
        for conn in list(clients):
            try:
                data = conn.recv(1024)
                if data:
                    conn.send(data)
                else:
                    clients.remove(conn)
                    conn.close()
            except BlockingIOError:
                pass


@wrong("misspelt", "forgets clients that left")
def closed_but_still_asked(listener, stop):
    """Close comes first now, and the misspelt name after it: no descriptor is left open, and the list still grows."""
    listener.setblocking(False)
    clients = []
    while not stop.is_set():
        try:
            conn, address = listener.accept()
            conn.setblocking(False)
            clients.append(conn)
        except Exception:
            pass
        for conn in list(clients):
            try:
                data = conn.recv(1024)
                if data:
                    conn.send(data)
                else:
                    conn.close()
                    cleints.remove(conn)
            except Exception:
                pass


# ---- 03


@wrong("never-stall", "lives with a client that never reads")
def waits_in_sendall(listener, stop):
    """The tutorials' server: sendall on a blocking socket."""
    socks = [stop, listener]
    while not stop.is_set():
        readable, _, _ = select.select(socks, [], [])
        for sock in readable:
            if sock is listener:
                socks.append(sock.accept()[0])
            elif sock is not stop:
                try:
                    data = sock.recv(65536)
                    sock.sendall(data)
                except OSError:
                    data = b""
                if not data:
                    socks.remove(sock)
                    sock.close()


@wrong("never-stall", "returns 4 MiB whole to a client that reads late")
def sendall_without_blocking(listener, stop):
    """sendall on a nonblocking socket: takes a part, raises, and nobody knows how much it took."""
    listener.setblocking(False)
    socks = [stop, listener]
    while not stop.is_set():
        readable, _, _ = select.select(socks, [], [])
        for sock in readable:
            if sock is listener:
                conn, address = sock.accept()
                conn.setblocking(False)
                socks.append(conn)
            elif sock is not stop:
                try:
                    data = sock.recv(65536)
                    sock.sendall(data)
                except BlockingIOError:
                    continue
                except OSError:
                    data = b""
                if not data:
                    socks.remove(sock)
                    sock.close()


@wrong("never-stall", "sleeps when nobody talks")
def always_asks_for_writing(listener, stop):
    """Every client is in the second list: select returns at once, for ever."""
    listener.setblocking(False)
    unsent = {}
    while not stop.is_set():
        reading = [stop, listener] + [conn for conn in unsent if not unsent[conn]]
        readable, writable, _ = select.select(reading, list(unsent), [])
        for sock in {*readable, *writable}:
            if sock is listener:
                conn, address = sock.accept()
                conn.setblocking(False)
                unsent[conn] = b""
            elif sock is not stop:
                try:
                    unsent[sock] = unsent[sock] or sock.recv(65536)
                    ended = not unsent[sock]
                    unsent[sock] = unsent[sock][sock.send(unsent[sock]) :]
                except BlockingIOError:
                    continue
                except OSError:
                    ended = True
                if ended:
                    del unsent[sock]
                    sock.close()


@wrong("never-stall", "lives with a client that never reads")
def reads_on(listener, stop):
    """Keeps the rest, and goes on reading from who does not read: no backpressure."""
    listener.setblocking(False)
    unsent = {}
    while not stop.is_set():
        writing = [conn for conn in unsent if unsent[conn]]
        readable, writable, _ = select.select([stop, listener, *unsent], writing, [])
        for sock in readable:
            if sock is listener:
                conn, address = sock.accept()
                conn.setblocking(False)
                unsent[conn] = bytearray()
            elif sock is not stop:
                try:
                    data = sock.recv(65536)
                except OSError:
                    data = b""
                unsent[sock] += data
                if not data:
                    del unsent[sock]
                    sock.close()
        for sock in [*readable, *writable]:
            if unsent.get(sock):
                try:
                    del unsent[sock][: sock.send(unsent[sock])]
                except BlockingIOError:
                    pass
                except OSError:
                    del unsent[sock]
                    sock.close()


@wrong("never-stall", "waits for room when there is none")
def no_room_is_an_end(listener, stop):
    """BlockingIOError is an OSError: a client whose queue is full is thrown out."""
    listener.setblocking(False)
    unsent = {}
    while not stop.is_set():
        reading = [stop, listener] + [sock for sock in unsent if not unsent[sock]]
        writing = [sock for sock in unsent if unsent[sock]]
        readable, writable, _ = select.select(reading, writing, [])
        for sock in readable + writable:
            if sock is listener:
                client = sock.accept()[0]
                client.setblocking(False)
                unsent[client] = b""
            elif sock is not stop:
                try:
                    data = unsent[sock] or sock.recv(65536)
                    ended = not data
                    unsent[sock] = data[sock.send(data) :]
                except OSError:
                    ended = True
                if ended:
                    del unsent[sock]
                    sock.close()


@wrong("restless", "sleeps when nobody talks")
def closed_and_still_in_the_list(listener, stop):
    """select is handed a closed socket."""
    socks = [stop, listener]
    while not stop.is_set():
        readable, _, _ = select.select(socks, [], [])
        for sock in readable:
            if sock is listener:
                socks.append(sock.accept()[0])
            elif sock is not stop:
                if data := received(sock):
                    sock.sendall(data)
                else:
                    sock.close()


@wrong("restless", "forgets clients that left")
def naps(listener, stop):
    """The symptom is gone, not its cause: the clients are never closed."""
    socks = [stop, listener]
    while not stop.is_set():
        readable, _, _ = select.select(socks, [], [])
        time.sleep(0.01)
        for sock in readable:
            if sock is listener:
                socks.append(sock.accept()[0])
            elif sock is not stop and (data := received(sock)):
                sock.sendall(data)


@wrong("restless", "forgets clients that left")
def out_of_the_list_and_kept(listener, stop):
    """Quiet, and every client that ever came keeps its descriptor."""
    socks, gone = [stop, listener], []
    while not stop.is_set():
        readable, _, _ = select.select(socks, [], [])
        for sock in readable:
            if sock is listener:
                socks.append(sock.accept()[0])
            elif sock is not stop:
                if data := received(sock):
                    sock.sendall(data)
                else:
                    socks.remove(sock)
                    gone.append(sock)


@wrong("restless", "sleeps when nobody talks")
def stops_at_the_first_end(listener, stop):
    """`return` instead of letting one client go."""
    socks = [stop, listener]
    while not stop.is_set():
        readable, _, _ = select.select(socks, [], [])
        for sock in readable:
            if sock is listener:
                socks.append(sock.accept()[0])
            elif sock is not stop:
                if data := received(sock):
                    sock.sendall(data)
                else:
                    return


@wrong("restless", "survives a reset between messages")
def dies_of_the_next_reset(listener, stop):
    """The missing branch, and nothing for a reset."""
    socks = [stop, listener]
    while not stop.is_set():
        readable, _, _ = select.select(socks, [], [])
        for sock in readable:
            if sock is listener:
                socks.append(sock.accept()[0])
            elif sock is not stop:
                if data := sock.recv(1024):
                    sock.sendall(data)
                else:
                    socks.remove(sock)
                    sock.close()


def received(sock):
    """What recv gives, and b"" for a reset."""
    try:
        return sock.recv(1024)
    except OSError:
        return b""


# ---- 05


@wrong("epoll-echo", "sleeps when nobody talks")
def always_out(listener, stop):
    """Watches everybody for EPOLLOUT all the time."""
    listener.setblocking(False)
    conns, unsent = {}, {}
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN)
        while not stop.is_set():
            for fd, mask in epoll.poll():
                if fd == listener.fileno():
                    conn, address = listener.accept()
                    conn.setblocking(False)
                    conns[conn.fileno()], unsent[conn.fileno()] = conn, b""
                    epoll.register(conn, select.EPOLLIN | select.EPOLLOUT)
                elif fd in conns:
                    try:
                        unsent[fd] = unsent[fd] or conns[fd].recv(65536)
                        ended = not unsent[fd]
                        unsent[fd] = unsent[fd][conns[fd].send(unsent[fd]) :]
                    except BlockingIOError:
                        ended = False
                    except OSError:
                        ended = True
                    if ended:
                        epoll.unregister(fd)
                        conns.pop(fd).close()
                        del unsent[fd]


@wrong("epoll-echo", "survives clients that connect and leave")
def unregisters_after_close(listener, stop):
    """The number means nothing any more when it is unregistered."""
    conns = {}
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN)
        while not stop.is_set():
            for fd, mask in epoll.poll():
                if fd == listener.fileno():
                    conn, address = listener.accept()
                    conns[conn.fileno()] = conn
                    epoll.register(conn, select.EPOLLIN)
                elif fd in conns:
                    try:
                        data = conns[fd].recv(65536)
                        conns[fd].sendall(data)
                    except OSError:
                        data = b""
                    if not data:
                        conns.pop(fd).close()
                        epoll.unregister(fd)


@wrong("epoll-echo", "survives a reset between messages")
def tutorial(listener, stop):
    """The first version of the chapter, with stop: a reset kills it, and sendall waits."""
    conns = {}
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN)
        while not stop.is_set():
            for fd, mask in epoll.poll():
                if fd == listener.fileno():
                    conn, address = listener.accept()
                    epoll.register(conn, select.EPOLLIN)
                    conns[conn.fileno()] = conn
                elif fd in conns:
                    if data := conns[fd].recv(65536):
                        conns[fd].sendall(data)
                    else:
                        epoll.unregister(fd)
                        conns.pop(fd).close()


@wrong("epoll-echo", "returns 4 MiB whole to a client that reads late")
def never_back_to_reading(listener, stop):
    """modify to EPOLLOUT, and never back: a client that was slow once is not heard again, and wakes us for ever."""
    listener.setblocking(False)
    conns, unsent = {}, {}
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN)
        while not stop.is_set():
            for fd, mask in epoll.poll():
                if fd == listener.fileno():
                    conn, address = listener.accept()
                    conn.setblocking(False)
                    conns[conn.fileno()], unsent[conn.fileno()] = conn, b""
                    epoll.register(conn, select.EPOLLIN)
                elif mask & select.EPOLLOUT:
                    try:
                        unsent[fd] = unsent[fd][conns[fd].send(unsent[fd]) :]
                    except OSError:
                        epoll.unregister(fd)
                        conns.pop(fd).close()
                elif fd in conns:
                    try:
                        data = conns[fd].recv(65536)
                        unsent[fd] = data[conns[fd].send(data) :]
                    except OSError:
                        data = b""
                    if not data:
                        epoll.unregister(fd)
                        conns.pop(fd).close()
                    elif unsent[fd]:
                        epoll.modify(fd, select.EPOLLOUT)


@wrong("epoll-echo", "waits with epoll.poll")
def still_select(listener, stop):
    """A good server, which waits with select."""
    listener.setblocking(False)
    unsent = {}
    while not stop.is_set():
        reading = [stop, listener] + [conn for conn in unsent if not unsent[conn]]
        writing = [conn for conn in unsent if unsent[conn]]
        readable, writable, _ = select.select(reading, writing, [])
        for sock in readable + writable:
            if sock is listener:
                conn, address = listener.accept()
                conn.setblocking(False)
                unsent[conn] = b""
            elif sock is not stop:
                try:
                    unsent[sock] = unsent[sock] or sock.recv(65536)
                    ended = not unsent[sock]
                    unsent[sock] = unsent[sock][sock.send(unsent[sock]) :]
                except BlockingIOError:
                    continue
                except OSError:
                    ended = True
                if ended:
                    del unsent[sock]
                    sock.close()


@wrong("picky", "survives a reset between messages")
def tests_one_bit(listener, stop):
    """The mask is tested rightly, and then recv raises."""
    conns = {}
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN)
        while not stop.is_set():
            for fd, events in epoll.poll():
                if fd == listener.fileno():
                    conn, address = listener.accept()
                    epoll.register(conn, select.EPOLLIN)
                    conns[conn.fileno()] = conn
                elif events & select.EPOLLIN and fd in conns:
                    if data := conns[fd].recv(1024):
                        conns[fd].send(data)
                    else:
                        epoll.unregister(fd)
                        conns.pop(fd).close()


@wrong("picky", "survives a reset between messages")
def leaves_errors_alone(listener, stop):
    """Clients in trouble are skipped, and reported again at once."""
    conns = {}
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN)
        while not stop.is_set():
            for fd, events in epoll.poll():
                if fd == listener.fileno():
                    conn, address = listener.accept()
                    epoll.register(conn, select.EPOLLIN)
                    conns[conn.fileno()] = conn
                elif fd in conns and not events & (select.EPOLLERR | select.EPOLLHUP):
                    if data := conns[fd].recv(1024):
                        conns[fd].send(data)
                    else:
                        epoll.unregister(fd)
                        conns.pop(fd).close()


@wrong("picky", "survives a reset between messages")
def unregisters_and_keeps(listener, stop):
    """Quiet now, and the client's descriptor is never given back."""
    conns = {}
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN)
        while not stop.is_set():
            for fd, events in epoll.poll():
                if fd == listener.fileno():
                    conn, address = listener.accept()
                    epoll.register(conn, select.EPOLLIN)
                    conns[conn.fileno()] = conn
                elif events & (select.EPOLLERR | select.EPOLLHUP):
                    epoll.unregister(fd)
                elif fd in conns:
                    if data := conns[fd].recv(1024):
                        conns[fd].send(data)
                    else:
                        epoll.unregister(fd)
                        conns.pop(fd).close()


@wrong("picky", "survives a reset between messages")
def closes_then_unregisters(listener, stop):
    """A reset is noticed, and unregister comes too late."""
    conns = {}
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN)
        while not stop.is_set():
            for fd, events in epoll.poll():
                if fd == listener.fileno():
                    conn, address = listener.accept()
                    epoll.register(conn, select.EPOLLIN)
                    conns[conn.fileno()] = conn
                elif events & (select.EPOLLERR | select.EPOLLHUP):
                    conns.pop(fd).close()
                    epoll.unregister(fd)
                elif fd in conns:
                    if data := conns[fd].recv(1024):
                        conns[fd].send(data)
                    else:
                        epoll.unregister(fd)
                        conns.pop(fd).close()


# ---- 06


@wrong("edge-echo", "takes messages that come glued together")
def one_recv_for_each_edge(listener, stop):
    """The article's server: what one recv leaves, nobody rings for."""
    listener.setblocking(False)
    conns, unsent = {}, {}
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN)
        while not stop.is_set():
            for fd, mask in epoll.poll():
                if fd == listener.fileno():
                    conn, address = listener.accept()
                    conn.setblocking(False)
                    conns[conn.fileno()], unsent[conn.fileno()] = conn, b""
                    epoll.register(conn, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
                elif fd in conns:
                    try:
                        unsent[fd] = unsent[fd] or conns[fd].recv(4096)
                        ended = not unsent[fd]
                        unsent[fd] = unsent[fd][conns[fd].send(unsent[fd]) :]
                    except BlockingIOError:
                        ended = False
                    except OSError:
                        ended = True
                    if ended:
                        epoll.unregister(fd)
                        conns.pop(fd).close()
                        del unsent[fd]


def drains(listener, stop, client_mode, client_events, pieces, listener_events=select.EPOLLIN):
    """An edge-triggered server with a screw for each mistake; edge_echo's structure."""
    listener.setblocking(False)
    conns, unsent, unfinished = {}, {}, set()
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, listener_events)
        while not stop.is_set():
            for fd in {fd for fd, mask in epoll.poll(0 if unfinished else None)} | unfinished:
                unfinished.discard(fd)
                if fd == listener.fileno():
                    conn, address = listener.accept()
                    conn.setblocking(client_mode)
                    conns[conn.fileno()], unsent[conn.fileno()] = conn, b""
                    epoll.register(conn, client_events)
                elif fd in conns:
                    ended, turns = False, 0
                    try:
                        while not ended and turns < pieces:
                            turns += 1
                            unsent[fd] = unsent[fd] or conns[fd].recv(65536)
                            ended = not unsent[fd]
                            unsent[fd] = unsent[fd][conns[fd].send(unsent[fd]) :]
                        unfinished.add(fd)
                    except BlockingIOError:
                        pass
                    except OSError:
                        ended = True
                    if ended:
                        unfinished.discard(fd)
                        epoll.unregister(fd)
                        conns.pop(fd).close()
                        del unsent[fd]


BOTH = select.EPOLLIN | select.EPOLLOUT


@wrong("edge-echo", "is not held up by a silent client")
def drains_blocking_sockets(listener, stop):
    """The last recv of the drain loop waits, and the server with it."""
    drains(listener, stop, True, BOTH | select.EPOLLET, 10**9)


@wrong("edge-echo", "is told of edges")
def is_level_triggered(listener, stop):
    """EPOLLET was forgotten: a good server of chapter 05."""
    listener.setblocking(False)
    conns, unsent = {}, {}
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN)
        while not stop.is_set():
            for fd, mask in epoll.poll():
                if fd == listener.fileno():
                    conn, address = listener.accept()
                    conn.setblocking(False)
                    conns[conn.fileno()], unsent[conn.fileno()] = conn, b""
                    epoll.register(conn, select.EPOLLIN)
                elif fd in conns:
                    try:
                        unsent[fd] = unsent[fd] or conns[fd].recv(65536)
                        ended = not unsent[fd]
                        unsent[fd] = unsent[fd][conns[fd].send(unsent[fd]) :]
                    except BlockingIOError:
                        ended = False
                    except OSError:
                        ended = True
                    if ended:
                        epoll.unregister(fd)
                        conns.pop(fd).close()
                        del unsent[fd]
                    else:
                        epoll.modify(fd, select.EPOLLOUT if unsent[fd] else select.EPOLLIN)


@wrong("edge-echo", "returns 4 MiB whole to a client that reads late")
def never_asks_for_out(listener, stop):
    """Without EPOLLOUT nobody rings when there is room again."""
    drains(listener, stop, False, select.EPOLLIN | select.EPOLLET, 8)


@wrong("edge-echo", "accepts a burst of 300")
def one_accept_for_each_edge(listener, stop):
    """The listener is edge-triggered as well, and one accept is made for each edge."""
    drains(listener, stop, False, BOTH | select.EPOLLET, 8, select.EPOLLIN | select.EPOLLET)


@wrong("one-accept", "echoes one message")
def accepts_on_a_blocking_listener(listener, stop):
    """`while True: accept` waits for somebody who is not coming."""
    conns = {}
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN | select.EPOLLET)
        while not stop.is_set():
            for fd, mask in epoll.poll():
                if fd == listener.fileno():
                    while True:
                        try:
                            conn, address = listener.accept()
                        except BlockingIOError:
                            break
                        conn.setblocking(False)
                        conns[conn.fileno()] = conn
                        epoll.register(conn, select.EPOLLIN | select.EPOLLET)
                while fd in conns:
                    try:
                        data = conns[fd].recv(1024)
                    except BlockingIOError:
                        break
                    if not data:
                        epoll.unregister(fd)
                        conns.pop(fd).close()
                    else:
                        conns[fd].send(data)


def accepting(listener, stop, times, catch):
    """The exhibit, with `times` accepts for each edge."""
    listener.setblocking(False)
    conns = {}
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN | select.EPOLLET)
        while not stop.is_set():
            for fd, mask in epoll.poll():
                if fd == listener.fileno():
                    for _ in range(times):
                        try:
                            conn, address = listener.accept()
                        except catch:
                            break
                        conn.setblocking(False)
                        conns[conn.fileno()] = conn
                        epoll.register(conn, select.EPOLLIN | select.EPOLLET)
                while fd in conns:
                    try:
                        data = conns[fd].recv(1024)
                    except BlockingIOError:
                        break
                    if not data:
                        epoll.unregister(fd)
                        conns.pop(fd).close()
                    else:
                        conns[fd].send(data)


@wrong("one-accept", "accepts a burst of 300")
def accepts_twenty(listener, stop):
    """As many as the chapter's crowd had."""
    accepting(listener, stop, 20, BlockingIOError)


@wrong("one-accept", "echoes one message")
def nobody_left_is_an_error(listener, stop):
    """The BlockingIOError at the end of the queue is not expected."""
    accepting(listener, stop, 10**9, ())


@wrong("one-accept", "serves 64 clients in turn")
def answers_only_the_door(listener, stop):
    """`continue` in the wrong place: after accepting, the clients of the same wake-up are dropped from view."""
    listener.setblocking(False)
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN | select.EPOLLET)
        while not stop.is_set():
            for fd, mask in epoll.poll():
                if fd == listener.fileno():
                    while True:
                        try:
                            conn, address = listener.accept()
                        except BlockingIOError:
                            break
                        conn.setblocking(False)
                        epoll.register(conn, select.EPOLLIN | select.EPOLLET)
                        try:
                            conn.send(conn.recv(1024))
                        except OSError:
                            pass


# ---- 06, the last page


@wrong("your-server", "lives through a lack of descriptors")
def not_ready_for_emfile(listener, stop):
    """The server of chapter 05: good company, until the descriptors run out."""
    levels(listener, stop, 1)


@wrong("your-server", "is fair while one client floods")
def drains_for_ever(listener, stop):
    """Edge-triggered, and reads until EAGAIN: a client that sends without pause has the server to itself."""
    drains(listener, stop, False, BOTH | select.EPOLLET, 10**9)


@wrong("your-server", "echoes one message")
def half_done(listener, stop):
    """The skeleton with its first lines filled in."""
    conns, unsent = {}, {}
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN)
        while not stop.is_set():
            for fd, mask in epoll.poll():
                if fd == listener.fileno():
                    conn, address = listener.accept()
                    conns[conn.fileno()], unsent[conn.fileno()] = conn, b""


# ---- 04


def polls(listener, stop, worth_a_try, unregister, rearm=True):
    """A poll server with a screw for each mistake."""
    listener.setblocking(False)
    conns, unsent = {}, {}
    poll = select.poll()
    poll.register(stop, select.POLLIN)
    poll.register(listener, select.POLLIN)
    while not stop.is_set():
        for fd, mask in poll.poll():
            if fd == listener.fileno():
                conn, address = listener.accept()
                conn.setblocking(False)
                conns[conn.fileno()], unsent[conn.fileno()] = conn, b""
                poll.register(conn, select.POLLIN)
            elif fd in conns and worth_a_try(mask):
                try:
                    unsent[fd] = unsent[fd] or conns[fd].recv(65536)
                    ended = not unsent[fd]
                    unsent[fd] = unsent[fd][conns[fd].send(unsent[fd]) :]
                except BlockingIOError:
                    ended = False
                except OSError:
                    ended = True
                if ended:
                    if unregister:
                        poll.unregister(fd)
                    conns.pop(fd).close()
                    del unsent[fd]
                elif rearm:
                    poll.modify(fd, select.POLLOUT if unsent[fd] else select.POLLIN)


@wrong("poll-echo", "sleeps when nobody talks")
def never_unregisters(listener, stop):
    """epoll forgets a closed descriptor, and poll does not: POLLNVAL, for ever."""
    polls(listener, stop, lambda mask: True, unregister=False)


@wrong("poll-echo", "sleeps while a client does not read")
def never_modifies(listener, stop):
    """Always POLLIN: while a client does not read, its bytes wake the server, which may not take them."""
    polls(listener, stop, lambda mask: True, unregister=True, rearm=False)


@wrong("poll-echo", "survives a reset between messages")
def equals_pollin(listener, stop):
    """The article's test of the mask: a reset is never looked at."""
    polls(listener, stop, lambda mask: mask in (select.POLLIN, select.POLLOUT), unregister=True)


@wrong("poll-echo", "waits with poll.poll")
def select_once_more(listener, stop):
    """A good server of chapter 03."""
    still_select(listener, stop)


def ghosts(listener, stop, leave):
    """The exhibit; `leave(poll, fd, conns)` is what it does with a client that has left."""
    conns = {}
    poll = select.poll()
    poll.register(stop, select.POLLIN)
    poll.register(listener, select.POLLIN)
    while not stop.is_set():
        for fd, mask in poll.poll():
            if fd == listener.fileno():
                conn, address = listener.accept()
                conns[conn.fileno()] = conn
                poll.register(conn, select.POLLIN)
            elif fd in conns:
                try:
                    data = conns[fd].recv(65536)
                except OSError:
                    data = b""
                if data:
                    conns[fd].sendall(data)
                else:
                    leave(poll, fd, conns)


@wrong("ghost", "sleeps when nobody talks")
def watched_for_nothing(listener, stop):
    """POLLNVAL comes without being asked for."""

    def leave(poll, fd, conns):
        poll.modify(fd, 0)
        conns.pop(fd).close()

    ghosts(listener, stop, leave)


@wrong("ghost", "forgets clients that left")
def unregistered_and_kept(listener, stop):
    """Quiet, and the socket stays open."""
    ghosts(listener, stop, lambda poll, fd, conns: poll.unregister(fd))


@wrong("ghost", "sleeps when nobody talks")
def unregistered_after_close(listener, stop):
    """A closed socket has no number any more: unregister(conn) raises."""

    def leave(poll, fd, conns):
        conn = conns.pop(fd)
        conn.close()
        poll.unregister(conn)

    ghosts(listener, stop, leave)


# ---- 09


def levels(listener, stop, at_once, when_full=None, again=None):
    """A level-triggered epoll server that accepts `at_once` for an event; `when_full(epoll, listener)` after EMFILE."""
    listener.setblocking(False)
    conns, unsent = {}, {}
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN)
        while not stop.is_set():
            for fd, mask in epoll.poll():
                if fd == listener.fileno():
                    for _ in range(at_once):
                        try:
                            conn, address = listener.accept()
                        except BlockingIOError:
                            break
                        except OSError:
                            if when_full is None:
                                raise
                            when_full(epoll, listener)
                            break
                        conn.setblocking(False)
                        conns[conn.fileno()], unsent[conn.fileno()] = conn, b""
                        epoll.register(conn, select.EPOLLIN)
                elif fd in conns:
                    try:
                        unsent[fd] = unsent[fd] or conns[fd].recv(65536)
                        ended = not unsent[fd]
                        unsent[fd] = unsent[fd][conns[fd].send(unsent[fd]) :]
                    except BlockingIOError:
                        ended = False
                    except OSError:
                        ended = True
                    if ended:
                        epoll.unregister(fd)
                        conns.pop(fd).close()
                        del unsent[fd]
                        if again:
                            again(epoll, listener)
                    else:
                        epoll.modify(fd, select.EPOLLOUT if unsent[fd] else select.EPOLLIN)


def shut(epoll, listener):
    epoll.modify(listener, 0)


def reopen(epoll, listener):
    epoll.modify(listener, select.EPOLLIN)


@wrong("open-door", "lives through a lack of descriptors")
def dies_of_emfile(listener, stop):
    """A crowd is no trouble, a lack of descriptors ends the server."""
    levels(listener, stop, 64)


@wrong("open-door", "lives through a lack of descriptors")
def spins_at_emfile(listener, stop):
    """The error is caught, and told again at once."""
    levels(listener, stop, 64, lambda epoll, listener: None)


@wrong("open-door", "waits with epoll.poll")
def selects_at_the_door(listener, stop):
    """A good server of chapter 03."""
    still_select(listener, stop)


@wrong("crowded", "lives through a lack of descriptors")
def shut_for_ever(listener, stop):
    """Quiet, and nobody is let in any more."""
    levels(listener, stop, 1, shut)


@wrong("crowded", "lives through a lack of descriptors")
def shut_until_somebody_leaves(listener, stop):
    """Descriptors come back in other ways, too."""
    levels(listener, stop, 1, shut, reopen)


@wrong("crowded", "lives through a lack of descriptors")
def lets_it_raise(listener, stop):
    """The except is gone, and with it the server."""
    levels(listener, stop, 1)


# ---- 10


def forgetting(listener, stop, at_the_end):
    """The server of `heir`, with what it does at the end of a client left open."""
    listener.setblocking(False)
    conns, unsent = {}, {}
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN)
        while not stop.is_set():
            for fd, mask in epoll.poll():
                if fd == listener.fileno():
                    conn, address = listener.accept()
                    conn.setblocking(False)
                    conns[conn.fileno()] = conn
                    epoll.register(conn, select.EPOLLIN)
                elif fd in conns:
                    polite = False
                    try:
                        unsent[fd] = unsent.get(fd) or conns[fd].recv(65536)
                        ended = polite = not unsent[fd]
                        unsent[fd] = unsent[fd][conns[fd].send(unsent[fd]) :]
                    except BlockingIOError:
                        ended = False
                    except OSError:
                        ended = True
                    if ended:
                        epoll.unregister(fd)
                        conns.pop(fd).close()
                        at_the_end(unsent, fd, polite)
                    else:
                        epoll.modify(fd, select.EPOLLOUT if unsent.get(fd) else select.EPOLLIN)
    for conn in conns.values():
        conn.close()


@wrong("heir", "gives nobody what was meant for another")
def forgets_the_polite(listener, stop):
    """Who says good-bye owes nothing; who breaks off does."""
    forgetting(listener, stop, lambda unsent, fd, polite: polite and unsent.pop(fd))


@wrong("heir", "answers a client that half-closes after asking")
def forgets_everybody(listener, stop):
    """One leaves, and the others lose what they were still to get."""
    forgetting(listener, stop, lambda unsent, fd, polite: unsent.clear())


@wrong("heir", "survives a reset before any data")
def forgets_what_was_never_known(listener, stop):
    """Who resets before the first word is in one dictionary only."""
    forgetting(listener, stop, lambda unsent, fd, polite: unsent.__delitem__(fd))
