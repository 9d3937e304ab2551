"""An exercise in a notebook: what it is about, and three buttons.

A check runs on the kernel's main thread, as a cell does, whatever thread the click arrives on: cells and other buttons
wait until it has finished, and Interrupt ends it.
"""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from IPython import get_ipython
from ipywidgets import HTML, Button, HBox, VBox

from .. import notebook
from ..errors import text_of
from . import markup

if TYPE_CHECKING:
    from ..trials import Report

_checking = threading.Lock()  # held during a check: two at once would disturb each other
_shown: dict[str, "ExercisePanel"] = {}  # by cell


class ExercisePanel(VBox):
    """The panel of one exercise; made by `show`."""

    def __init__(self, exercise: Any) -> None:
        self._exercise = exercise
        self._loop = notebook.running_loop()
        self._checks = False  # no button is ever disabled: one that has the focus would lose it
        self._deaf_until: datetime | None = None  # by the browser's clock; what was pressed during a check is dropped
        self._hint, self._check, self._solution = Button(), Button(button_style="primary"), Button()
        self._hint.on_click(self._press_hint)
        self._check.on_click(self._press_check)
        self._solution.on_click(self._press_solution)
        self._hints, self._report, self._source = HTML(), HTML(), HTML()
        head = HTML(markup.page(markup.prose("", exercise.title) + markup.prose(exercise.about)))
        buttons = HBox([self._hint, self._check, self._solution])
        super().__init__([head, buttons, self._hints, self._report, self._source])
        self.add_class("mux-exercise")
        self._show_hints()
        self._show_solution(False)
        self._rest()

    def dismiss(self) -> None:
        """Take the panel off the page."""
        for widget in (*self.children[1].children, *self.children, self):
            widget.close()

    # ---- hints

    def _press_hint(self, _: Any) -> None:
        self._exercise.hint()
        self._show_hints()

    def _show_hints(self) -> None:
        """Show the hints that were told so far."""
        told, hints = self._exercise.told, self._exercise.hints
        lines = [markup.prose(hint, f"Hint {number} of {len(hints)}.") for number, hint in enumerate(hints[:told], 1)]
        self._hints.value = markup.page("".join(lines)) if lines else ""
        self._hint.description = "No more hints" if told == len(hints) else "Next hint" if told else "Hint"

    # ---- check

    def _press_check(self, _: Any) -> None:
        pressed = notebook.request().get("header", {}).get("date")
        if pressed and self._deaf_until and pressed < self._deaf_until:
            return
        if not _checking.acquire(blocking=False):
            if not self._checks:
                self._say("Another check is still running: press again when it has finished.")
            return
        self._checks, self._check.description = True, "Checking …"
        self._say(f"`{self._exercise.answer}` is being checked; this takes some seconds.")
        if self._loop is None:
            self._run(pressed)
        else:
            self._loop.call_soon_threadsafe(self._run, pressed)

    def _run(self, pressed: datetime | None) -> None:
        began = time.monotonic()
        try:
            with _interruptible():
                self._check_now()
        except KeyboardInterrupt:
            self._say("Interrupted. Press Check to begin again.")
        except Exception as error:  # nobody looks at a cell when a button was pressed: it is said here
            self._say(text_of(error))
        finally:
            if pressed:
                self._deaf_until = pressed + timedelta(seconds=time.monotonic() - began)
            self._rest()
            _checking.release()

    def _check_now(self) -> None:
        self._show_solution(self._solution_is_shown)  # compared with what is checked now, not with an older answer
        name = self._exercise.answer
        names = self._names()
        if name not in names:
            self._say(f"There is no `{name}` in this notebook yet. Run the cell that defines it, then press Check.")
            return
        answer = self._exercise.check(names[name])
        if answer.report is None:
            self._say(answer.said)
        elif answer.passed:
            self._say(f"{answer.said} The solution shows another way to do it.", "mux-solved", answer.report)
        else:
            # no button is named: this stays on the page when a button has changed its name
            all_told = self._exercise.told == len(self._exercise.hints)
            stuck = "Stuck? Compare yours with the solution." if all_told else "Stuck? Ask for a hint."
            self._say(f"{answer.said} {stuck}", "mux-not-yet", answer.report)

    def _rest(self) -> None:
        self._checks, self._check.description = False, "Check"

    def _say(self, text: str, kind: str = "", report: "Report | None" = None) -> None:
        """Show a sentence below the buttons; being an alert, it is also read aloud when it comes."""
        said = f'<div role="alert" class="mux-said {kind}">{markup.prose(text)}</div>'
        self._report.value = markup.page(said) + (report._repr_html_() if report else "")

    # ---- solution

    @property
    def _solution_is_shown(self) -> bool:
        return bool(self._source.value)

    def _press_solution(self, _: Any) -> None:
        self._show_solution(not self._solution_is_shown)

    def _show_solution(self, shown: bool) -> None:
        yours = self._names().get(self._exercise.answer)
        self._source.value = self._exercise.solution(yours)._repr_html_() if shown else ""
        self._solution.description = "Hide solution" if shown else "Solution"

    def _names(self) -> dict[str, Any]:
        """Return the names that the notebook has defined."""
        return get_ipython().user_ns


def show(exercise: Any) -> ExercisePanel:
    """Return a panel for an exercise; the one that an earlier run of this cell has shown is closed."""
    cell, _ = notebook.current_cell() or (exercise.name, "")
    if cell in _shown:
        _shown.pop(cell).dismiss()
    _shown[cell] = ExercisePanel(exercise)
    return _shown[cell]


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Let Interrupt end what is done here; between two cells, the kernel is deaf to it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
