"""What the core asks of an index. Adapters: `index.memory` (tests, benchmarks), `storage.index` (Postgres).

Everything below the head is final, so every answer is a fact that never changes.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from accountant.chain.genesis import Genesis
from accountant.chain.moment import MOMENT_SHIFT, Moment, moment_before
from accountant.chain.rows import RowKind
from accountant.chain.transaction import Transaction
from accountant.index.posting import Posting
from accountant.primitives.types import AccountId, Address, Amount, Cid, ContractId, Hash, Height, Seq

__all__ = [
    "MOMENT_SHIFT",
    "BlockInfo",
    "ChainIndex",
    "Event",
    "Head",
    "Located",
    "Moment",
    "Posting",
    "Publication",
    "moment_before",
]


class Head(NamedTuple):
    """The end of the chain: the last block (genesis at first) and the next transaction's number."""

    height: Height
    hash: Hash
    next_seq: Seq


class BlockInfo(NamedTuple):
    """A block without its transactions. Genesis is height 0 with no transactions."""

    height: Height
    hash: Hash
    previous_hash: Hash
    time: int
    proposer: Address
    first_seq: Seq
    count: int  # type: ignore[assignment]


class Located(NamedTuple):
    """A transaction and where it stands."""

    seq: Seq
    hash: Hash
    sender: Address
    height: Height
    index: int  # type: ignore[assignment]
    transaction: Transaction


class Event(NamedTuple):
    """A row of an account's general balance: kind is CREDIT, DEBIT, EXPENSE or SETTLED of `chain.rows.RowKind`.

    Among movements also ZERO: what arrives in a zero-cost balance.
    """

    seq: Seq
    kind: int
    cap: Amount


class Publication(NamedTuple):
    """Who published a blob, and its size in bytes."""

    seq: Seq
    size: int


class ChainIndex(Protocol):
    """Look-ups over a final chain."""

    @property
    def genesis(self) -> Genesis:
        """The chain's genesis."""

    def head(self) -> Head:
        """The end of the chain."""

    def block(self, height: Height) -> BlockInfo | None:
        """The block at a height; None above the head."""

    def block_by_hash(self, block_hash: Hash) -> BlockInfo | None:
        """The block with this hash, genesis included; None if it is not on the chain."""

    def transaction(self, seq: Seq) -> Located:
        """The transaction with this number, which must exist."""

    def transactions(self, seqs: list[Seq]) -> list[Located]:
        """Several transactions at once, in the order asked for."""

    def seq_of(self, transaction_hash: Hash) -> Seq | None:
        """The number of a transaction; None if it is not on the chain."""

    def writers(self, contract: ContractId, slot: bytes, before: Seq, limit: int) -> list[Seq]:
        """Transactions that declare to write the slot, latest first, all with seq < before; at most `limit`."""

    def ahead(self, asked: Sequence[tuple[ContractId, bytes, Seq]], limit: int) -> bool:
        """`writers` will be asked for these (contract, slot, before) with this limit.

        Whether each look-up takes a round trip; then these are fetched in one.
        """

    def deployment(self, contract: ContractId) -> Seq | None:
        """The transaction that deploys a contract; None if there is none (genesis contracts have none)."""

    def publication(self, cid: Cid) -> Publication | None:
        """The one transaction that publishes a blob; None if there is none."""

    def events(self, account: AccountId, after: Seq, before: Seq) -> list[Event]:
        """The rows of the account's general balance with after < seq < before, by (seq, kind)."""

    def movements(
        self, account: AccountId, kinds: Sequence[RowKind], after: Seq, before: Seq, limit: int
    ) -> list[Event]:
        """The account's rows of these kinds, ZERO possibly among them, with after < seq < before.

        Latest first, then by kind; all rows of at most `limit` transactions, whatever the account's history is.
        """

    def postings(self, account: AccountId, since: Seq, before: Seq, limit: int) -> list[Posting]:
        """The latest `limit` of the account's postings with since ≤ seq < before, ascending: limited (`index.static`).

        The last one carries the static interval right before `before`; where there is none since transaction 0, that
        is the balance that genesis sets. An index that was not folded gives raw ones (`index.unlimited`).
        """

    def expenses(self, account: Address, before: Seq) -> int:
        """Q_G: the sum of general_value over the user's transactions with seq < before: one look-up."""

    def nonce(self, account: Address, before: Seq) -> int:
        """The nonce of the user's next transaction after those with seq < before: one look-up."""

    def gas_limits(self, before: Seq) -> int:
        """The sum of gas_limit over all transactions with seq < before, as far as the chain goes: one look-up."""

    def zero_balance(self, account: Address, moment: Moment) -> Amount:
        """Z of the user right before `moment`: one look-up."""
