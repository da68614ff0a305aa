"""SHA-256 for everything the chain names, keccak256 for what Ethereum's keys need."""

import hashlib

import sha3

from accountant.primitives.types import Hash


def sha256(data: bytes) -> Hash:
    """SHA-256 of `data`: 32 bytes (FIPS 180-4)."""
    return Hash(hashlib.sha256(data).digest())


def keccak256(data: bytes) -> bytes:
    """Keccak-256 of `data` as Ethereum uses it (original padding, not FIPS 202): 32 bytes."""
    digest: bytes = sha3.keccak_256(data).digest()
    return digest
