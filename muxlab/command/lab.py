"""`muxlab lab`: a copy of the chapters in a folder of your own, and JupyterLab on it."""

import argparse
import contextlib
import errno
import os
import shlex
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from .. import __version__
from ..journal import last_chapter
from ..journal.place import USUAL, usual_copy
from ..lab.chapters import chapters_in, choose, course_folder
from ..lab.copy import Changes, bring_up_to_date, check_place, give_again, keep_to_oneself
from ..lab.environment import check_environment
from ..lab.jupyter import JupyterLab, check_port, check_runtime_folder, find_running, open_in_browser

NOT_ABOUT_THE_FOLDER = (errno.EPIPE, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN)
"""Errors that another folder would not mend: nobody reads what is printed, or this machine's limits are reached."""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    command = commands.add_parser(
        "lab",
        help="open the course in JupyterLab, as a copy of your own",
        description="Copy the chapters into a folder of your own, and open JupyterLab on it. What you change there is "
        "yours: it is never overwritten. Run it again to go on where you left off.",
    )
    command.add_argument(
        "folder",
        nargs="?",
        help=f"your copy; made if there is none (by default the one you are in, or else {' or '.join(USUAL)})",
    )
    command.add_argument(
        "--fresh",
        action="append",
        default=[],
        metavar="NN",
        help="get a fresh copy of this chapter, by its number; yours is kept beside it (may be repeated)",
    )
    command.add_argument("--no-browser", action="store_true", help="print the address, and open no browser")
    command.add_argument("--port", type=int, metavar="N", help="where JupyterLab listens (a free port, from 8888 on)")
    command.set_defaults(command=lab)


def lab(options: argparse.Namespace) -> int:
    """Bring the copy up to date, open JupyterLab on it, or the one that is running there, and wait for its end."""
    check_environment()
    course = course_folder()
    fresh = choose(options.fresh, chapters_in(course))
    folder = _folder_named(options.folder) if options.folder else usual_copy() or Path(USUAL[0])
    with _writing(folder):
        check_place(folder)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup(1) has it ignored
        signal.signal(signal.SIGHUP, signal.default_int_handler)  # a terminal that is closed ends it as Ctrl-C does
    with contextlib.ExitStack() as at_the_end:
        with _writing(folder), keep_to_oneself(folder, _tell_waiting):
            changes = bring_up_to_date(folder, course, __version__)
            print(f"muxlab {__version__}. Your copy of the course is in {folder.resolve()}")
            _tell(changes, fresh, options)
            _give_again(fresh, folder, course)
            there = find_running(folder)
            if there is None:
                check_port(options.port)
                check_runtime_folder()
                print("JupyterLab is starting.", flush=True)
                server = at_the_end.enter_context(JupyterLab(folder, options.port))
        notebook = fresh[0].name if fresh else _where_to_go_on(folder)
        if there is not None:
            _tell_where(there.page(notebook), "JupyterLab is running on this copy already.", options, folder)
            print("To stop it, press Ctrl-C in the terminal that started it.")
            return 0
        try:
            _tell_where(server.running.page(notebook), "JupyterLab is running.", options, folder)
            _tell_how_to_stop()
            return _wait_for(server)
        except KeyboardInterrupt:
            print("\nStopping JupyterLab and its kernels ...", flush=True)
            server.end()
            print("Stopped. To go on where you are now, run the same command again.")
            print(f"To see how far you have come: {_typed()} progress{_named(options)}")
            return 0


def _folder_named(name: str) -> Path:
    """Return the folder that is named on the command line; raise ValueError if a chapter is meant, it seems."""
    if name.isdecimal() and len(name) <= 2 and not os.path.lexists(name):
        raise ValueError(
            f"there is no folder {name}, and the number of a chapter is not a folder. To open a chapter, type "
            f"`{_typed()} lab` and choose it from the list on the left. To make a new copy in a folder called {name}: "
            f"{_typed()} lab ./{name}"
        )
    return Path(name)


def _give_again(fresh: list[Path], folder: Path, course: Path) -> None:
    for chapter in fresh:
        kept = give_again(folder, chapter.name, course, __version__)
        print(f"  {chapter.name} is fresh again{f'; yours is kept beside it, as {kept}' if kept else ''}.")
    if fresh:
        print(
            "  If it is open in JupyterLab already, choose File > Reload Notebook from Disk there. That drops changes"
        )
        print("  that you have not saved; to keep them, save the notebook under another name first.")


