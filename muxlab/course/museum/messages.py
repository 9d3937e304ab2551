"""The wrong idea of a message: TCP carries bytes. One recv is not one message, nor is the end of one the end of all.

These servers ask everybody in turn, to be short.
"""

import contextlib


def answers_in_quotes(listener, stop):
    """Every reply has a b and a quote before it, and a quote behind."""
    listener.setblocking(False)
    conns = []
    while not stop.is_set():
        with contextlib.suppress(OSError):
            conns.append(listener.accept()[0])
            conns[-1].setblocking(False)
        for conn in list(conns):
            try:
                data = conn.recv(65536)
                conn.send(str(data).encode())
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if not data:
                conns.remove(conn)
                conn.close()


def one_recv_is_one_line(listener, stop):
    """A line that arrives in two pieces is never answered."""
    listener.setblocking(False)
    conns = {}  # with what is to be sent to each
    while not stop.is_set():
        with contextlib.suppress(OSError):
            conn, _ = listener.accept()
            conn.setblocking(False)
            conns[conn] = b""
        for conn in list(conns):
            try:
                if not conns[conn]:
                    data = conn.recv(65536)
                    if data and not data.endswith(b"\n"):
                        continue
                    conns[conn] = data
                ended = not conns[conn]
                conns[conn] = conns[conn][conn.send(conns[conn]) :]
            except BlockingIOError:
                continue
            except OSError:
                ended = True
            if ended:
                del conns[conn]
                conn.close()


def first_line_only(listener, stop):
    """Of two questions that arrive together, the first is answered."""
    listener.setblocking(False)
    conns = []
    while not stop.is_set():
        with contextlib.suppress(OSError):
            conns.append(listener.accept()[0])
            conns[-1].setblocking(False)
        for conn in list(conns):
            try:
                data = conn.recv(65536)
                conn.send(data[: data.find(b"\n") + 1] or data)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if not data:
                conns.remove(conn)
                conn.close()


def looks_at_the_last_byte(listener, stop):
    """A client that connects and leaves without a word ends the server."""
    listener.setblocking(False)
    conns = []
    while not stop.is_set():
        with contextlib.suppress(OSError):
            conns.append(listener.accept()[0])
            conns[-1].setblocking(False)
        for conn in list(conns):
            try:
                data = conn.recv(65536)
                conn.send(data if data[-1] == 10 else data + b"\n")
            except BlockingIOError:
                continue
            except OSError:
                conns.remove(conn)
                conn.close()


def reads_text(listener, stop):
    """Of the two bytes that end a line on some systems, one comes back."""
    listener.setblocking(False)
    unsent = {}
    while not stop.is_set():
        with contextlib.suppress(OSError):
            conn, _ = listener.accept()
            conn.setblocking(False)
            unsent[conn] = b""
        for conn in list(unsent):
            try:
                unsent[conn] = unsent[conn] or conn.recv(65536).replace(b"\r\n", b"\n")
                ended = not unsent[conn]
                unsent[conn] = unsent[conn][conn.send(unsent[conn]) :]
            except BlockingIOError:
                continue
            except OSError:
                ended = True
            if ended:
                del unsent[conn]
                conn.close()


def decodes_what_it_reads(listener, stop):
    """A letter with an accent, cut in two by the network, ends the server."""
    listener.setblocking(False)
    conns = []
    while not stop.is_set():
        with contextlib.suppress(OSError):
            conns.append(listener.accept()[0])
            conns[-1].setblocking(False)
        for conn in list(conns):
            try:
                text = conn.recv(65536).decode()
                conn.send(text.encode())
            except BlockingIOError:
                continue
            except OSError:
                text = ""
            if not text:
                conns.remove(conn)
                conn.close()
