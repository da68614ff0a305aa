"""Types that say units. All are plain `int` or `bytes` at run time."""

from typing import NewType

Amount = NewType("Amount", int)
"""Base units, 0 ≤ v < 2^63; one token is 10^9 units."""

Gas = NewType("Gas", int)
"""Units of computation; one gas is one unit of WASM fuel."""

Seq = NewType("Seq", int)
"""The dense number of a transaction: 0 for the first transaction after genesis."""

Height = NewType("Height", int)
"""The number of a block; genesis is 0."""

Hash = NewType("Hash", bytes)
"""32 bytes of SHA-256."""

Address = NewType("Address", bytes)
"""A user account: 20 bytes, the tail of keccak256 of the public key."""

ContractId = NewType("ContractId", bytes)
"""A contract account: 32 bytes, SHA-256 of (deployer, nonce)."""

AccountId = Address | ContractId
"""User or contract, told apart by length alone (20 or 32 bytes)."""

Cid = NewType("Cid", bytes)
"""A binary CIDv1 of raw bytes under SHA-256: 36 bytes (`primitives.cid`)."""

GENESIS_SEQ = Seq(-1)
"""Stands for genesis wherever a transaction number is asked for: what was there before the first."""

UNITS_PER_TOKEN = 10**9
AMOUNT_MAX = 2**63 - 1
ADDRESS_BYTES = 20
HASH_BYTES = 32

BLACKHOLE = Address(bytes(ADDRESS_BYTES))
"""Address zero: nobody holds its key (Algorithm 5, line 2)."""
