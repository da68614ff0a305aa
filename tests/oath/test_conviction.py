"""Portable proofs of lies: what is false, changed or left out is refused by name, and what is proved is what is so."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accountant.accounting.proof.build import build
from accountant.chain.block import Position
from accountant.chain.headers import Headers
from accountant.chain.query import BalanceAtLeast, Every, Income, TransactionSucceeded, decode_query
from accountant.chain.transaction import sign_transaction
from accountant.execution.memory import MemoryOutcomes
from accountant.oath.conviction import ConvictionRefused, convict, prosecute
from accountant.oath.oath import oath_of
from accountant.oath.proof import prove_oath
from accountant.oath.swear import Stamp, deploy_transaction, deposit_transaction, swear_transaction
from accountant.primitives.addresses import contract_id_of
from accountant.primitives.encoding import encode
from accountant.primitives.types import Amount, Gas, Height, Seq
from tests.support.auditor import sworn_chain
from tests.support.index_chain import RecordedIndex
from tests.support.oath_chain import TOKEN, terms
from tests.support.oath_node import ACCOUNTANT, CUSTOMER, ChainNode, oath_genesis

SWORN = sworn_chain()
INDEX = SWORN.recorded


def headers_of_chain(index: RecordedIndex) -> Headers:
    genesis, head = index.genesis, index.head().height
    blocks = [index.block(Height(height)) for height in range(head + 1)]
    return Headers(
        genesis,
        tuple(block.header for block in index.blocks),
        tuple(block.hash for block in blocks if block),
        tuple(block.first_seq for block in blocks if block),
    )


HEADERS = headers_of_chain(INDEX)


def parts(seq: Seq) -> tuple[bytes, bytes]:
    """The oath's proof, and a certificate of the truth."""
    terms = oath_of(INDEX, seq).terms
    certificate = build(INDEX, MemoryOutcomes(), decode_query(terms.query), execute=True)
    return prove_oath(INDEX, seq), certificate


def proof() -> bytes:
    return prosecute(*parts(SWORN.lie))


def test_a_lie() -> None:
    """Who swore it, what, the truth, and that the oath counted; with headers alone."""
    found = convict(proof(), HEADERS, Gas(10**6))
    assert found.swearer == ACCOUNTANT.address and found.contract == SWORN.purse
    assert (found.terms.answer, found.truth) == (encode(False), encode(True))
    assert found.transaction == INDEX.transaction(SWORN.lie).hash
    assert found.deposit >= found.terms.penalty


def test_a_truth() -> None:
    """Nobody can prove that a true oath is a lie: not by its own certificate, nor by another query's."""
    oath, certificate = parts(SWORN.truths[0])
    with pytest.raises(ConvictionRefused, match="it is true"):
        prosecute(oath, certificate)
    with pytest.raises(ConvictionRefused, match="another query"):
        prosecute(oath, parts(SWORN.truths[1])[1])


def test_a_lie_that_did_not_count() -> None:
    """It convicts nobody, and the flaw is named."""
    node = ChainNode(oath_genesis())
    node.index = index = RecordedIndex(oath_genesis())
    purse = contract_id_of(ACCOUNTANT.address, 0)
    query = BalanceAtLeast(CUSTOMER.address, TOKEN, Position(index.head().hash, 0))
    for transaction in (
        deploy_transaction(Stamp(7, 0), index.genesis.gas),
        swear_transaction(Stamp(7, 1), purse, terms(query, False)),
    ):
        node.make_block(sign_transaction(transaction, ACCOUNTANT))
    certificate = build(index, MemoryOutcomes(), query, execute=True)
    oath, headers = prove_oath(index, node.seqs()[-1]), headers_of_chain(index)
    with pytest.raises(ConvictionRefused, match="oath: it did not count, not_covered"):
        convict(prosecute(oath, certificate), headers)


def test_a_lie_among_several_answers() -> None:
    """One oath on two answers, of which one is false: it is proved with the true answers of both."""
    node = ChainNode(oath_genesis())
    node.index = index = RecordedIndex(oath_genesis())
    purse = contract_id_of(ACCOUNTANT.address, 0)
    for nonce, transaction in enumerate(
        (deploy_transaction(Stamp(7, 0), index.genesis.gas), deposit_transaction(Stamp(7, 1), purse, Amount(TOKEN)))
    ):
        node.make_block(sign_transaction(transaction, ACCOUNTANT))
        assert node.seqs()[-1] == nonce
    paid = index.transaction(Seq(1)).hash
    query = Every((TransactionSucceeded(paid), Income(paid, purse)))
    for nonce, answer in enumerate([(True, TOKEN), (True, TOKEN + 1)], start=2):
        node.make_block(sign_transaction(swear_transaction(Stamp(7, nonce), purse, terms(query, answer)), ACCOUNTANT))
        node.make_block()
    certificate, headers = build(index, MemoryOutcomes(), query, execute=True), headers_of_chain(index)
    with pytest.raises(ConvictionRefused, match="it is true"):
        prosecute(prove_oath(index, Seq(2)), certificate)
    with pytest.raises(ConvictionRefused, match="not_covered"):
        convict(prosecute(prove_oath(index, Seq(3)), certificate), headers)
    node.make_block(sign_transaction(deposit_transaction(Stamp(7, 4), purse, Amount(TOKEN)), ACCOUNTANT))
    lie = swear_transaction(Stamp(7, 5), purse, terms(query, (False, TOKEN)))
    node.make_block(sign_transaction(lie, ACCOUNTANT))
    found = convict(prosecute(prove_oath(index, Seq(5)), certificate), headers_of_chain(index))
    assert found.truth == encode((True, TOKEN)) and found.terms.answer == encode((False, TOKEN))


def test_the_first_version() -> None:
    """A file that proved the lie alone is refused, and says why."""
    old = encode([b"anh/conviction\x00", 1, b"raw", 1, 0, (), b"certificate"])
    with pytest.raises(ConvictionRefused, match="version 1 did not prove that the oath counted"):
        convict(old, HEADERS)


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
    with pytest.raises(ConvictionRefused, match="oath: headers"):
        convict(proof(), cut)
