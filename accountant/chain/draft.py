"""Transactions in the making: the entries that a wallet would declare, the gas, and what it would sign."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from accountant.chain.admission import Directory, ModuleCheck
from accountant.chain.errors import InvalidTransaction, Refusal
from accountant.chain.footprint import SIZE_OPEN, Blob, Bound, Call, Credit, Debit, Entry, Memory, Read, Write
from accountant.chain.genesis import Genesis
from accountant.chain.inclusion import Inclusion, check_bytes
from accountant.chain.state import ChainState
from accountant.chain.transaction import VERSION, PublishPayload, Transaction, TransactionKind
from accountant.primitives.cid import show_cid
from accountant.primitives.encoding import encode
from accountant.primitives.keys import SIGNATURE_BYTES
from accountant.primitives.types import AMOUNT_MAX, Address, Cid, ContractId

BLANK = bytes(SIGNATURE_BYTES)
"""The signature of what is not signed yet. Transactions with it and with a real one have the same size."""

CAP_MARGIN = 8
"""A cap that was guessed may rise by an eighth, since what a contract pays often follows a price."""

GAS_MARGIN = 4
"""A gas limit that was guessed has a quarter more than the guess."""


class DraftEntry(NamedTuple):
    """An entry to be declared, and `order`: the lower, the better its source."""

    entry: Entry
    order: int
    mark: int


def merged(entries: Iterable[DraftEntry]) -> list[DraftEntry]:
    """Each entry once, from its best source; of several caps of one contract, and of memories, the largest.

    Of a blob's entries one whose size is known, if there is any.
    """
    best: dict[object, DraftEntry] = {}
    for draft in entries:
        entry = draft.entry
        name = _name_of(entry)
        known = best.get(name)
        if known is None:
            best[name] = draft
            continue
        first, second = sorted((known, draft), key=lambda d: (d.order, d.mark))
        best[name] = second if _extent(second.entry) > _extent(first.entry) else first
    return list(best.values())


def _name_of(entry: Entry) -> object:
    """What a footprint has one entry for."""
    match entry:
        case Debit(contract):
            return Debit, contract
        case Blob(cid):
            return Blob, cid
        case Memory():
            return Memory
        case _:
            return entry


def _extent(entry: Entry) -> int:
    """By which an entry says more than another one of its name."""
    match entry:
        case Debit(_, cap):
            return cap
        case Blob(_, size):
            return size
        case Memory(most):
            return most
        case _:
            return 0


def sized(entry: Entry, directory: Directory) -> Entry:
    """The entry with the size that the publication of its blob says, where it is open and there is one."""
    if not isinstance(entry, Blob) or entry.size != SIZE_OPEN:
        return entry
    return Blob(entry.cid, directory.blob(Cid(entry.cid)) or SIZE_OPEN)


def can_be_declared(entry: Entry) -> bool:
    """Whether a footprint may have the entry: not a blob that nobody published.

    What a contract saved is loaded through the slot that holds its CID, also where the template names it.
    """
    return not isinstance(entry, Blob) or entry.size != SIZE_OPEN


def blobs_of(entries: Iterable[Entry]) -> set[Cid]:
    """The blobs that the entries name."""
    return {Cid(entry.cid) for entry in entries if isinstance(entry, Blob)}


def widened(cap: Debit, template: Mapping[bytes, int], directory: Directory) -> Debit:
    """A guessed cap with a margin, as far as an envelope admits it."""
    there = directory.contract(ContractId(cap.contract))
    admitted = max(template.get(cap.contract, 0), there.envelope.open.debit_most if there else 0)
    return Debit(cap.contract, max(cap.cap, min(cap.cap + cap.cap // CAP_MARGIN, admitted, AMOUNT_MAX)))


def renamed(entry: Entry, old: bytes, new: bytes) -> Entry:
    """The entry of a deployment that is made again: its contract has another id, since its nonce is another."""
    match entry:
        case Read(contract, slot) | Write(contract, slot) if contract == old:
            return type(entry)(new, slot)
        case Debit(contract, cap) if contract == old:
            return Debit(new, cap)
        case Credit(account) | Bound(account) if account == old:
            return type(entry)(new)
        case Call(contract) if contract == old:
            return Call(new)
        case _:
            return entry


def contracts_of(entries: Iterable[Entry]) -> set[ContractId]:
    """The contracts whose envelopes admit the entries."""
    return {ContractId(entry.contract) for entry in entries if isinstance(entry, Read | Write | Debit | Call)}


def publication(genesis: Genesis, nonce: int, cid: Cid, size: int, tip: int = 0) -> Transaction:
    """The unsigned transaction that publishes a blob of `size` bytes."""
    return Transaction(
        version=VERSION,
        chain_id=genesis.chain_id,
        nonce=nonce,
        kind=TransactionKind.PUBLISH,
        to=b"",
        zero_value=0,
        general_value=0,
        gas_limit=0,
        gas_price=genesis.fees.gas_price_least,
        tip=tip,
        payload=encode(PublishPayload(cid, size)),
        footprint=(),
        signature=BLANK,
    )


def refusal_of(
    unsigned: Transaction, sender: Address, state: ChainState, check_module: ModuleCheck
) -> InvalidTransaction | None:
    """Why no block on `state` would take the transaction from this sender, its signature not looked at."""
    for cid in (e.cid for e in unsigned.footprint if isinstance(e, Blob) and e.size == SIZE_OPEN):
        return InvalidTransaction(Refusal.UNPUBLISHED, f"no transaction has published {show_cid(Cid(cid))} yet")
    raw = encode(unsigned)
    try:
        Inclusion(state, check_module).settle(check_bytes(raw, state.genesis), sender)
    except InvalidTransaction as refusal:
        return refusal
    return None
