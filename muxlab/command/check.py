"""`muxlab check`: the trials of a server that stands in a file of your own."""

import argparse
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from ..errors import where


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    command = commands.add_parser(
        "check",
        help="try your own server with hostile clients",
        description="Try your own server with clients that behave as real ones do, well and badly, and say what failed "
        "and why. The exit status is 0 if all trials passed, 1 if one failed, 2 if there is no verdict.",
    )
    command.add_argument("place", metavar="FILE:FUNCTION", help="a server function, as path/to/server.py:function")
    command.add_argument(
        "--trial",
        action="append",
        metavar="NAME",
        help="run only this trial (may be repeated); redis stands for all those of a Redis-like server",
    )
    command.add_argument(
        "--search",
        type=float,
        metavar="SECONDS",
        help="afterwards, search this long for a conversation that breaks the server",
    )
    command.set_defaults(command=check)


def check(options: argparse.Namespace) -> int:
    """Run the trials, and print the report."""
    from ..trials import check as run_trials  # here, because no other command needs it

    try:
        report = run_trials(function_at(options.place), options.trial, options.search)
    except (TypeError, ValueError) as error:
        print(f"muxlab: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nstopped, without a verdict", file=sys.stderr)
        return 2
    print(report)
    if any(trial.passed is False for trial in report.trials):
        return 1
    return 0 if report.passed else 2


def function_at(place: str) -> Callable:
    """Return the function that `path/to/server.py:function` names; the file is run as an import would run it.

    Raises:
        ValueError: there is no such file or function, or the file cannot be run; says what there is.
    """
    file, _, name = place.rpartition(":")
    if Path(place).is_file():
        raise ValueError(f"{place}: say which of its functions you mean, as in {place}:{Path(place).stem}")
    if not file or not name:
        raise ValueError(f"{place!r}: name a file and a function in it, as in path/to/server.py:function")
    path = Path(file)
    if not path.is_file():
        raise ValueError(f"there is no file {file}")
    found = vars(_module_of(path))
    if name not in found:
        own = [key for key, value in found.items() if callable(value) and value.__module__ == path.stem]
        raise ValueError(f"{file} has no {name!r}; it has {', '.join(own) if own else 'no function at all'}")
    fn = found[name]
    if not callable(fn):
        raise ValueError(f"{name} in {file} is not a function: {fn!r}")
    return fn


def _module_of(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} is not a Python file: its name does not end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent.resolve()))  # so that it can import its neighbours, as a script can
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise ValueError(f"{path} cannot be run: {error}") from None
    except SystemExit as error:
        raise ValueError(f"{path} ends the program while it is imported: {where(error, str(path))}") from None
    except Exception as error:
        raise ValueError(f"{path} cannot be run: {where(error, str(path))}") from None
    finally:
        sys.path.remove(str(path.parent.resolve()))
    return module
