"""A server function from a file: `path/to/server.py:function`."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from ..errors import where


def function_at(place: str) -> Callable:
    """The function that `path/to/server.py:function` names; the file is run as an import would run it.

    Raises:
        ValueError: there is no such file or function, or the file cannot be run; says what there is.
    """
    file, _, name = place.rpartition(":")
    if not file or not name:
        raise ValueError(f"{place!r}: name a file and a function in it, as in path/to/server.py:function")
    path = Path(file)
    if not path.is_file():
        raise ValueError(f"there is no file {file}")
    found = vars(_run(path))
    if name not in found:
        own = [key for key, value in found.items() if callable(value) and value.__module__ == path.stem]
        raise ValueError(f"{file} has no {name!r}; it has {', '.join(own) if own else 'no function at all'}")
    fn = found[name]
    if not callable(fn):
        raise ValueError(f"{name} in {file} is no function: {fn!r}")
    return fn


def _run(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} is no Python file: its name does not end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent.resolve()))  # so that it can import its neighbours, as a script can
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise ValueError(f"{path} cannot be run: {error}") from None
    except Exception as error:
        raise ValueError(f"{path} cannot be run: {where(error, str(path))}") from None
    finally:
        sys.path.remove(str(path.parent.resolve()))
    return module
