"""Code before it is linked: instructions, and references to functions and data that have no number yet."""

from dataclasses import dataclass
from typing import NamedTuple

from accountant.language.emission.binary import FunctionType
from accountant.language.emission.instructions import BLOCK, END, UNREACHABLE, address, branch, branch_if
from accountant.language.errors import Place


@dataclass(frozen=True)
class HostCall:
    """A call of a function of the host table."""

    name: str


@dataclass(frozen=True)
class RoutineCall:
    """A call of one of `routines`."""

    name: str


@dataclass(frozen=True)
class OwnCall:
    """A call of a function of the source."""

    name: str


@dataclass(frozen=True)
class Pointer:
    """Pushes the address (i32) of constant bytes."""

    data: bytes


@dataclass(frozen=True)
class Cell:
    """Pushes the address (i32) of 8 bytes that are zero at first: where the handle of something is kept."""

    of: bytes | str


@dataclass(frozen=True)
class Mark:
    """No instruction: what follows comes from here in the source."""

    at: Place


Item = bytes | HostCall | RoutineCall | OwnCall | Pointer | Cell | Mark
Items = tuple[Item, ...]


class Routine(NamedTuple):
    """A function that is not the source's own, the same in every contract. Its locals are i64."""

    type: FunctionType
    locals: int
    items: Items


def constant(data: bytes) -> Items:
    """Pushes the handle of constant bytes; the host makes it once in a frame."""
    return Cell(data), Pointer(data), address(len(data)), RoutineCall("constant")


def text(reason: str) -> Items:
    """Pushes address and length (i32) of a constant text."""
    data = reason.encode()
    return Pointer(data), address(len(data))


def fail(reason: str) -> Items:
    """Ends the run with a constant reason."""
    return *text(reason), RoutineCall("fail"), UNREACHABLE


class FunctionCode:
    """The instructions of one function of the source, as they are written: locals, open blocks, marks."""

    def __init__(self, type_: FunctionType, locals_: int) -> None:
        """`locals_`: of the source, the parameters among them. More are added as they are needed."""
        self.type = type_
        self.locals = locals_
        self.items: list[Item] = []
        self.scratch = 0
        """How many bytes of memory from 0 on it writes to."""
        self._free: list[int] = []
        self._depth = 0

    def add(self, *items: Item) -> None:
        """Append."""
        self.items.extend(items)

    def at(self, place: Place, *items: Item) -> None:
        """Append what comes from a place of the source."""
        self.items.append(Mark(place))
        self.items.extend(items)

    def open(self, block: bytes = BLOCK) -> int:
        """Begin a block, loop or if; what `leave` knows it by."""
        self.items.append(block)
        self._depth += 1
        return self._depth

    def close(self) -> None:
        """End the innermost block."""
        self.items.append(END)
        self._depth -= 1

    def leave(self, block: int) -> None:
        """Go to the end of a block, or to the start of a loop."""
        self.items.append(branch(self._depth - block))

    def leave_if(self, block: int) -> None:
        """The same if the popped i32 is not 0."""
        self.items.append(branch_if(self._depth - block))

    def new_local(self) -> int:
        """A local for good."""
        self.locals += 1
        return self.locals - 1

    def borrow(self) -> int:
        """A local to be given back."""
        return self._free.pop() if self._free else self.new_local()

    def give_back(self, *locals_: int) -> None:
        """Borrowed locals that are not needed any more."""
        self._free.extend(reversed(locals_))
