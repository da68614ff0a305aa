"""Accounts: 20-byte users shown with the EIP-55 checksum, 32-byte contracts shown as hex."""

import re

from accountant.primitives.encoding import encode
from accountant.primitives.errors import InvalidAddress
from accountant.primitives.hashes import keccak256, sha256
from accountant.primitives.types import ADDRESS_BYTES, HASH_BYTES, AccountId, Address, ContractId

_HEX = re.compile(r"0x(?:[0-9a-fA-F]{40}|[0-9a-fA-F]{64})", re.ASCII)


def address_of(public_key: bytes) -> Address:
    """The address of an uncompressed public key, 65 bytes beginning with 4 (yellow paper, appendix F)."""
    assert len(public_key) == 65 and public_key[0] == 4
    return Address(keccak256(public_key[1:])[12:])


def contract_id_of(deployer: Address, nonce: int) -> ContractId:
    """The id of the contract that the deployer's transaction with this nonce deploys: 32 bytes."""
    return ContractId(sha256(b"anh/contract\x00" + encode([deployer, nonce])))


def is_contract(account: AccountId) -> bool:
    """User or contract, by length alone: no state, no code, no execution."""
    return len(account) == HASH_BYTES


def account_of(raw: bytes) -> AccountId:
    """Bytes of a checked length, 20 or 32, as an account."""
    assert len(raw) in (ADDRESS_BYTES, HASH_BYTES)
    return Address(raw) if len(raw) == ADDRESS_BYTES else ContractId(raw)


def show(account: AccountId) -> str:
    """The text of an account: EIP-55 checksummed hex for users, lower-case hex for contracts."""
    digits = account.hex()
    if len(account) != ADDRESS_BYTES:
        return "0x" + digits
    digest = keccak256(digits.encode()).hex()
    return "0x" + "".join(c.upper() if d > "7" else c for c, d in zip(digits, digest, strict=False))


def parse_account(text: str) -> AccountId:
    """The account that `text` names. Mixed case must carry the right EIP-55 checksum. Raises `InvalidAddress`."""
    if not _HEX.fullmatch(text):
        raise InvalidAddress("an account is 0x and 40 hex digits (user) or 64 (contract)")
    raw = bytes.fromhex(text[2:])
    if len(raw) == HASH_BYTES:
        return ContractId(raw)
    address = Address(raw)
    if text[2:] not in (text[2:].lower(), text[2:].upper()) and show(address) != text:
        raise InvalidAddress(f"wrong checksum: {text} should read {show(address)}")
    return address
