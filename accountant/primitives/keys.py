"""secp256k1 keys and signatures: 65 bytes r ‖ s ‖ v over the EIP-191 personal message of a hash.

`ecdsa` generates keys, reads PEM and is the second opinion; `coincurve` (libsecp256k1) recovers
signers on the hot path. Both refuse high s (EIP-2), which `ecdsa` alone would accept.
"""

import hashlib
from collections.abc import Iterable, Iterator

import coincurve
import ecdsa
from coincurve._libsecp256k1 import ffi, lib  # type: ignore[import-not-found]
from coincurve.context import GLOBAL_CONTEXT
from ecdsa.util import sigdecode_string
from sha3 import keccak_256 as _keccak256

from accountant.primitives.addresses import address_of
from accountant.primitives.errors import InvalidKey, InvalidSignature
from accountant.primitives.hashes import keccak256
from accountant.primitives.types import HASH_BYTES, Address, Hash

SIGNATURE_BYTES = 65
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
HALF_ORDER = ORDER // 2
_HALF_ORDER_BYTES = HALF_ORDER.to_bytes(32, "big")

_PREFIX = b"\x19Ethereum Signed Message:\n32"

_CONTEXT = GLOBAL_CONTEXT.ctx
_UNCOMPRESSED = lib.SECP256K1_EC_UNCOMPRESSED
_new, _buffer = ffi.new, ffi.buffer
_parse = lib.secp256k1_ecdsa_recoverable_signature_parse_compact
_recover = lib.secp256k1_ecdsa_recover
_serialize = lib.secp256k1_ec_pubkey_serialize
_SIGNATURE, _POINT = ffi.typeof("secp256k1_ecdsa_recoverable_signature *"), ffi.typeof("secp256k1_pubkey *")
_SIZE, _PUBLIC = ffi.typeof("size_t *"), ffi.typeof("unsigned char [65]")


def signing_digest(digest: Hash) -> bytes:
    """What is really signed: keccak256 of the EIP-191 (version 0x45) message of a 32-byte hash."""
    return keccak256(_PREFIX + digest)


class PrivateKey:
    """A secp256k1 private key. Its text forms never show the secret."""

    def __init__(self, secret: bytes) -> None:
        """`secret`: 32 bytes, between 1 and the group order − 1. Raises `InvalidKey`."""
        if len(secret) != HASH_BYTES or not 0 < int.from_bytes(secret, "big") < ORDER:
            raise InvalidKey("a private key is 32 bytes between 1 and the group order − 1")
        self.secret = secret
        self._key = coincurve.PrivateKey(secret)
        self.address: Address = address_of(self._key.public_key.format(compressed=False))

    def __repr__(self) -> str:
        return f"PrivateKey(address=0x{self.address.hex()})"

    @classmethod
    def generate(cls) -> "PrivateKey":
        """A new key from the operating system's randomness."""
        return cls(ecdsa.SigningKey.generate(curve=ecdsa.SECP256k1).to_string())

    @classmethod
    def from_seed(cls, seed: bytes) -> "PrivateKey":
        """A key derived from public data, for recorded chains and tests: it protects nothing."""
        return cls((int.from_bytes(hashlib.sha256(seed).digest(), "big") % (ORDER - 1) + 1).to_bytes(32, "big"))

    @classmethod
    def from_pem(cls, pem: bytes) -> "PrivateKey":
        """The key in a PEM file (SEC 1 or PKCS #8). Raises `InvalidKey`."""
        try:
            key = ecdsa.SigningKey.from_pem(pem)
        except Exception as error:  # ecdsa raises many types on malformed PEM
            raise InvalidKey(f"no PEM private key: {type(error).__name__}") from None
        if key.curve is not ecdsa.SECP256k1:
            raise InvalidKey("the key is not on secp256k1")
        return cls(key.to_string())

    def to_pem(self) -> bytes:
        """The key as PEM (SEC 1)."""
        pem: bytes = ecdsa.SigningKey.from_string(self.secret, curve=ecdsa.SECP256k1).to_pem()
        return pem

    def sign(self, digest: Hash) -> bytes:
        """The signature of a 32-byte hash: r ‖ s ‖ v, v 27 or 28, low s, nonce by RFC 6979."""
        raw = self._key.sign_recoverable(signing_digest(digest), hasher=None)
        return raw[:64] + bytes([raw[64] + 27])


def _checked(signature: bytes) -> int:
    """The recovery id of a well-formed low-s signature. Raises `InvalidSignature`."""
    if len(signature) != SIGNATURE_BYTES:
        raise InvalidSignature(f"a signature has {SIGNATURE_BYTES} bytes, not {len(signature)}")
    recovery = signature[64] - 27
    if recovery not in (0, 1):
        raise InvalidSignature("the recovery byte is 27 or 28")
    if signature[32:64] > _HALF_ORDER_BYTES:
        raise InvalidSignature("high s: the low form of the same signature is the only one accepted (EIP-2)")
    return recovery


def recover(digest: Hash, signature: bytes) -> Address:
    """The signer of a 32-byte hash, by libsecp256k1. Raises `InvalidSignature`."""
    return next(recover_each([(digest, signature)]))


def recover_each(signed: Iterable[tuple[Hash, bytes]]) -> Iterator[Address]:
    """The signers of (32-byte hash, signature), one by one, by libsecp256k1. Raises `InvalidSignature` at a bad one.

    It calls the library as `coincurve.PublicKey` does, without the objects in between: they are a tenth of
    a validator's time. The memory is this iterator's own, since the calls let other threads run.
    """
    parsed, point, size, public = _new(_SIGNATURE), _new(_POINT), _new(_SIZE, 65), _new(_PUBLIC)
    key = _buffer(public)
    for digest, signature in signed:
        recovery = _checked(signature)
        assert len(digest) == HASH_BYTES
        if not _parse(_CONTEXT, parsed, signature, recovery) or not _recover(
            _CONTEXT, point, parsed, _keccak256(_PREFIX + digest).digest()
        ):
            raise InvalidSignature("the signature recovers no key")
        _serialize(_CONTEXT, public, size, point, _UNCOMPRESSED)
        yield Address(_keccak256(key[1:]).digest()[12:])


def recover_second_opinion(digest: Hash, signature: bytes) -> Address:
    """The signer of a 32-byte hash, by `ecdsa` in pure Python: slow, independent. Raises `InvalidSignature`."""
    recovery = _checked(signature)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    if not (0 < r < ORDER and s):  # ecdsa recovers keys from such numbers; SEC 1, section 4.1.4 does not
        raise InvalidSignature("r and s are between 1 and the group order − 1")
    try:
        keys = ecdsa.VerifyingKey.from_public_key_recovery_with_digest(
            signature[:64],
            signing_digest(digest),
            curve=ecdsa.SECP256k1,
            hashfunc=hashlib.sha256,
            sigdecode=sigdecode_string,
        )
    except Exception as error:  # ecdsa raises many types on malformed points
        raise InvalidSignature(f"the signature recovers no key: {error}") from None
    # ecdsa lists the key whose nonce point has an even y first, which is recovery id 0.
    if len(keys) != 2:
        raise InvalidSignature("the signature recovers no key")
    return address_of(b"\x04" + keys[recovery].to_string())
