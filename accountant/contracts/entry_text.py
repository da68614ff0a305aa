"""Footprint entries as text, and back: the details of `undeclared_access` and `cap_exceeded` name what was missing.

One entry is `read 0x… slot 0x…`, `write 0x… slot 0x…`, `credit 0x…`, `debit 0x… cap 5`, `call 0x…`, `bound 0x…`,
`query 0x…`, `blob bafkrei…` or `memory 5`; users are shown with the EIP-55 checksum, and whoever misses a blob does not
know its size. The text is part of an outcome, hence of the chain's rules.
"""

import re

from accountant.chain.footprint import (
    QUERY_BYTES_MAX,
    SIZE_OPEN,
    SLOT_BYTES_MAX,
    Blob,
    Bound,
    Call,
    Credit,
    Debit,
    Entry,
    Memory,
    Query,
    Read,
    Write,
)
from accountant.contracts.errors import ContractFailure, FailureKind
from accountant.primitives.addresses import parse_account, show
from accountant.primitives.cid import parse_cid, show_cid
from accountant.primitives.errors import InvalidAddress, InvalidCid
from accountant.primitives.hashes import sha256
from accountant.primitives.types import AMOUNT_MAX, HASH_BYTES, Cid

_FORM = re.compile(
    r"(?P<kind>read|write|credit|debit|call|bound|query) 0x(?P<on>(?:[0-9a-fA-F]{2})*)"
    r"(?: slot 0x(?P<slot>(?:[0-9a-f]{2})*)| cap (?P<cap>0|[1-9][0-9]{0,18}))?",
    re.ASCII,
)
_BLOB = "blob "
_MEMORY = re.compile(r"memory (0|[1-9][0-9]{0,18})", re.ASCII)
_MORE = ": "
"""Behind the entry, `cap_exceeded` says what was declared."""


def text_of(entry: Entry) -> str:
    """The entry as text. A query that is too long to be declared is named by its hash, and cannot be read back."""
    match entry:
        case Read(contract, slot):
            return f"read 0x{contract.hex()} slot 0x{slot.hex()}"
        case Write(contract, slot):
            return f"write 0x{contract.hex()} slot 0x{slot.hex()}"
        case Credit(account):
            return f"credit {show(account)}"  # type: ignore[arg-type]
        case Debit(contract, cap):
            return f"debit 0x{contract.hex()} cap {cap}"
        case Call(contract):
            return f"call 0x{contract.hex()}"
        case Bound(account):
            return f"bound {show(account)}"  # type: ignore[arg-type]
        case Query(query) if len(query) > QUERY_BYTES_MAX:
            return f"query of hash 0x{sha256(query).hex()}"
        case Query(query):
            return f"query 0x{query.hex()}"
        case Blob(cid):
            return f"{_BLOB}{show_cid(Cid(cid))}"
        case Memory(size):
            return f"memory {size}"


def entry_of(text: str) -> Entry | None:
    """The entry that `text_of` made this text of; None if it is none, or one that no footprint may hold.

    A blob's size is open.
    """
    if text.startswith(_BLOB):
        return _of_blob(text.removeprefix(_BLOB))
    if (memory := _MEMORY.fullmatch(text)) is not None:
        return Memory(int(memory[1])) if 0 < int(memory[1]) <= AMOUNT_MAX else None
    form = _FORM.fullmatch(text)
    if form is None:
        return None
    kind, slot, cap = form["kind"], form["slot"], form["cap"]
    if (slot is None) == (kind in ("read", "write")) or (cap is None) == (kind == "debit"):
        return None
    on = bytes.fromhex(form["on"])
    if kind in ("credit", "bound"):
        return _on_account(kind, form["on"])
    if kind == "query":
        return Query(on) if 0 < len(on) <= QUERY_BYTES_MAX else None
    if len(on) != HASH_BYTES:
        return None
    if kind == "call":
        return Call(on)
    if kind == "debit":
        return Debit(on, int(cap)) if int(cap) <= AMOUNT_MAX else None
    if len(slot) > 2 * SLOT_BYTES_MAX:
        return None
    return Read(on, bytes.fromhex(slot)) if kind == "read" else Write(on, bytes.fromhex(slot))


def _of_blob(cid: str) -> Entry | None:
    try:
        return Blob(parse_cid(cid), SIZE_OPEN)
    except InvalidCid:
        return None


def _on_account(kind: str, digits: str) -> Entry | None:
    try:
        account = parse_account("0x" + digits)
    except InvalidAddress:
        return None
    return Credit(account) if kind == "credit" else Bound(account)


def undeclared(entry: Entry) -> ContractFailure:
    """The failure of touching what the footprint does not declare. A debit's cap is what would have been enough."""
    return ContractFailure(FailureKind.UNDECLARED_ACCESS, text_of(entry))


def cap_exceeded(needed: Debit, declared: int) -> ContractFailure:
    """The failure of paying more than the declared cap. `needed`: with the cap that would have been enough."""
    return ContractFailure(FailureKind.CAP_EXCEEDED, f"{text_of(needed)}{_MORE}{declared} is declared")


def missing_entry(failure: FailureKind | None, detail: str) -> Entry | None:
    """The entry whose lack a failed outcome tells of; None for every other outcome."""
    if failure is FailureKind.UNDECLARED_ACCESS:
        return entry_of(detail)
    return entry_of(detail.partition(_MORE)[0]) if failure is FailureKind.CAP_EXCEEDED else None
