"""Imports run one way: servers, connection -> lab, swarm -> watch, check, measure -> show."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "muxlab"
LAYERS = [{"servers", "connection"}, {"lab", "swarm", "crowd"}, {"watch", "check", "measure"}, {"show", "muxlab"}]
RANK = {module: rank for rank, layer in enumerate(LAYERS) for module in layer}
DRAWING = {"matplotlib", "ipywidgets", "anywidget"}


def is_type_checking(node):
    """Tell whether a statement is `if TYPE_CHECKING:`, whose imports never run."""
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def import_nodes(tree):
    """Yield the import statements of a syntax tree, those inside functions too."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif not is_type_checking(node):
            yield from import_nodes(node)


def imported(file, root):
    """Return the dotted names that one file imports, the relative ones made absolute."""
    home = file.relative_to(root.parent).with_suffix("").parts[:-1]
    names = set()
    for node in import_nodes(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        else:
            base = ".".join([*home[: len(home) + 1 - node.level], node.module or ""] if node.level else [node.module])
            names |= {f"{base.rstrip('.')}.{alias.name}" for alias in node.names}
    return names


def module_of(name, root):
    """Return the module of the package that a dotted name stands for: "lab" for muxlab.lab.serve, or None outside.

    What is not a module of its own, as in `from muxlab import serve`, belongs to the whole package: "muxlab".
    """
    parts = name.split(".")
    if parts[0] != root.name:
        return None
    if len(parts) > 1 and ((root / parts[1]).is_dir() or (root / f"{parts[1]}.py").is_file()):
        return parts[1]
    return root.name


def arrows(root):
    """Return {module: the modules that it imports} for a package, with its folders as one module each."""
    found = {}
    for file in root.rglob("*.py"):
        inside = file.relative_to(root).with_suffix("").parts
        module = root.name if inside == ("__init__",) else inside[0]
        found.setdefault(module, set()).update(filter(None, (module_of(name, root) for name in imported(file, root))))
    return found


def reach(module, graph):
    """Return all modules that a module needs, through helpers that belong to no layer as well."""
    seen, waiting = set(), [module]
    while waiting:
        for needed in graph.get(waiting.pop(), set()) - seen:
            seen.add(needed)
            waiting += [] if needed in RANK else [needed]
    return seen


def backward(root):
    """Return the arrows that run back, as text."""
    graph = arrows(root)
    return [
        f"{module} -> {needed}"
        for module, rank in RANK.items()
        for needed in sorted(reach(module, graph))
        if RANK.get(needed, 0) > rank
    ]


def test_no_arrow_runs_back():
    assert backward(PACKAGE) == []


def test_servers_import_nothing_but_connection():
    graph = arrows(PACKAGE)
    assert graph["servers"] <= {"servers", "connection"}
    assert graph["connection"] == set()


def test_only_show_draws():
    importers = {
        f"{file.relative_to(PACKAGE)} imports {name}"
        for file in PACKAGE.rglob("*.py")
        if file.relative_to(PACKAGE).parts[0] != "show"
        for name in imported(file, PACKAGE)
        if name.split(".")[0] in DRAWING
    }
    assert importers == set()


@pytest.mark.parametrize(
    ("file", "line", "arrow"),
    [
        ("lab.py", "from . import show", "lab -> show"),
        ("lab.py", "from muxlab.watch import calls", "lab -> watch"),
        ("lab.py", "def f():\n    import muxlab.show.charts", "lab -> show"),
        ("connection.py", "from .lab import serve", "connection -> lab"),
        ("servers/epoll_server.py", "from ..swarm import Swarm", "servers -> swarm"),
        ("check/battery.py", "from ..show import charts", "check -> show"),
        ("check/battery.py", "from muxlab import serve", "check -> muxlab"),
        ("helper.py", "from .show import charts", "swarm -> show"),
    ],
)
def test_an_arrow_that_runs_back_is_found(tmp_path, file, line, arrow):
    root = tmp_path / "muxlab"
    for name in ("servers/epoll_server", "connection", "lab", "watch/calls", "check/battery", "show/charts"):
        path = root / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (root / "__init__.py").write_text("from .lab import serve\n")
    (root / "swarm.py").write_text("if TYPE_CHECKING:\n    from .show import charts\n")
    (root / "helper.py").touch()
    assert backward(root) == []
    (root / "swarm.py").write_text("from . import helper\n")
    (root / file).write_text(line)
    assert arrow in backward(root)
