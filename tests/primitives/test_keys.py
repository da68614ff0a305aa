"""Keys and signatures."""

import coincurve
import ecdsa
import pytest
from Crypto.Hash import keccak as independent_keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from accountant.primitives.addresses import show
from accountant.primitives.errors import InvalidKey, InvalidSignature
from accountant.primitives.keys import (
    HALF_ORDER,
    ORDER,
    PrivateKey,
    recover,
    recover_second_opinion,
    signing_digest,
)
from accountant.primitives.types import Hash

EIP155_SECRET = bytes([0x46] * 32)
WEB3_SECRET = bytes.fromhex("4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318")
HARDHAT_SECRET = bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
RECORDED_SIGNATURE = (
    "c9707084087268bfd72c6593bedb608fcface1db084f932d5264903332749fb8"
    "0dc91cdb3fb8452ba7137f430e852f7b33d8e9e76bb24863253ae98f466eefa81b"
)

secrets = st.integers(1, ORDER - 1).map(lambda n: n.to_bytes(32, "big"))
hashes = st.binary(min_size=32, max_size=32).map(Hash)


@pytest.mark.parametrize(
    ("secret", "address"),
    [
        (EIP155_SECRET, "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F"),
        (WEB3_SECRET, "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23"),
        (HARDHAT_SECRET, "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"),
        ((1).to_bytes(32, "big"), "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"),
    ],
)
def test_addresses_are_those_of_ethereum(secret: bytes, address: str) -> None:
    """Keys published in EIP-155, web3.js and Hardhat have the addresses published with them."""
    assert show(PrivateKey(secret).address) == address


def test_the_curve_signs_as_eip_155_prints() -> None:
    """The library signs EIP-155's example digest with EIP-155's r and s."""
    digest = bytes.fromhex("daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53")
    raw = coincurve.PrivateKey(EIP155_SECRET).sign_recoverable(digest, hasher=None)
    assert raw[:32].hex() == "28ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276"
    assert raw[32:64].hex() == "67cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83"


def test_the_digest_is_eip_191() -> None:
    """What is signed is keccak256 of the personal message, computed here by another implementation."""
    message = bytes(range(32))
    expected = independent_keccak.new(digest_bits=256, data=b"\x19Ethereum Signed Message:\n32" + message).digest()
    assert signing_digest(Hash(message)) == expected


def test_a_recorded_signature_stays_the_same() -> None:
    """RFC 6979 makes signatures deterministic: Hardhat's first key signs bytes 0 … 31 like this for ever."""
    signature = PrivateKey(HARDHAT_SECRET).sign(Hash(bytes(range(32))))
    assert signature.hex() == RECORDED_SIGNATURE
    assert show(recover(Hash(bytes(range(32))), signature)) == "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


@settings(max_examples=40, deadline=None)
@given(secrets, hashes)
def test_both_libraries_recover_the_signer(secret: bytes, digest: Hash) -> None:
    """What we sign, coincurve and ecdsa recover to the same address, ours; s is low and v 27 or 28."""
    key = PrivateKey(secret)
    signature = key.sign(digest)
    assert recover(digest, signature) == recover_second_opinion(digest, signature) == key.address
    assert int.from_bytes(signature[32:64], "big") <= HALF_ORDER and signature[64] in (27, 28)


@settings(max_examples=80, deadline=None)
@given(hashes, st.integers(0, 64), st.integers(1, 255))
def test_both_libraries_agree_on_tampered_signatures(digest: Hash, place: int, flip: int) -> None:
    """Whatever byte of a signature changes, both recover the same other signer or both refuse."""
    signature = bytearray(PrivateKey(EIP155_SECRET).sign(digest))
    signature[place] ^= flip
    outcomes = []
    for recovery in (recover, recover_second_opinion):
        try:
            outcomes.append(recovery(digest, bytes(signature)).hex())
        except InvalidSignature:
            outcomes.append("refused")
    assert outcomes[0] == outcomes[1] != PrivateKey(EIP155_SECRET).address.hex()


EDGES = [0, 1, 2, HALF_ORDER - 1, HALF_ORDER, HALF_ORDER + 1, ORDER - 1, ORDER, ORDER + 1, 2**256 - 1]


@pytest.mark.parametrize("r", EDGES)
def test_both_libraries_agree_at_the_edges(r: int) -> None:
    """For r and s at every edge of their ranges both recover the same signer or both refuse."""
    digest = Hash(bytes([7] * 32))
    for s in EDGES:
        for v in (26, 27, 28, 29):
            signature = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([v])
            outcomes = []
            for recovery in (recover, recover_second_opinion):
                try:
                    outcomes.append(recovery(digest, signature).hex())
                except InvalidSignature:
                    outcomes.append("refused")
            assert outcomes[0] == outcomes[1]


def test_high_s_is_refused_by_both() -> None:
    """The high form of a good signature, which `ecdsa` alone would accept, is refused on both paths (EIP-2)."""
    digest = Hash(bytes(32))
    signature = PrivateKey(WEB3_SECRET).sign(digest)
    high = (ORDER - int.from_bytes(signature[32:64], "big")).to_bytes(32, "big")
    malleated = signature[:32] + high + bytes([55 - signature[64]])
    verifying = ecdsa.SigningKey.from_string(WEB3_SECRET, curve=ecdsa.SECP256k1).verifying_key
    assert verifying.verify_digest(malleated[:64], signing_digest(digest))
    for recovery in (recover, recover_second_opinion):
        with pytest.raises(InvalidSignature, match="high s"):
            recovery(digest, malleated)


@pytest.mark.parametrize("length", [0, 64, 66, 130])
def test_a_signature_has_65_bytes(length: int) -> None:
    """Any other length is refused before anything is computed."""
    for recovery in (recover, recover_second_opinion):
        with pytest.raises(InvalidSignature, match="65 bytes"):
            recovery(Hash(bytes(32)), bytes(length))


@pytest.mark.parametrize("secret", [b"", bytes(32), ORDER.to_bytes(32, "big"), bytes(31), b"\x01" * 33])
def test_what_is_no_key_is_refused(secret: bytes) -> None:
    """A secret has 32 bytes between 1 and the group order − 1."""
    with pytest.raises(InvalidKey):
        PrivateKey(secret)


def test_pem_round_trips_and_refuses_other_curves() -> None:
    """A key survives PEM; a key of another curve and arbitrary bytes are refused with a typed error."""
    key = PrivateKey(WEB3_SECRET)
    assert PrivateKey.from_pem(key.to_pem()).secret == key.secret
    with pytest.raises(InvalidKey, match="secp256k1"):
        PrivateKey.from_pem(ecdsa.SigningKey.generate(curve=ecdsa.NIST256p).to_pem())
    with pytest.raises(InvalidKey):
        PrivateKey.from_pem(b"-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n")


def test_generated_keys_differ_and_text_hides_the_secret() -> None:
    """Two generated keys are different, and no text form of a key shows its secret."""
    one, other = PrivateKey.generate(), PrivateKey.generate()
    assert one.secret != other.secret
    assert one.secret.hex() not in repr(one) + str(one)
