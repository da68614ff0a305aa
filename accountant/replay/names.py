"""Names on the chain for what a recording names: all salted by the block number.

The salt lets each recorded block stand alone although one chain holds them all: no account, slot or
contract of one block is that of another, so every block starts from its own recorded state.
"""

from functools import lru_cache

from accountant.primitives.hashes import sha256
from accountant.primitives.keys import PrivateKey
from accountant.primitives.types import Address, ContractId, Hash

SLOT_PREFIX = b"slots:"
"""Of every slot of the replay contract: of its map `slots`. A key of 32 bytes follows."""

_KEY = b"anh/recorded/key\x00"
_SLOT = b"anh/recorded/slot\x00"
_CONTRACT = b"anh/recorded/contract\x00"
_TRANSACTION = b"anh/recorded/transaction\x00"


@lru_cache(maxsize=4096)
def key_of(block: int, account: str) -> PrivateKey:
    """The key of a recorded address: derived from public data, so it protects nothing."""
    return PrivateKey.from_seed(_KEY + _salt(block) + bytes.fromhex(account))


def user_of(block: int, account: str) -> Address:
    """The user that stands for a recorded address, contracts' addresses included."""
    return key_of(block, account).address


def slot_of(block: int, slot: str) -> bytes:
    """The replay contract's slot for a recorded "address:slot": prefix and key."""
    return SLOT_PREFIX + sha256(_SLOT + _salt(block) + slot.encode())


def contract_of(block: int) -> ContractId:
    """The replay contract of a recorded block."""
    return ContractId(sha256(_CONTRACT + _salt(block)))


def recorded_id(block: int, index: int) -> Hash:
    """What stands for a transaction's hash inside the contract, which cannot know its own before it is signed."""
    return sha256(_TRANSACTION + _salt(block) + index.to_bytes(8, "big"))


def _salt(block: int) -> bytes:
    return block.to_bytes(8, "big")
