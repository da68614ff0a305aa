"""What a computation may need of the past before it can go on. All needs point strictly backwards."""

import msgspec

from accountant.chain.moment import Moment
from accountant.chain.query import AccountingQuery
from accountant.primitives.cid import show_cid
from accountant.primitives.types import AccountId, Cid, ContractId, Gas, Hash, Seq


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


class SourceOf(_Need, frozen=True, tag=8):
    """Who saved the file whose CID a slot holds right before a transaction. Value: its number, or `NO_SOURCE`."""

    contract: ContractId
    slot: bytes
    before: Seq


class BlobOf(_Need, frozen=True, tag=9):
    """A file: a published one, or what the transaction `source` saved. Value: bytes."""

    cid: Cid
    source: Seq | None


Need = OutcomeOf | SlotBefore | CoversBefore | BoundUnder | AnswerOf | SourceOf | BlobOf

NO_SOURCE = -1
"""A slot whose value is no CID of a file that a contract saved, as far as whoever wrote it knew."""


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


class PublicationOf(_Need, frozen=True, tag=10):
    """Which transaction publishes a blob, if any does."""

    cid: Cid


LookUp = CodeOf | MembersOf | TargetOf | PublicationOf
"""What the index answers alone. Nobody waits for it, but whoever proves an outcome has to prove this too."""

Asked = Need | LookUp


class Unresolved(Exception):
    """Raised through a running contract that touched something not known yet: resolve it and run again."""

    def __init__(self, need: Need) -> None:
        super().__init__(need)
        self.need = need


class Undecidable(Exception):
    """What was asked for cannot be found out now.

    `transaction`: what was to be executed next, and took at most `gas_most`; None for the view that was asked for.
    """

    transaction: Hash | None
    gas_most: Gas


class BlobUnavailable(Undecidable):
    """A published blob that the transaction loads, and that nobody serves: its outcome stays unobserved."""

    def __init__(self, cid: Cid) -> None:
        super().__init__(f"nobody serves blob {show_cid(cid)}")
        self.cid = cid
        self.transaction = None
        self.gas_most = Gas(0)


class BlobAwaited(Exception):
    """The same, for work that is to be tried again a little later."""

    def __init__(self, cid: Cid) -> None:
        super().__init__(f"nobody serves blob {show_cid(cid)} now")
        self.cid = cid


class BudgetSpent(Undecidable):
    """The gas budget does not suffice for the next execution."""

    def __init__(self, transaction: Hash | None, gas_most: Gas) -> None:
        """`transaction`: what was to be executed next; None for the view that was asked for."""
        what = "the view" if transaction is None else f"transaction 0x{transaction.hex()}"
        super().__init__(f"{what} may take {gas_most} gas, more than the budget has left")
        self.transaction = transaction
        self.gas_most = gas_most
