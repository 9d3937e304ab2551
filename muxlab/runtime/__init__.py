"""`async` and `await` on one epoll: the loop of chapter 11, finished. It knows nothing of asyncio.

    loop = Loop()
    loop.run(main())  # main awaits: accept, recv, sendall, sleep, ...

One task runs at a time, and only an `await` lets another one run. All of it happens in one thread; from any other
thread, `Loop.call_from_thread` is the only way in.

    loop         Loop and Task: tasks that take turns, and one epoll that tells whose turn it is
    bell         the self-pipe, by which other threads wake the loop
    awaitables   what a coroutine can await: accept, recv, sendall, connect, sleep, timeout, in_thread, ...
"""

from .awaitables import accept, connect, in_thread, readable, recv, sendall, sleep, timeout, writable
from .loop import Cancelled, Loop, Task

__all__ = [
    "Cancelled",
    "Loop",
    "Task",
    "accept",
    "connect",
    "in_thread",
    "readable",
    "recv",
    "sendall",
    "sleep",
    "timeout",
    "writable",
]
