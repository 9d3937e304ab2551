"""Wait with selectors: one interface for select, poll and epoll, which takes the best that the system has."""

import selectors

from ..connection import Acceptor, Connection, echo

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


def selectors_server(listener, stop):
    """Echo with a selector: it remembers what was registered with it, and hands back the thing itself.

    On Linux it waits with epoll. What is ready comes as pairs of a key and an event mask; `key.fileobj` is what was
    registered, and `key.events` what it is watched for. So the server needs no lists of its own.

    Args:
        listener: a listening TCP socket.
        stop: has `is_set()`, and a `fileno()` that becomes readable when the server has to return.
    """
    acceptor = Acceptor(listener)
    with selectors.DefaultSelector() as selector:
        selector.register(stop, READ)
        selector.register(acceptor, READ)
        try:
            while not stop.is_set():
                ready = selector.select(acceptor.timeout)
                if acceptor.rest_is_over():
                    selector.register(acceptor, READ)
                for key, _ in ready:
                    client = key.fileobj
                    if isinstance(client, Connection):
                        echo(client)
                        if client.done:
                            selector.unregister(client)  # before close: it is looked up by its descriptor
                            client.close()
                            continue
                        wanted = client.wants_read * READ | client.wants_write * WRITE
                        if wanted != key.events:
                            selector.modify(client, wanted)
                    elif client is acceptor:
                        for client in acceptor.accept():
                            selector.register(client, READ)
                        if acceptor.resting:
                            selector.unregister(acceptor)  # a selector does not accept an empty event mask
        finally:
            for key in list(selector.get_map().values()):
                if isinstance(key.fileobj, Connection):
                    key.fileobj.close()
