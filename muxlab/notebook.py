"""The notebook that runs us, if there is one: which cell is being run, its event loop, and a bar for long experiments.

Everything here answers in plain Python too, and needs neither IPython nor a widget library until a bar is to be drawn.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import asyncio

Setting = TypeVar("Setting")

VS_CODE = "vscode-"
"""How the ids begin that VS Code tells: addresses of its own, and not the ids that are in the notebook."""

PATIENCE = 1.0
"""Seconds before a bar appears: what is over sooner needs none."""


def shell() -> Any | None:
    """Return the IPython that runs our code, or None in plain Python."""
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return get_ipython() if get_ipython else None


def request() -> dict:
    """Return the message with which a notebook asked for what is being run; {} outside a notebook."""
    return getattr(shell(), "get_parent", dict)() or {}


def cell_id() -> str:
    """Return the id of the cell that is being run, as the front-end tells it; "" if it tells none.

    JupyterLab and VS Code tell it in the same place; Google Colab has a place of its own for it.
    """
    metadata = request().get("metadata", {})
    return metadata.get("cellId") or metadata.get("colab", {}).get("cell_id") or ""


def current_cell() -> tuple[str, str] | None:
    """Return which cell is being run, and which run of it this is: (cell id, message id); None outside a notebook."""
    cell = cell_id()
    return (cell, request()["header"]["msg_id"]) if cell else None


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the loop that the cell runs in (ipykernel runs cells inside its own), or None in plain Python."""
    import asyncio  # here, because it takes longer to import than all of the package

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def with_bar(settings: Sequence[Setting], what: str) -> Iterable[Setting]:
    """Go through `settings`, with a bar while somebody is watching; it is gone at the end, and leaves nothing behind.

    Somebody is watching in a terminal, and in a notebook that a person runs. A program that runs one (nbval, nbconvert)
    says that nobody is there to answer a question, and its notebook is to stay clean.

    Args:
        settings: what to go through.
        what: the bar's label.

    Returns:
        The same settings, one after the other.
    """
    if len(settings) < 2 or not _watched():
        return settings
    return _bar_class()(settings, desc=what, leave=False, delay=PATIENCE)


@contextlib.contextmanager
def clock(seconds: float, what: str) -> Iterator[Callable[[float], None]]:
    """Show a bar, as `with_bar` does, of how much of some time has passed.

    Args:
        seconds: the whole time.
        what: the bar's label.

    Yields:
        What has to be told, again and again, how many seconds have passed.
    """
    with _filling(round(seconds, 1), what, "{n:.0f} of {total:g} s") as show:
        yield show


@contextlib.contextmanager
def counter(total: int, what: str) -> Iterator[Callable[[float], None]]:
    """Show a bar, as `with_bar` does, of how many of `total` there are.

    Yields:
        What has to be told, again and again, how many there are by now.
    """
    with _filling(total, what, "{n:,.0f} of {total:,}") as show:
        yield show


@contextlib.contextmanager
def _filling(whole: float, what: str, figures: str) -> Iterator[Callable[[float], None]]:
    if not _watched():
        yield lambda amount: None
        return
    form = "{desc}: {bar} " + figures
    with _bar_class()(total=whole, desc=what, leave=False, delay=PATIENCE, bar_format=form) as bar:

        def show(amount: float) -> None:
            bar.update(min(amount, whole) - bar.n)

        try:
            yield show
        finally:
            bar.total = bar.n  # one that is not full would stay, in red


def _bar_class() -> type:
    from tqdm.auto import tqdm  # only now: it loads a widget library in a notebook

    class Bar(tqdm):
        monitor_interval = 0  # no thread of its own, which would stay

    return Bar


def _watched() -> bool:
    message = request()
    if message:
        return bool(message.get("content", {}).get("allow_stdin"))
    return sys.stderr is not None and sys.stderr.isatty()
