"""Footprints: what a transaction may touch, declared, sorted, unique and priced (DESIGN section 2).

Order: by tag (the entry kinds in the order below), then by the fields as they stand, byte strings
lexicographically, caps and sizes numerically. Unique: no entry twice, one `Debit` for each contract, one `Memory`.
An entry's `key` is where the inverted index files it; see `accountant.chain.rows`.
"""

from collections.abc import Iterable

import msgspec

from accountant.primitives.hashes import sha256
from accountant.primitives.types import AMOUNT_MAX, AccountId

SLOT_BYTES_MAX = 128
QUERY_BYTES_MAX = 1024

SIZE_OPEN = 0
"""The size in a `Blob` that is not finished: whoever declares it fills in what the publication says."""


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


class Blob(_Entry, frozen=True, tag=7):
    """May load a blob that an earlier transaction published with this CID (binary, 36 bytes) and this size in bytes."""

    cid: bytes
    size: int

    @property
    def key(self) -> bytes:
        return blob_key(self.cid)


class Memory(_Entry, frozen=True, tag=8):
    """May hold tensors of at most this many bytes at once: a property of the whole transaction, filed nowhere."""

    bytes: int


Entry = Read | Write | Credit | Debit | Call | Bound | Query | Blob | Memory


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


def blob_key(cid: bytes) -> bytes:
    """Where the publication and the loaders of a blob are filed."""
    return b"b" + cid


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
    if kind is Query:
        return 6, entry.query, b""  # type: ignore[union-attr]
    if kind is Blob:
        return 7, entry.cid, entry.size  # type: ignore[union-attr]
    return 8, b"", entry.bytes  # type: ignore[union-attr]


def canonical_footprint(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The entries as a footprint: sorted, each once.

    The caps of one contract add up (at most 2^63 − 1), the largest memory counts, and a blob whose size is
    known needs no second entry that leaves it open.
    """
    caps: dict[bytes, int] = {}
    memory = 0
    unique: set[Entry] = set()
    for entry in entries:
        if isinstance(entry, Debit):
            caps[entry.contract] = caps.get(entry.contract, 0) + entry.cap
        elif isinstance(entry, Memory):
            memory = max(memory, entry.bytes)
        else:
            unique.add(entry)
    unique -= {Blob(e.cid, SIZE_OPEN) for e in unique if isinstance(e, Blob) and e.size != SIZE_OPEN}
    if memory:
        unique.add(Memory(memory))
    unique.update(Debit(contract, min(cap, AMOUNT_MAX)) for contract, cap in caps.items())
    return tuple(sorted(unique, key=entry_order))
