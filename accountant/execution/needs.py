"""What a computation may need of the past before it can go on. All needs point strictly backwards."""

import msgspec

from accountant.chain.moment import Moment
from accountant.chain.query import AccountingQuery
from accountant.primitives.types import AccountId, ContractId, Gas, Hash, Seq


class _Need(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True, gc=False, tag_field="kind"):
    """Base of the needs: encoded as [tag, fields…], since what a run needed is kept with its outcome."""


class OutcomeOf(_Need, frozen=True, tag=0):
    """The outcome of a transaction. Value: `Outcome`."""

    seq: Seq


class SlotBefore(_Need, frozen=True, tag=1):
    """A slot's value right before a transaction. Value: bytes."""

    contract: ContractId
    slot: bytes
    before: Seq


class CoversBefore(_Need, frozen=True, tag=2):
    """Whether G of an account is at least `amount` right before a transaction. Value: bool."""

    account: AccountId
    amount: int
    before: Seq


class BoundUnder(_Need, frozen=True, tag=3):
    """G's lower bound under exactly these incomes, right before a transaction. Value: int."""

    account: AccountId
    theta: tuple[Seq, ...]
    before: Seq


class AnswerOf(_Need, frozen=True, tag=4):
    """The answer of a query that points into the past. Value: bool, int, bytes or `ViewAnswer`."""

    query: AccountingQuery
    paid: bool = True
    """Whether the gas of whoever asks pays for a view's run. If not, the run counts as executed itself."""


Need = OutcomeOf | SlotBefore | CoversBefore | BoundUnder | AnswerOf


class AllOf(msgspec.Struct, frozen=True, gc=False):
    """Several needs that are all surely needed, so that none waits for another. Value: a tuple of theirs."""

    needs: tuple[Need, ...]


class CodeOf(_Need, frozen=True, tag=5):
    """Which transaction deploys a contract, if any does; its outcome, if there is one before, is a need of its own."""

    contract: ContractId


class MembersOf(_Need, frozen=True, tag=6):
    """Which transactions a contract's Θ names, and the account's zero-cost balance if all of them are incomes."""

    account: AccountId
    theta: tuple[Hash, ...]
    before: Seq
    moment: Moment


class TargetOf(_Need, frozen=True, tag=7):
    """Where a query points to."""

    query: AccountingQuery


LookUp = CodeOf | MembersOf | TargetOf
"""What the index answers alone. Nobody waits for it, but whoever proves an outcome has to prove this too."""

Asked = Need | LookUp


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
