"""What names mean: at module level, and inside the function that is being checked."""

import ast
from dataclasses import dataclass, field
from typing import NamedTuple

from accountant.language.checking.source import Source
from accountant.language.errors import Place
from accountant.language.tree import Constant, EventType, Export, Field, Interface, Variable
from accountant.language.types import Type

BUILTINS = ("int", "bool", "bytes", "str", "float", "len", "min", "max", "abs", "range")
"""What contract Python has without an import."""

NOWHERE = -1
"""The set of locals that are assigned where no path comes: all of them."""


class Imported(NamedTuple):
    """A name of `accountant.language` (or `Final`), under itself."""

    at: Place
    name: str


@dataclass(frozen=True)
class Signature:
    """How a function of the contract is called."""

    at: Place
    name: str
    parameters: tuple[Field, ...]
    returns: Type
    export: Export | None
    node: ast.FunctionDef


Symbol = Imported | Constant | Variable | EventType | Interface | Signature


@dataclass
class Module:
    """The names of a contract, in the order of their declarations."""

    source: Source
    symbols: dict[str, Symbol] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)

    def imports(self, name: str) -> bool:
        """Whether the name is what `accountant.language` calls so."""
        return isinstance(self.symbols.get(name), Imported)


class Effect(NamedTuple):
    """Where a function changes something, and what."""

    at: Place
    what: str


@dataclass
class Frame:
    """The function that is being checked: its locals, what is assigned at this point, and what it does."""

    signature: Signature
    globals: set[str] = field(default_factory=set)
    locals: list[Field] = field(default_factory=list)
    indices: dict[str, int] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    assigned_names: set[str] = field(default_factory=set)
    """Names that are assigned anywhere in the function, and so are its own everywhere in it."""
    assigned: int = 0
    """A bit for each local that surely has a value here; `NOWHERE` if no path comes here."""
    effects: list[Effect] = field(default_factory=list)
    calls: dict[str, Place] = field(default_factory=dict)

    def declare(self, name: str, kind: Type, at: Place) -> int:
        """A new local's number."""
        index = self.temporary(kind, name)
        self.indices[name] = index
        self.places[name] = at
        return index

    def temporary(self, kind: Type, name: str = "") -> int:
        """The number of a new local of the compiler's own."""
        self.locals.append(Field(name, kind))
        return len(self.locals) - 1

    def assign(self, index: int) -> None:
        """From here on the local has a value."""
        self.assigned |= 1 << index

    def is_assigned(self, index: int) -> bool:
        """Whether the local surely has a value here."""
        return bool(self.assigned >> index & 1)
