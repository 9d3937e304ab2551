"""The stepper's and the duel's buttons without a browser, and a server that forgets what it did not read."""


def forgetful(listener):
    """Edge-triggered, and reads once."""
    import select

    epoll = select.epoll()
    epoll.register(listener, select.EPOLLIN)
    clients = {}
    while True:
        for fd, _ in epoll.poll():
            if fd == listener.fileno():
                client, _ = listener.accept()
                clients[client.fileno()] = client
                epoll.register(client, select.EPOLLIN | select.EPOLLET)
            else:
                clients[fd].send(clients[fd].recv(1024))


def press(panel, act, client="", text="hello", times=1):
    """Do what the browser does when a button is pressed; returns the view that answers it."""
    before = panel.view["answered"]
    content = {"act": act, "client": client, "text": text, "times": times} if client else {"act": act}
    panel._handle_custom_msg(content, [])
    assert panel.view["answered"] == before + 1
    return panel.view


def row(panel, name="client 1"):
    """Return how a client stands in a stepper's panel."""
    return next(row for row in panel.view["rows"] if row["name"] == name)


def queued(row, queue):
    """Return how many bytes are shown in a client's queue."""
    return row["bars"][queue]["bytes"]
