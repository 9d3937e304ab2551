"""Give one function other global names: its `select`, `socket`, `selectors` and `time` report to a tap.

The function's code stays as it is. It gets a new dictionary to look up its global names in, and so do its helpers:
functions of the same module or notebook, and its classes with a method that uses one of the four. Nothing changes for
the rest of the process.

Not handled here: a helper in another module keeps the names of that module; only the sockets passed to it report.
Sockets, selectors and poll objects that were made before the server started do not report. A value that the function
assigns to a `global` name reaches the module only when the function ends.
"""

import builtins
import contextlib
import functools
import types
from collections.abc import Callable
from typing import Any

from ..ring import Ring
from .ring_stand_in import ring_class
from .stand_ins import Epoll, stand_ins
from .tap import Tap

MODULES = ("select", "selectors", "socket", "time")
"""Modules with calls that the tap records."""

CODE = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type)
"""Types of what a module imports or defines, in contrast to its data."""


class Globals(dict):
    """The global names of a watched function: looked up in its module when needed, with stand-ins where there are any.

    Args:
        fn: the function, method, partial or callable object to watch.
        tap: the tap to report to.

    Attributes:
        fn: the same function, with these global names.
        real: the global names of its module.
    """

    def __init__(self, fn: Callable, tap: Tap) -> None:
        super().__init__()
        self.real: dict[str, Any] = getattr(plain_function(fn), "__globals__", {})
        self._stand_ins = stand_ins(tap) | {Ring: ring_class(tap)}
        self._by_id: dict[int, Any] = {id(thing): stand_in for thing, stand_in in self._stand_ins.items()}
        self._modules = {name: self._copy_module(__import__(name)) for name in MODULES}
        self._made: dict[int, tuple[Any, Any]] = {}  # by id: the original, kept alive, and its stand-in
        self["__builtins__"] = {**vars(builtins), "__import__": self._import}
        self["__name__"] = self.real.get("__name__")
        self._not_assigned = set(self)  # names that the function did not assign
        self.fn = self._rebind(fn)

    def __missing__(self, name: str) -> Any:
        if name in self.real:
            value = self.stand_in_for(self.real[name])
            if not isinstance(value, CODE) or getattr(value, "__module__", None) == self["__name__"]:
                return value  # data, or the module's own code: the name may get another value at any time
        else:
            value = self["__builtins__"][name]  # the KeyError becomes a NameError in the function
        self._not_assigned.add(name)
        self[name] = value  # imported: kept here, where it is found more quickly
        return value

    def stand_in_for(self, value: Any) -> Any:
        """Return what the function gets for `value`: its stand-in if it has one, otherwise `value` itself."""
        if id(value) in self._by_id:
            return self._by_id[id(value)]
        if isinstance(value, types.FunctionType) and value.__globals__ is self.real:
            return self._copy_function(value)
        if type(value) is type and self._uses_stand_ins(value):
            return self._once(value, lambda: self._subclass(value))
        kind = self._stand_ins.get(type(value))
        if isinstance(kind, type) and issubclass(kind, Epoll):  # an epoll object made before the server started
            return self._once(value, lambda: kind(real=value))
        return value

    def write_back(self) -> None:
        """Copy what the function assigned to `global` names into its module."""
        self.real.update({name: value for name, value in self.items() if name not in self._not_assigned})

    def _rebind(self, fn: Callable) -> Callable:
        if isinstance(fn, functools.partial):
            return functools.partial(self._rebind(fn.func), *fn.args, **fn.keywords)
        if isinstance(fn, types.FunctionType):
            return self._copy_function(fn)
        method = fn if isinstance(fn, types.MethodType) else vars(type(fn)).get("__call__")
        if isinstance(method, types.FunctionType):
            method = types.MethodType(method, fn)
        if isinstance(method, types.MethodType) and isinstance(method.__func__, types.FunctionType):
            return types.MethodType(self._copy_function(method.__func__), self._copy_object(method.__self__))
        return fn

    def _copy_function(self, fn: types.FunctionType) -> Any:
        """Return a function with the same code, these global names, and stand-ins in its closure."""
        if id(fn) in self._made:
            return self._made[id(fn)][1]
        closure = fn.__closure__ or ()
        cells = tuple(types.CellType() if _holds_code(cell) else cell for cell in closure)
        new = types.FunctionType(fn.__code__, self, fn.__name__, fn.__defaults__, cells or None)
        self._made[id(fn)] = fn, new  # before the cells are filled: one of them may hold the function itself
        for cell, old in zip(cells, closure, strict=True):
            if cell is not old:
                cell.cell_contents = self.stand_in_for(old.cell_contents)
        new.__kwdefaults__, new.__qualname__ = fn.__kwdefaults__, fn.__qualname__
        new.__dict__.update(fn.__dict__)
        return new

    def _subclass(self, cls: type) -> type:
        """Return a subclass whose methods have these global names."""
        functions = {name: value for name, value in vars(cls).items() if isinstance(value, types.FunctionType)}
        methods = {name: self.stand_in_for(function) for name, function in functions.items()}
        return type(cls.__name__, (cls,), {"__module__": cls.__module__, "__qualname__": cls.__qualname__, **methods})

    def _copy_object(self, owner: Any) -> Any:
        """Return an object that shares the attributes of `owner`, and whose methods have these global names."""
        if isinstance(owner, type) or not hasattr(owner, "__dict__"):
            return owner

        def attribute(self_: object, name: str) -> Any:
            return self.stand_in_for(object.__getattribute__(self_, name))

        cls = type(owner.__class__.__name__, (self._subclass(type(owner)),), {"__getattribute__": attribute})
        copy: Any = object.__new__(cls)
        object.__setattr__(copy, "__dict__", owner.__dict__)
        return copy

    def _uses_stand_ins(self, cls: type) -> bool:
        """Tell whether a method of a class of this module uses a name that has a stand-in."""
        methods = (value for value in vars(cls).values() if isinstance(value, types.FunctionType))
        return any(
            id(self.real.get(name)) in self._by_id
            for method in methods
            if method.__globals__ is self.real
            for name in method.__code__.co_names
        )

    def _copy_module(self, real: types.ModuleType) -> types.ModuleType:
        copy = types.ModuleType(real.__name__, real.__doc__)
        vars(copy).update({name: self._by_id.get(id(value), value) for name, value in vars(real).items()})
        self._by_id[id(real)] = copy
        return copy

    def _import(self, name: str, *args: Any) -> Any:
        """Import a module for an `import` inside the function: a copy with stand-ins, if it is one of the four."""
        module = builtins.__import__(name, *args)
        return self._modules.get(name, module)

    def _once(self, value: Any, make: Callable[[], Any]) -> Any:
        if id(value) not in self._made:
            self._made[id(value)] = value, make()
        return self._made[id(value)][1]


def plain_function(fn: Callable) -> Callable:
    """Return the function inside a partial, a method or a callable object; for a class, its `__init__`."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    if isinstance(fn, type):
        fn = vars(fn).get("__init__", fn)
    elif not isinstance(fn, types.FunctionType | types.MethodType | types.BuiltinFunctionType):
        fn = vars(type(fn)).get("__call__", fn)
    return getattr(fn, "__func__", fn)


def _holds_code(cell: types.CellType) -> bool:
    with contextlib.suppress(ValueError):  # empty: the name has no value yet
        return isinstance(cell.cell_contents, CODE)
    return False
