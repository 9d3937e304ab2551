"""The process in which a learner's answer is run. Nobody believes what it says: see the docstring of the room.

It is started with three arguments: what to do, a file that says with what, and the number of a socket to the examiner,
on which messages keep their borders (SOCK_SEQPACKET, unix(7)).

    check   do what the learner's own cell does, `muxlab.exercise(name).check(answer)`, and tell what came of it
    serve   tell that the answer is loaded; then wait for a word, and be a server: on a listener and with a `stop` whose
            descriptors the examiner has, too
"""

import ast
import inspect
import json
import linecache
import os
import select
import socket
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import where
from ..listener import Listener
from ..server_function import ServerFunction
from .bounds import Bounds, keep_within
from .process_tree import die_with_parent

MOST = 100_000
"""Bytes of the longest message to the examiner; a longer detail of a trial is cut."""

DETAIL = 500
"""Characters of a trial's detail that are passed on."""


class StopOverPipe:
    """The `stop` of a server whose end somebody else decides: the reading end of a pipe.

    Args:
        fd: the reading end.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when the server has to return."""
        return self._fd

    def is_set(self) -> bool:
        """Tell whether the server has to return."""
        return bool(self._poll.poll(0))


def main(arguments: list[str]) -> None:
    """Do one of the two; the process ends with it, whatever the answer has left running."""
    todo, file, channel = arguments
    task = json.loads(Path(file).read_text(encoding="utf-8"))
    die_with_parent(task["parent"])
    keep_within(Bounds(**task["bounds"]))
    with socket.socket(fileno=int(channel)) as examiner:
        try:
            answer = load(task)
        except BaseException as error:
            tell(examiner, error=f"the answer cannot be run: {where(error)}")
            raise
        try:
            {"check": check, "serve": serve}[todo](examiner, answer, task)
        except Exception as error:  # the answer is not a server function, for example
            tell(examiner, error=where(error))
    os._exit(0)  # at once: threads of the answer may run on


def load(task: dict[str, Any]) -> Any:
    """Run the statements that make the answer, as its notebook would, and return it."""
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    for cell in task["cells"]:
        file = f"<{task['notebook']}, {cell['place']}>"
        source = cell["source"]
        linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
        tree = ast.parse(source)
        tree.body = [tree.body[number] for number in cell["chosen"]]
        exec(compile(tree, file, "exec", dont_inherit=True), vars(module))
    return eval(task["expression"], vars(module))


def check(examiner: socket.socket, answer: Any, task: dict[str, Any]) -> None:
    """Check the answer as its own cell would, and tell what came of it."""
    import muxlab

    found = muxlab.exercise(task["exercise"]).check(answer)
    trials = [(trial.name, trial.passed, trial.detail[:DETAIL]) for trial in found.trials]
    tell(examiner, said=found.said, tried=found.report is not None, trials=trials)


def serve(examiner: socket.socket, answer: Callable, task: dict[str, Any]) -> None:
    """Be a server, from the examiner's word on until the function returns."""
    function = ServerFunction(answer, "answer")
    tell(examiner, takes_stop=function.takes_stop, parameters=list(inspect.signature(answer).parameters))
    begin = json.loads(examiner.recv(MOST))
    if begin["settings"]:
        import functools

        function = ServerFunction(functools.partial(answer, **begin["settings"]), "answer")
    listener = Listener(socket.AF_INET, socket.SOCK_STREAM, 0, task["listener"])
    stop: Any = StopOverPipe(task["stop"])
    try:
        function.call(listener, stop)
    except BaseException as error:
        tell(examiner, error=f"the server ended: {where(error)}")
        os._exit(1)


def tell(examiner: socket.socket, **what: object) -> None:
    """Send one message to the examiner."""
    examiner.send(json.dumps(what).encode()[:MOST])


if __name__ == "__main__":
    main(sys.argv[1:])
