"""The search box of the chain: what somebody typed, found by look-ups alone, or an exact word on why not."""

import re
from enum import StrEnum
from typing import NamedTuple

from accountant.chain.rows import RowKind
from accountant.index.directory import deployment_of
from accountant.index.port import ChainIndex
from accountant.primitives.addresses import parse_account, show
from accountant.primitives.cid import parse_cid
from accountant.primitives.errors import AccountantError, InvalidAddress, InvalidCid
from accountant.primitives.types import GENESIS_SEQ, ContractId, Hash, Height

TEXT_MOST = 200
_HEIGHT = re.compile(r"0|[1-9][0-9]*", re.ASCII)
_HEX = re.compile(r"(?:0x)?([0-9a-fA-F]+)", re.ASCII)
_ADDRESS_DIGITS, _HASH_DIGITS = 40, 64
_HEIGHT_DIGITS = 19


class NotFound(AccountantError):
    """Nothing on the chain has this name, or it is the name of nothing."""

    code = "not_found"


class FoundKind(StrEnum):
    """What was found."""

    BLOCK = "block"
    TRANSACTION = "transaction"
    ACCOUNT = "account"
    BLOB = "blob"


class Found(NamedTuple):
    """What was found, and the name by which its page is reached."""

    kind: FoundKind
    name: str


def find(index: ChainIndex, text: str) -> Found:
    """What `text` names: a height, the hash of a block or a transaction, an account, a CID. Raises `NotFound`."""
    wanted = text.strip()
    if not wanted:
        raise NotFound("Type a height, a hash, an address or a CID.")
    if len(wanted) > TEXT_MOST:
        raise NotFound(f"That is {len(wanted)} characters long; no name on a chain is.")
    if _HEIGHT.fullmatch(wanted) and len(wanted) <= _HEIGHT_DIGITS:
        return _block(index, Height(int(wanted)))
    digits = _HEX.fullmatch(wanted)
    if digits is not None:
        return _hexadecimal(index, wanted, digits[1])
    if wanted.startswith("b"):
        try:
            parse_cid(wanted)
        except InvalidCid as error:
            raise NotFound(f"That looks like a CID, but {error.detail}.") from None
        return Found(FoundKind.BLOB, wanted)
    raise NotFound("That is neither a height (digits), nor a hash or an address (0x and hex digits), nor a CID (b…).")


def _block(index: ChainIndex, height: Height) -> Found:
    head = index.head().height
    if height > head:
        raise NotFound(f"The chain ends at height {head}.")
    return Found(FoundKind.BLOCK, str(height))


def _hexadecimal(index: ChainIndex, wanted: str, digits: str) -> Found:
    if len(digits) == _ADDRESS_DIGITS:
        try:
            return Found(FoundKind.ACCOUNT, show(parse_account("0x" + digits)))
        except InvalidAddress as error:
            raise NotFound(f"{error.detail[0].upper()}{error.detail[1:]}.") from None
    if len(digits) != _HASH_DIGITS:
        raise NotFound(
            f"That is {len(digits)} hex digits; an address has {_ADDRESS_DIGITS}, a hash or a contract {_HASH_DIGITS}."
        )
    raw = bytes.fromhex(digits)
    name = "0x" + digits.lower()
    if index.seq_of(Hash(raw)) is not None:
        return Found(FoundKind.TRANSACTION, name)
    block = index.block_by_hash(Hash(raw))
    if block is not None:
        return Found(FoundKind.BLOCK, str(block.height))
    if is_contract_of_chain(index, ContractId(raw)):
        return Found(FoundKind.ACCOUNT, name)
    raise NotFound("No block, transaction or contract of the chain has this name; a transaction may still wait.")


_ANY = (RowKind.CREDIT, RowKind.DEBIT, RowKind.SETTLED)


def is_contract_of_chain(index: ChainIndex, contract: ContractId) -> bool:
    """Whether genesis or a transaction deploys the contract, or anything moved its money."""
    if deployment_of(index, contract) is not None:
        return True
    return bool(index.movements(contract, _ANY, GENESIS_SEQ, index.head().next_seq, 1))
