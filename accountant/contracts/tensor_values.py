"""What handles of tensors name: shapes, recipes and counts. Steps make values; torch is not needed to hold them.

A value's recipe says how it came to be: the hash of an operation's name, its settings and the recipes of its operands.
Equal recipes are equal values, to the bit, so what was computed before a contract stopped for something unknown
need not be computed again when it runs again. What is recorded for gradients has its place in the tape in its recipe:
two variables of equal values are two.
"""

from typing import TYPE_CHECKING, NamedTuple, Optional

from accountant.contracts.tensor_rule import Attribute
from accountant.contracts.tensor_work import INDEX_BYTES, VALUE_BYTES
from accountant.tensors.shapes import Shape

if TYPE_CHECKING:
    from accountant.tensors.values import Indices, Tensor

    Computed = tuple[Tensor | Indices, ...]


MAKE_VARIABLES = frozenset(("variables", "sgd", "sgd_start", "adam", "adam_start"))
"""Operations whose results begin the tape."""


OVERHEAD_BYTES = 2048
"""What a value counts besides its elements: about what it takes in memory however small it is."""


class WorkNode(NamedTuple):
    """A recorded operation in the tape of works, which prices gradients. A variable has no name and no parents."""

    name: str
    shapes: tuple[Shape | None, ...]
    attributes: tuple[Attribute, ...]
    parents: tuple[Optional["WorkNode"], ...]
    """One for each shape; None where no gradient flows."""
    number: int
    """Rises in the order of making; unique in a transaction."""


class Step:
    """One operation that was asked for, and its results once somebody needed them."""

    __slots__ = (
        "attributes",
        "data",
        "gas",
        "kind",
        "name",
        "number",
        "operands",
        "reals",
        "recipe",
        "results",
        "whole",
    )

    def __init__(
        self,
        name: str,
        operands: tuple["Held | None", ...],
        attributes: tuple[Attribute, ...],
        reals: tuple[float, ...],
        data: bytes,
        number: int,
        recipe: bytes,
    ) -> None:
        """`number`: its place in the tape, 0 where nothing is recorded. `data`: what it reads besides tensors."""
        self.name = name
        self.operands = operands
        self.attributes = attributes
        self.reals = reals
        self.data = data
        self.number = number
        self.recipe = recipe
        self.kind, self.gas = name, 0
        """What was priced, and how much that was."""
        self.results: Computed | None = None
        self.whole = False
        """Whether the results lead to what they were computed from, as gradients need it."""

    @property
    def taped(self) -> bool:
        """Whether its operands have to lead to what they were computed from."""
        return self.name == "grad" or (self.number > 0 and self.name not in MAKE_VARIABLES)

    def done(self, results: "Computed") -> None:
        """Keep the results, and forget the operands: who needs them for gradients has the tape."""
        self.results, self.whole = results, True
        self.operands, self.data = (), b""


class Held:
    """A tensor, or indices, behind handles."""

    __slots__ = ("at", "bytes", "holders", "indices", "node", "shape", "step")

    def __init__(
        self, step: Step, at: int, shape: Shape, indices: bool, node: WorkNode | None = None, kept: int = 0
    ) -> None:
        """Result number `at` of a step. `kept`: bytes that its place in the tape keeps besides itself."""
        self.step = step
        self.at = at
        self.shape = shape
        self.indices = indices
        self.node = node
        self.bytes = OVERHEAD_BYTES + (INDEX_BYTES if indices else VALUE_BYTES) * count_of(shape) + kept
        self.holders = 0
        """Handles, and lists behind handles, that it is in. Its bytes count while there is one."""

    @property
    def count(self) -> int:
        """How many elements there are."""
        return count_of(self.shape)


class HeldList:
    """An immutable list of tensors behind handles. An optimiser's state is one: weights, then what it remembers."""

    __slots__ = ("copies", "items", "powers")

    def __init__(self, items: tuple[Held, ...], copies: int = 1, powers: tuple[float, ...] = ()) -> None:
        """`copies`: tensors for each weight, 1 for a plain list. `powers`: Adam's settings to the power of steps."""
        self.items = items
        self.copies = copies
        self.powers = powers


def count_of(shape: Shape) -> int:
    """The number of elements."""
    count = 1
    for size in shape:
        count *= size
    return count
