"""Give one function other globals: its `select`, `socket`, `selectors` and `time` report to a tap, nobody else's do.

The function's code is used as it is. What is made anew is the dictionary in which it looks up its global names, and
with it those of its helpers: functions of the same module or notebook, in whatever cell, and classes of theirs whose
methods call one of those four. Nothing is changed for the rest of the process.

Not reached: helpers in another module (their sockets report all the same). What the function assigns to a `global`
name reaches its module when it ends.
"""

import builtins
import contextlib
import functools
import types
from collections.abc import Callable
from typing import Any

from .stand_ins import stand_ins
from .tap import Tap

MODULES = ("select", "selectors", "socket", "time")
CODE = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type)


class Globals(dict):
    """The global names of a watched function: those of its module, looked up there when they are needed.

    Args:
        fn: the function, method, partial or callable object that is to be watched.
        tap: where its calls are to be reported.
    """

    def __init__(self, fn: Callable, tap: Tap) -> None:
        super().__init__()
        self.real: dict[str, Any] = getattr(plain_function(fn), "__globals__", {})
        self._others = stand_ins(tap)
        self._by_id: dict[int, Any] = {id(thing): other for thing, other in self._others.items()}
        self._modules = {name: self._module(__import__(name)) for name in MODULES}
        self._made: dict[int, tuple[Any, Any]] = {}  # by id: what it stands in for, kept alive, and it
        self["__builtins__"] = {**vars(builtins), "__import__": self._import}
        self["__name__"] = self.real.get("__name__")
        self._given = set(self)
        self.fn = self._rebound(fn)

    def __missing__(self, name: str) -> Any:
        if name in self.real:
            value = self.swap(self.real[name])
            if not isinstance(value, CODE) or getattr(value, "__module__", None) == self["__name__"]:
                return value  # may be given a new value at any time
        else:
            value = self["__builtins__"][name]  # a KeyError here is a NameError there
        self._given.add(name)
        self[name] = value  # imported: it stays, and is found more quickly the next time
        return value

    def swap(self, value: Any) -> Any:
        """What the function gets for `value`: mostly `value` itself."""
        if id(value) in self._by_id:
            return self._by_id[id(value)]
        if isinstance(value, types.FunctionType) and value.__globals__ is self.real:
            return self._function(value)
        if type(value) is type and self._calls_them(value):
            return self._once(value, lambda: self._class(value))
        if type(value) in self._others and not isinstance(value, type):  # an epoll or poll object made before
            return self._once(value, lambda: self._others[type(value)](real=value))
        return value

    def write_back(self) -> None:
        """Give what the function assigned to `global` names to its module."""
        self.real.update({name: value for name, value in self.items() if name not in self._given})

    def _rebound(self, fn: Callable) -> Callable:
        if isinstance(fn, functools.partial):
            return functools.partial(self._rebound(fn.func), *fn.args, **fn.keywords)
        if isinstance(fn, types.FunctionType):
            return self._function(fn)
        method = fn if isinstance(fn, types.MethodType) else vars(type(fn)).get("__call__")
        if isinstance(method, types.FunctionType):
            method = types.MethodType(method, fn)
        if isinstance(method, types.MethodType) and isinstance(method.__func__, types.FunctionType):
            return types.MethodType(self._function(method.__func__), self._object(method.__self__))
        return fn

    def _function(self, fn: types.FunctionType) -> Any:
        if id(fn) in self._made:
            return self._made[id(fn)][1]
        closure = fn.__closure__ or ()
        cells = tuple(types.CellType() if _holds_code(cell) else cell for cell in closure)
        new = types.FunctionType(fn.__code__, self, fn.__name__, fn.__defaults__, cells or None)
        self._made[id(fn)] = fn, new
        for cell, old in zip(cells, closure, strict=True):
            if cell is not old:
                cell.cell_contents = self.swap(old.cell_contents)
        new.__kwdefaults__, new.__qualname__ = fn.__kwdefaults__, fn.__qualname__
        new.__dict__.update(fn.__dict__)
        return new

    def _class(self, cls: type) -> type:
        methods = {name: self.swap(value) for name, value in vars(cls).items() if isinstance(value, types.FunctionType)}
        return type(cls.__name__, (cls,), {"__module__": cls.__module__, "__qualname__": cls.__qualname__, **methods})

    def _object(self, owner: Any) -> Any:
        """The same object for a method of it: with the same attributes, and methods that report."""
        if isinstance(owner, type) or not hasattr(owner, "__dict__"):
            return owner

        def attribute(self_: object, name: str) -> Any:
            return self.swap(object.__getattribute__(self_, name))

        other = type(owner.__class__.__name__, (self._class(type(owner)),), {"__getattribute__": attribute})
        double: Any = object.__new__(other)
        object.__setattr__(double, "__dict__", owner.__dict__)
        return double

    def _calls_them(self, cls: type) -> bool:
        """Whether a method of a class of this module calls what has a stand-in."""
        methods = (value for value in vars(cls).values() if isinstance(value, types.FunctionType))
        return any(
            id(self.real.get(name)) in self._by_id
            for method in methods
            if method.__globals__ is self.real
            for name in method.__code__.co_names
        )

    def _module(self, real: types.ModuleType) -> types.ModuleType:
        other = types.ModuleType(real.__name__, real.__doc__)
        vars(other).update({name: self._by_id.get(id(value), value) for name, value in vars(real).items()})
        self._by_id[id(real)] = other
        return other

    def _import(self, name: str, *args: Any) -> Any:
        """`import` inside the function: as Python's own, but for the four modules."""
        module = builtins.__import__(name, *args)
        return self._modules.get(name, module)

    def _once(self, value: Any, make: Callable[[], Any]) -> Any:
        if id(value) not in self._made:
            self._made[id(value)] = value, make()
        return self._made[id(value)][1]


def plain_function(fn: Callable) -> Callable:
    """Return the function inside a partial, a method, a callable object or a class, which calls its `__init__`."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    if isinstance(fn, type):
        fn = vars(fn).get("__init__", fn)
    elif not isinstance(fn, types.FunctionType | types.MethodType | types.BuiltinFunctionType):
        fn = vars(type(fn)).get("__call__", fn)
    return getattr(fn, "__func__", fn)


def _holds_code(cell: types.CellType) -> bool:
    with contextlib.suppress(ValueError):  # empty: the name is not bound yet
        return isinstance(cell.cell_contents, CODE)
    return False
