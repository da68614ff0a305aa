"""What one function touches and pays, collected while it is walked; caps of payments along and across paths."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from accountant.chain.envelope_rules import TEMPLATE_ENTRIES_MAX, TEMPLATE_PARTS_MAX
from accountant.language.errors import ContractError, Place
from accountant.language.footprints.symbols import Argument, Passed, Symbol, count_pieces
from accountant.language.tree import TouchKind, Variable
from accountant.primitives.types import AMOUNT_MAX

UNITS = 1
"""The expression under which constant amounts are kept: so many times one base unit."""

Paid = dict[Argument | Passed | int, int]
"""How many times each expression is paid at most; 0 times still needs a debit of 0."""


@dataclass(frozen=True)
class Access:
    """A touched entry, or, where `subject` is None, entries that do not follow from the arguments.

    `subject`: the keys of a slot of `variable`; one sequence of bytes for all other kinds.
    `certain`: every call touches it, before anything can end the call.
    """

    kind: TouchKind
    at: Place
    variable: Variable | None = None
    subject: tuple[Symbol, ...] | None = None
    certain: bool = False

    @property
    def identity(self) -> "Identity":
        """Accesses of one identity are one entry of a template, or one statement."""
        return self.kind, None if self.variable is None else self.variable.name, self.subject


Identity = tuple[TouchKind, str | None, tuple[Symbol, ...] | None]


@dataclass
class Touched:
    """All that a function touches, helpers included, each once, in the order of the first touch."""

    accesses: dict[Identity, Access] = field(default_factory=dict)
    peak: Paid = field(default_factory=dict)
    """The most that is paid on any path."""
    unknown_payment: Place | None = None
    """Where first something is paid whose amount, or number of times, does not follow from the arguments."""
    written: set[str] = field(default_factory=set)
    """Variables, by name."""
    known: int = 0
    pieces: int = 0

    def add(self, access: Access, file: str) -> None:
        """Add one. Raises `ContractError` where they are too many for a template."""
        if access.variable is not None:
            if access.kind is TouchKind.WRITES:
                self.written.add(access.variable.name)
            elif access.variable.name in self.written:
                # what the call wrote itself needs no earlier transaction
                access = replace(access, certain=False)
        earlier = self.accesses.get(access.identity)
        if earlier is not None:
            if access.certain and not earlier.certain:
                self.accesses[access.identity] = replace(earlier, certain=True)
            return
        self.accesses[access.identity] = access
        if access.subject is None:
            return
        self.known += 1
        # one for the contract itself, one for the variable's prefix, one for each key's hash
        self.pieces += 2 + sum(1 + count_pieces(one) if isinstance(one, tuple) else 1 for one in access.subject)
        self._check_size(file, access.at)

    def pay(self, paid: Paid, file: str, at: Place) -> None:
        """So much was paid on some path until here. Raises `ContractError` where a template cannot say it."""
        self.peak = at_most(self.peak, paid)
        self._check_size(file, at)

    def _check_size(self, file: str, at: Place) -> None:
        debits = sum(1 if expression == UNITS else count for expression, count in self.peak.items())
        if self.known + debits > TEMPLATE_ENTRIES_MAX or self.pieces + debits > TEMPLATE_PARTS_MAX:
            raise ContractError(
                file,
                at,
                f"one function touches more than {TEMPLATE_ENTRIES_MAX} entries, or names them in more than "
                f"{TEMPLATE_PARTS_MAX} parts",
                "split it into several exported functions, or reach the slots in a loop and state their number",
            )


def added(left: Paid, right: Paid) -> Paid:
    """What is paid one after the other."""
    total = {key: left.get(key, 0) + right.get(key, 0) for key in _keys(left, right)}
    if UNITS in total:
        total[UNITS] = min(total[UNITS], AMOUNT_MAX)
    return total


def at_most(left: Paid, right: Paid) -> Paid:
    """What is paid on one of two paths, expression by expression."""
    return {key: max(left.get(key, 0), right.get(key, 0)) for key in _keys(left, right)}


def _keys(left: Paid, right: Paid) -> Iterable[Argument | Passed | int]:
    return {**left, **right}
