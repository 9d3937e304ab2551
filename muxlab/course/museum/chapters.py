"""The broken servers that the chapters give to repair; the cells leave out the line that tells the symptom."""

import select


def buggy_server(listener, stop):
    """Every client that ever came is asked for ever, and keeps its socket."""
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
                    cleints.remove(conn)
                    conn.close()
            except Exception:
                pass
    for conn in clients:
        conn.close()


def restless_server(listener, stop):
    """When its clients have left it takes a whole core, for nobody."""
    socks = [stop, listener]
    while not stop.is_set():
        readable, _, _ = select.select(socks, [], [])
        for sock in readable:
            if sock is listener:
                socks.append(sock.accept()[0])
            elif sock is not stop and (data := sock.recv(1024)):
                sock.sendall(data)
    for sock in socks[2:]:
        sock.close()


def ghost_server(listener, stop):
    """When a client has left it takes a whole core, for nobody."""
    conns = {}  # by descriptor
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
                    conns.pop(fd).close()
    for conn in conns.values():
        conn.close()


def picky_server(listener, stop):
    """After a client has reset its connection it takes a whole core, for nobody."""
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
                elif events == select.EPOLLIN and fd in conns:
                    if data := conns[fd].recv(1024):
                        conns[fd].send(data)
                    else:
                        epoll.unregister(fd)
                        conns.pop(fd).close()
    for conn in conns.values():
        conn.close()


def burst_server(listener, stop):
    """Of a crowd that comes at one instant, most are never answered."""
    conns = {}
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN | select.EPOLLET)
        while not stop.is_set():
            for fd, mask in epoll.poll():
                if fd == listener.fileno():
                    conn, address = listener.accept()
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
    for conn in conns.values():
        conn.close()


def crowded_server(listener, stop):
    """When no descriptor is left, and somebody is at the door, it takes a whole core."""
    conns = {}  # by descriptor
    with select.epoll() as epoll:
        epoll.register(stop, select.EPOLLIN)
        epoll.register(listener, select.EPOLLIN)
        while not stop.is_set():
            for fd, mask in epoll.poll():
                if fd == listener.fileno():
                    try:
                        conn, address = listener.accept()
                    except OSError:  # no descriptor left: better luck next time
                        continue
                    conns[conn.fileno()] = conn
                    epoll.register(conn, select.EPOLLIN)
                elif fd in conns:
                    try:
                        data = conns[fd].recv(65536)
                    except OSError:
                        data = b""
                    if data:
                        conns[fd].sendall(data)
                    else:
                        epoll.unregister(fd)
                        conns.pop(fd).close()
    for conn in conns.values():
        conn.close()


def heir_server(listener, stop):
    """After a client has broken off, another one gets the rest of its reply."""
    listener.setblocking(False)
    conns, unsent = {}, {}  # both by descriptor
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
                    try:
                        unsent[fd] = unsent.get(fd) or conns[fd].recv(65536)
                        ended = not unsent[fd]
                        unsent[fd] = unsent[fd][conns[fd].send(unsent[fd]) :]
                    except BlockingIOError:
                        ended = False
                    except OSError:
                        ended = True
                    if ended:
                        epoll.unregister(fd)
                        conns.pop(fd).close()
                    else:
                        epoll.modify(fd, select.EPOLLOUT if unsent.get(fd) else select.EPOLLIN)
    for conn in conns.values():
        conn.close()
