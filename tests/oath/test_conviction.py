"""Portable proofs of lies: what is false, changed or left out is refused by name, and what is proved is what is so."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accountant.accounting.proof.build import build
from accountant.chain.headers import Headers
from accountant.chain.query import decode_query
from accountant.execution.memory import MemoryOutcomes
from accountant.oath.conviction import ConvictionRefused, convict, prosecute
from accountant.oath.oath import oath_of
from accountant.primitives.encoding import encode
from accountant.primitives.types import Gas, Hash, Height, Seq
from tests.support.auditor import sworn_chain
from tests.support.oath_node import ACCOUNTANT

SWORN = sworn_chain()
INDEX = SWORN.recorded


def headers_of_chain() -> Headers:
    genesis, head = INDEX.genesis, INDEX.head().height
    blocks = [INDEX.block(Height(height)) for height in range(head + 1)]
    return Headers(
        genesis,
        tuple(block.header for block in INDEX.blocks),
        tuple(block.hash for block in blocks if block),
        tuple(block.first_seq for block in blocks if block),
    )


HEADERS = headers_of_chain()


def parts(seq: Seq) -> tuple[bytes, Height, list[Hash], bytes]:
    """The oath's bytes, its block, and a certificate of the truth."""
    oath = oath_of(INDEX, seq)
    certificate = build(INDEX, MemoryOutcomes(), decode_query(oath.terms.query), execute=True)
    return encode(oath.transaction), oath.located.height, [oath.located.hash], certificate


def proof() -> bytes:
    return prosecute(*parts(SWORN.lie))


def test_a_lie() -> None:
    """Who swore it, what, and the truth; with headers alone."""
    found = convict(proof(), HEADERS, Gas(10**6))
    assert found.swearer == ACCOUNTANT.address and found.contract == SWORN.purse
    assert (found.terms.answer, found.truth) == (encode(False), encode(True))
    assert found.transaction == INDEX.transaction(SWORN.lie).hash


def test_a_truth() -> None:
    """Nobody can prove that a true oath is a lie: not by its own certificate, nor by another query's."""
    raw, height, hashes, certificate = parts(SWORN.truths[0])
    with pytest.raises(ConvictionRefused, match="it is true"):
        prosecute(raw, height, hashes, certificate)
    with pytest.raises(ConvictionRefused, match="another query"):
        prosecute(raw, height, hashes, parts(SWORN.truths[1])[3])


def test_an_oath_that_is_not_on_the_chain() -> None:
    """What was signed and never included convicts nobody, and neither does a block that is not there."""
    raw, height, hashes, certificate = parts(SWORN.lie)
    with pytest.raises(ConvictionRefused, match="not among"):
        prosecute(raw, height, [Hash(bytes(32))], certificate)
    for wrong in (height - 1, height + 1):
        with pytest.raises(ConvictionRefused, match="inclusion"):
            convict(prosecute(raw, Height(wrong), hashes, certificate), HEADERS)
    for beyond in (0, len(HEADERS.headers) + 1):
        with pytest.raises(ConvictionRefused, match="headers"):
            convict(prosecute(raw, Height(beyond), hashes, certificate), HEADERS)


@settings(max_examples=200, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255))
def test_every_byte_matters(place: float, change: int) -> None:
    """A proof with any byte changed is refused, or proves the same."""
    raw = bytearray(proof())
    raw[int(place * len(raw))] ^= change
    try:
        found = convict(bytes(raw), HEADERS, Gas(10**6))
    except ConvictionRefused:
        return
    assert (found.swearer, found.truth) == (ACCOUNTANT.address, encode(True))


@pytest.mark.parametrize("raw", [b"", b"\xc0", encode(1), encode([b"anh/conviction\x00", 1]), bytes(1_000)])
def test_what_is_no_proof(raw: bytes) -> None:
    """It is refused as a file."""
    with pytest.raises(ConvictionRefused, match="file"):
        convict(raw, HEADERS)


def test_other_headers() -> None:
    """Headers of a chain without the oath's block convict nobody."""
    cut = Headers(HEADERS.genesis, HEADERS.headers[:3], HEADERS.hashes[:4], HEADERS.first_seqs[:4])
    with pytest.raises(ConvictionRefused, match="headers"):
        convict(proof(), cut)
