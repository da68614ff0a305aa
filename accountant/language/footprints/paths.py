"""The state of a walk: what is known of locals and payments on a path, and what a whole function came to."""

from dataclasses import dataclass

from accountant.language.footprints.accesses import Paid, Touched, at_most
from accountant.language.footprints.symbols import Symbol


@dataclass(frozen=True)
class Context:
    """Where a function is called from: whether on every path, and whether perhaps several times."""

    conditional: bool = False
    in_loop: bool = False


@dataclass
class Summary:
    """What a call of a function comes to."""

    touched: Touched
    result: Symbol
    paid: Paid
    """The most that is paid on any path to its end."""
    may_end: bool
    """Whether anything in it can end the call."""


@dataclass
class Path:
    """The state where the walk stands."""

    locals: dict[int, Symbol]
    paid: Paid
    conditional: bool
    """Whether there are paths that do not come here, and do not end the call before."""

    def copy(self) -> "Path":
        """For one of several branches, which not every path takes."""
        return Path(dict(self.locals), self.paid, True)

    def joined(self, other: "Path") -> "Path":
        """Where two paths meet."""
        locals_ = {
            index: symbol if other.locals[index] == symbol else None
            for index, symbol in self.locals.items()
            if index in other.locals
        }
        return Path(locals_, at_most(self.paid, other.paid), self.conditional and other.conditional)

    def take(self, state: "Path") -> None:
        """Go on with what is known and paid in `state`; what is conditional stays so."""
        self.locals, self.paid = state.locals, state.paid
