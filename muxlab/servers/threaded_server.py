"""Sleep in the call itself, in a thread for each client: the kernel takes turns with the threads."""

import threading

from ..blocking import Door
from ..connection import Connection, echo


def threaded_server(listener, stop):
    """Echo with blocking calls, each client in a thread of its own: a silent one keeps nobody but its thread waiting.

    Each thread costs memory for its stack, and each reply a switch from one thread to another. A client for whom the
    system has no thread left is turned away: its connection is closed at once.

    Args:
        listener: a listening TCP socket.
        stop: has `is_set()`, and a `fileno()` that becomes readable when the server has to return.
    """
    threads: set[threading.Thread] = set()  # one for each client that is connected

    def serve(client: Connection) -> None:
        try:
            while not client.done:
                echo(client)  # asleep in recv until this client speaks, in send until it takes the reply
        finally:
            client.close()
            threads.discard(threading.current_thread())

    try:
        with Door(listener, stop) as door:
            for client in door.clients():  # asleep in accept until somebody comes
                thread = threading.Thread(target=serve, args=[client], daemon=True)
                threads.add(thread)
                try:
                    thread.start()
                except RuntimeError:  # can't start new thread
                    threads.discard(thread)
                    client.close()
    finally:
        for thread in [*threads]:  # the door has woken them all
            thread.join()
