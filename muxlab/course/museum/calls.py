"""The wrong call: what these servers wait for is right, or they just ask everybody, and they misread what a call says.

They have nothing of the course's in them. Those that ask everybody in turn do so to be short.
"""

import contextlib
import select


def one_at_a_time(listener, stop):
    """One client is served; all others wait until it leaves."""
    while not stop.is_set():
        conn, _ = listener.accept()
        with conn, contextlib.suppress(OSError):
            while data := conn.recv(65536):
                conn.sendall(data)


def dies_of_a_reset(listener, stop):
    """The first client that breaks off instead of closing ends the server, for all."""
    socks = [stop, listener]
    while not stop.is_set():
        for sock in select.select(socks, [], [])[0]:
            if sock is listener:
                socks.append(sock.accept()[0])
            elif sock is not stop:
                if data := sock.recv(65536):
                    sock.sendall(data)
                else:
                    socks.remove(sock)
                    sock.close()


def guards_recv_only(listener, stop):
    """A client that breaks off while its reply is on the way ends the server, for all."""
    listener.setblocking(False)
    conns = []
    while not stop.is_set():
        with contextlib.suppress(OSError):
            conns.append(listener.accept()[0])
            conns[-1].setblocking(False)
        for conn in list(conns):
            try:
                data = conn.recv(65536)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if data:
                with contextlib.suppress(BlockingIOError):
                    conn.send(data)
            else:
                conns.remove(conn)
                conn.close()


def knows_one_error(listener, stop):
    """A client that asks, and has closed before it is answered, ends the server."""
    listener.setblocking(False)
    unsent = {}
    while not stop.is_set():
        with contextlib.suppress(OSError):
            conn, _ = listener.accept()
            conn.setblocking(False)
            unsent[conn] = b""
        for conn in list(unsent):
            try:
                unsent[conn] = unsent[conn] or conn.recv(65536)
                ended = not unsent[conn]
                unsent[conn] = unsent[conn][conn.send(unsent[conn]) :]
            except BlockingIOError:
                continue
            except ConnectionResetError:
                ended = True
            if ended:
                del unsent[conn]
                conn.close()


def blocking_sendall(listener, stop):
    """One client that does not read its reply holds everybody up."""
    socks = [stop, listener]
    while not stop.is_set():
        for sock in select.select(socks, [], [])[0]:
            if sock is listener:
                with contextlib.suppress(OSError):
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


def drops_what_send_did_not_take(listener, stop):
    """A client that is slow to read gets its reply with holes in it."""
    listener.setblocking(False)
    conns = []
    while not stop.is_set():
        with contextlib.suppress(OSError):
            conns.append(listener.accept()[0])
            conns[-1].setblocking(False)
        for conn in list(conns):
            try:
                data = conn.recv(65536)
                conn.send(data)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if not data:
                conns.remove(conn)
                conn.close()


def drain_loop_on_a_blocking_socket(listener, stop):
    """The first client is answered, and then nobody is, until it speaks again."""
    conns = {}
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN)
        while not stop.is_set():
            for fd, _ in epoll.poll():
                if fd == listener.fileno():
                    conn, _ = listener.accept()
                    conns[conn.fileno()] = conn
                    epoll.register(conn, select.EPOLLIN | select.EPOLLET)
                while fd in conns:
                    try:
                        data = conns[fd].recv(65536)
                        conns[fd].sendall(data)
                    except BlockingIOError:
                        break
                    except OSError:
                        data = b""
                    if not data:
                        epoll.unregister(fd)
                        conns.pop(fd).close()


def insists_on_accepting(listener, stop):
    """While there is no descriptor left for a new client, nobody else is served."""
    listener.setblocking(False)
    unsent = {}
    while not stop.is_set():
        try:
            conn, _ = listener.accept()
            conn.setblocking(False)
            unsent[conn] = b""
        except BlockingIOError:
            pass
        except OSError:
            continue
        for conn in list(unsent):
            try:
                unsent[conn] = unsent[conn] or conn.recv(65536)
                ended = not unsent[conn]
                unsent[conn] = unsent[conn][conn.send(unsent[conn]) :]
            except BlockingIOError:
                continue
            except OSError:
                ended = True
            if ended:
                del unsent[conn]
                conn.close()
