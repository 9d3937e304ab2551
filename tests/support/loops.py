"""A loop of its own for each test of the runtime."""

from collections.abc import Callable
from typing import Any

from muxlab.runtime import Loop


def run(coroutine_function: Callable, *args: Any) -> Any:
    """Run a coroutine in a loop of its own; `args` come after the loop."""
    loop = Loop()
    return loop.run(coroutine_function(loop, *args))