def _where_to_go_on(folder: Path) -> str:
    """Return the name of the chapter that was left last, or of the first."""
    chapters = [path.name for path in chapters_in(folder)]
    last = f"{last_chapter(folder)}.ipynb"
    return last if last in chapters else next(iter(chapters), "")  # "": the folder itself, which may hold none


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Say what to do about a folder that cannot be written."""
    try:
        yield
    except OSError as error:
        if error.strerror is None or error.errno in NOT_ABOUT_THE_FOLDER:  # the former says what to do by itself
            raise
        where = f" ({error.filename})" if error.filename not in (None, str(folder)) else ""
        advice = "Name a folder that you can write to: muxlab lab FOLDER"
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            advice = "Make room there, and run the same command again"
        raise ValueError(f"{folder} cannot be written: {error.strerror}{where}. {advice}") from None


def _tell_waiting() -> None:
    print("Another `muxlab lab` is at work on this copy; waiting for it.", flush=True)


def _tell(changes: Changes, fresh: list[Path], options: argparse.Namespace) -> None:
    """Say what was done to the copy, and what the learner may want to do about it."""
    if changes.is_newer:
        print(f"  It was made by muxlab {changes.before}, which is newer than this one, so nothing in it was touched.")
        print(f"  To use it here, install the wheel of muxlab {changes.before} or newer:")
        print(f"  {sys.executable} -m pip install muxlab-*.whl")
        return
    if changes.before not in (None, __version__):
        print(f"  It was made by muxlab {changes.before}, and follows {__version__} now.")
    if added := changes.chapters("added"):
        print(f"  {len(added)} {'chapter was' if len(added) == 1 else 'chapters were'} copied.")
    if replaced := changes.chapters("replaced"):
        print(f"  Brought up to date: {_listed(replaced)}.")
    if retired := changes.chapters("retired"):
        print(f"  Not in the course any more, and left as you have it: {', '.join(retired)}.")
    taken = [path.name for path in fresh]
    if outdated := [name for name in changes.chapters("outdated") if name not in taken]:
        print(f"  Left alone, because you have run or changed them: {_listed(outdated)}. To get the newer version,")
        print(f"  and keep yours beside it: {_this_command(options, *(f'--fresh {name[:2]}' for name in outdated))}")


def _listed(chapters: list[str]) -> str:
    """Return the numbers of some chapters as they are named in a sentence."""
    *others, last = [name[:2] for name in chapters]
    return f"{', '.join(others)} and {last}" if others else last


def _this_command(options: argparse.Namespace, *more: str) -> str:
    """Return the command line that does the same once more, with some options."""
    if "MAKELEVEL" in os.environ:  # set by make: it is `make lab` that the learner has typed
        return f'make lab LAB_ARGS="{" ".join(more)}"'
    return " ".join([f"{_typed()} lab{_named(options)}", *more])


def _named(options: argparse.Namespace) -> str:
    """Return the folder as it was named on the command line, with a space before it, or ""."""
    return f" {shlex.quote(options.folder)}" if options.folder else ""


def _typed() -> str:
    """Return what to type for `muxlab`: after `make lab`, it is in an environment that the shell does not look into."""
    script = Path(sys.executable).with_name("muxlab")
    found = shutil.which("muxlab")
    if found and script.exists() and os.path.samefile(found, script):
        return "muxlab"
    if not script.exists():
        return f"{shlex.quote(sys.executable)} -m muxlab"
    return shlex.quote(str(script.relative_to(Path.cwd()) if script.is_relative_to(Path.cwd()) else script))


def _tell_where(page: str, state: str, options: argparse.Namespace, folder: Path) -> None:
    """Open a page in the browser, if there is one and it is wanted, and say where it is."""
    shown = not options.no_browser and open_in_browser(page, folder)
    what_to_do = "If your browser does not show it, open this address" if shown else "Open this address in a browser"
    print(f"\n{state} {what_to_do}:")
    print(f"\n    {page}\n", flush=True)


def _tell_how_to_stop() -> None:
    if os.geteuid() == 0:
        print("You are root, so JupyterLab was started with --allow-root; an ordinary account would be safer.")
    in_the_background = signal.getsignal(signal.SIGINT) is signal.SIG_IGN  # started by a script, with `&`
    how = f"`kill {os.getpid()}`" if in_the_background else "Ctrl-C here"
    print(f"{how} stops it; save your notebooks first. Its log is .muxlab/jupyterlab.log.", flush=True)


def _wait_for(server: JupyterLab) -> int:
    """Wait until JupyterLab has ended by itself, and return the exit status."""
    if status := server.wait():
        print(f"muxlab: JupyterLab has ended with status {status}; what it said is in {server.log}", file=sys.stderr)
        return 1
    print("JupyterLab was shut down.")
    return 0
