"""An exhibit of the museum: a server with a bug, shown as its difference from a good one."""

from collections.abc import Callable
from dataclasses import dataclass

from .. import markup
from ..variant import difference, source, variant


@dataclass(frozen=True, repr=False)
class Exhibit:
    """A server with a well-known bug; print it, or let a notebook show it.

    Attributes:
        fn: the server: `muxlab.check(exhibit.fn)`, `muxlab.show.stepper(exhibit.fn)`.
        good: the good server that it differs from; None when it is a server of its own kind, shown whole.
    """

    fn: Callable
    good: Callable | None = None

    @property
    def name(self) -> str:
        """The name of the server."""
        return self.fn.__name__

    @property
    def symptom(self) -> str:
        """The effect of the bug, as one sees it when the server is in use."""
        return self.fn.__doc__ or ""

    @property
    def difference(self) -> str:
        """The difference from the good server, as a unified diff; of one that is shown whole, its source."""
        if self.good is None:
            return source(self.fn)
        mine = source(self.fn).replace(f"def {self.name}(", f"def {self.good.__name__}(", 1)
        return difference(source(self.good), mine, (self._good_name, self.name))

    @property
    def _good_name(self) -> str:
        """The good server's name; one that was repaired has the same."""
        name = self.good.__name__ if self.good else ""
        return f"{name}, repaired" if name == self.name else name

    def __repr__(self) -> str:
        return f"<exhibit {self.name}: {self.symptom}>"

    def __str__(self) -> str:
        return f"{self.name}: {self.symptom}\n\n{self.difference}"

    def _repr_html_(self) -> str:
        said = markup.prose(self.symptom, f"{self.name}:")
        if self.good is None:
            return markup.page(said + markup.python(self.difference))
        legend = markup.prose(f"Lines with `-` are only in `{self._good_name}`, lines with `+` only here.")
        return markup.page(said + legend + markup.diff(self.difference))


def bug(good: Callable, name: str, symptom: str, *changes: tuple[str, str]) -> Exhibit:
    """Make an exhibit of a good server; arguments and errors as of `variant`."""
    return Exhibit(variant(good, name, symptom, *changes), good)
