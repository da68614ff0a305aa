"""What a computation may need of the past before it can go on. All needs point strictly backwards."""

from dataclasses import dataclass

from accountant.chain.query import AccountingQuery
from accountant.primitives.types import AccountId, ContractId, Gas, Hash, Seq


@dataclass(frozen=True, slots=True)
class OutcomeOf:
    """The outcome of a transaction. Value: `Outcome`."""

    seq: Seq


@dataclass(frozen=True, slots=True)
class SlotBefore:
    """A slot's value right before a transaction. Value: bytes."""

    contract: ContractId
    slot: bytes
    before: Seq


@dataclass(frozen=True, slots=True)
class CoversBefore:
    """Whether G of an account is at least `amount` right before a transaction. Value: bool."""

    account: AccountId
    amount: int
    before: Seq


@dataclass(frozen=True, slots=True)
class BoundUnder:
    """G's lower bound under exactly these incomes, right before a transaction. Value: int."""

    account: AccountId
    theta: tuple[Seq, ...]
    before: Seq


@dataclass(frozen=True, slots=True)
class AnswerOf:
    """The answer of a query that points into the past. Value: bool, int, bytes or `ViewAnswer`."""

    query: AccountingQuery
    paid: bool = True
    """Whether the gas of whoever asks pays for a view's run. If not, the run counts as executed itself."""


Need = OutcomeOf | SlotBefore | CoversBefore | BoundUnder | AnswerOf


@dataclass(frozen=True, slots=True)
class AllOf:
    """Several needs that are all surely needed, so that none waits for another. Value: a tuple of theirs."""

    needs: tuple[Need, ...]


class Unresolved(Exception):
    """Raised through a running contract that touched something not known yet: resolve it and run again."""

    def __init__(self, need: Need) -> None:
        super().__init__(need)
        self.need = need


class BudgetSpent(Exception):
    """The gas budget does not suffice for the next execution."""

    def __init__(self, transaction: Hash | None, gas_most: Gas) -> None:
        """`transaction`: what was to be executed next; None for the view that was asked for."""
        what = "the view" if transaction is None else f"transaction 0x{transaction.hex()}"
        super().__init__(f"{what} may take {gas_most} gas, more than the budget has left")
        self.transaction = transaction
        self.gas_most = gas_most
