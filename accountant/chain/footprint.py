"""Footprints: what a transaction may touch, declared, sorted, unique and priced (DESIGN section 2).

Order: by tag (the entry kinds in the order below), then by the fields as they stand, byte strings
lexicographically and caps numerically. Unique: no entry twice, and one `Debit` for each contract.
An entry's `key` is where the inverted index files it; see `accountant.chain.rows`.
"""

from collections.abc import Iterable

import msgspec

from accountant.primitives.hashes import sha256
from accountant.primitives.types import AMOUNT_MAX, AccountId

SLOT_BYTES_MAX = 128
QUERY_BYTES_MAX = 1024


class _Entry(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True, gc=False, tag_field="kind"):
    """Base of the entry kinds: encoded as [tag, fields…]."""


class Read(_Entry, frozen=True, tag=0):
    """May read a slot of a contract."""

    contract: bytes
    slot: bytes

    @property
    def key(self) -> bytes:
        return slot_key(self.contract, self.slot)


class Write(_Entry, frozen=True, tag=1):
    """May write a slot of a contract. Does not imply a read."""

    contract: bytes
    slot: bytes

    @property
    def key(self) -> bytes:
        return slot_key(self.contract, self.slot)


class Credit(_Entry, frozen=True, tag=2):
    """May credit the general balance of an account."""

    account: bytes

    @property
    def key(self) -> bytes:
        return account_key(self.account)


class Debit(_Entry, frozen=True, tag=3):
    """May debit a contract's general balance, by at most `cap` in gross over all frames."""

    contract: bytes
    cap: int

    @property
    def key(self) -> bytes:
        return account_key(self.contract)


class Call(_Entry, frozen=True, tag=4):
    """May run the code of a contract. Implied for the transaction's callee."""

    contract: bytes

    @property
    def key(self) -> bytes:
        return code_key(self.contract)


class Bound(_Entry, frozen=True, tag=5):
    """May ask for a lower bound of an account under a Θ given as argument."""

    account: bytes

    @property
    def key(self) -> bytes:
        return account_key(self.account)


class Query(_Entry, frozen=True, tag=6):
    """May ask for the answer of an accounting query, given by its canonical encoding."""

    query: bytes

    @property
    def key(self) -> bytes:
        return query_key(self.query)


Entry = Read | Write | Credit | Debit | Call | Bound | Query


def account_key(account: AccountId | bytes) -> bytes:
    """Where everything that touches an account's general balance is filed."""
    return b"g" + account


def slot_key(contract: bytes, slot: bytes) -> bytes:
    """Where the readers and writers of a slot are filed."""
    return b"s" + contract + slot


def code_key(contract: bytes) -> bytes:
    """Where the deployment and the callers of a contract are filed."""
    return b"c" + contract


def query_key(query: bytes) -> bytes:
    """Where those who ask a query are filed."""
    return b"q" + sha256(query)


def entry_order(entry: Entry) -> tuple[int, bytes, bytes | int]:
    """What footprints are sorted by: tag, then fields."""
    kind = type(entry)
    if kind is Read:
        return 0, entry.contract, entry.slot  # type: ignore[union-attr]
    if kind is Write:
        return 1, entry.contract, entry.slot  # type: ignore[union-attr]
    if kind is Credit:
        return 2, entry.account, b""  # type: ignore[union-attr]
    if kind is Debit:
        return 3, entry.contract, entry.cap  # type: ignore[union-attr]
    if kind is Call:
        return 4, entry.contract, b""  # type: ignore[union-attr]
    if kind is Bound:
        return 5, entry.account, b""  # type: ignore[union-attr]
    return 6, entry.query, b""  # type: ignore[union-attr]


def canonical_footprint(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The entries as a footprint: sorted, each once, the caps of one contract added up (at most 2^63 − 1)."""
    caps: dict[bytes, int] = {}
    unique: set[Entry] = set()
    for entry in entries:
        if isinstance(entry, Debit):
            caps[entry.contract] = caps.get(entry.contract, 0) + entry.cap
        else:
            unique.add(entry)
    unique.update(Debit(contract, min(cap, AMOUNT_MAX)) for contract, cap in caps.items())
    return tuple(sorted(unique, key=entry_order))
