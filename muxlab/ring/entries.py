"""What is in the two queues of a ring, in Python's terms and in words: requests, and what became of them."""

import errno
import socket
from typing import Any, NamedTuple


class Completion(NamedTuple):
    """An entry of the completion queue: what became of a request.

    Attributes:
        name: what was asked for: "accept", "recv", "send", "poll", "timeout" or "cancel".
        tag: the tag of the request.
        result: what the call returned, such as a number of bytes; below 0 it is an error number with a minus.
        more: whether the request goes on, and will complete again.
        sock: with "accept", the client's socket.
    """

    name: str
    tag: Any
    result: int
    more: bool = False
    sock: socket.socket | None = None

    @property
    def error(self) -> str:
        """The name of the error, "ECONNRESET"; "" when there was none."""
        return error_name(self.result)

    def __str__(self) -> str:
        return result_text(Request(self.name, -1, self.tag, None), self.result)


class Queues(NamedTuple):
    """What is where at one moment; each request as text, "recv client 1".

    Attributes:
        submission: requests that wait in the submission queue to be handed over.
        kernel: requests that the kernel has, and has not completed.
        completion: what waits in the completion queue to be taken, with its result.
    """

    submission: tuple[str, ...]
    kernel: tuple[str, ...]
    completion: tuple[str, ...]

    def __str__(self) -> str:
        names = "submission queue", "with the kernel", "completion queue"
        return "\n".join(f"{name:<18}{', '.join(held) or '-'}" for name, held in zip(names, self, strict=True))


class Request(NamedTuple):
    """A request that has not completed: what was asked for, of which descriptor, its tag, and what was lent for it."""

    name: str
    fd: int
    tag: Any
    lent: Any

    def __str__(self) -> str:
        return f"{self.name} {self.tag}" if isinstance(self.tag, str) and self.tag else self.name


def error_name(result: int) -> str:
    """Return the name of the error that a completion's result stands for, "ECONNRESET"; "" when it is none."""
    return errno.errorcode.get(-result, str(-result)) if result < 0 else ""


def result_text(request: Request, result: int) -> str:
    """Return a completion as text: "recv client 1 = 5"; without numbers of descriptors, which mean nothing."""
    words = {"accept": "a client", "poll": "readable"}
    return f"{request} = {error_name(result) or words.get(request.name, result)}"
