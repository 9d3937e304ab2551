"""Sleep in the call itself: one client after the other."""

from ..blocking import Door
from ..connection import echo


def blocking_server(listener, stop):
    """Echo with blocking calls, to one client at a time: the next one is accepted when this one has left.

    Nothing is simpler, and waiting takes no CPU time. But a client that says nothing keeps all the others waiting.

    Args:
        listener: a listening TCP socket.
        stop: has `is_set()`, and a `fileno()` that becomes readable when the server has to return.
    """
    with Door(listener, stop) as door:
        for client in door.clients():  # asleep in accept until somebody comes
            try:
                while not client.done:
                    echo(client)  # asleep in recv until this client speaks, in send until it takes the reply
            finally:
                client.close()
