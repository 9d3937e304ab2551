"""A module of its own, whose waits and work no tap sees."""

import select


def wait(listener):
    """Sleep until somebody connects."""
    with select.epoll() as epoll:
        epoll.register(listener, select.EPOLLIN)
        epoll.poll()


def work():
    """Be busy for longer than the tests have patience."""
    for _ in range(3_000_000):
        pass
