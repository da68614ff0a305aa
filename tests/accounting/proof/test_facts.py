"""Facts are an index: recorded or carried, they answer as the whole chain does, or say what is missing."""

from collections.abc import Callable
from random import Random

import pytest

from accountant.accounting.proof.build import build, pack
from accountant.accounting.proof.carried import CarriedFacts
from accountant.accounting.proof.errors import CertificateRefused, NotCarried, NotProvable
from accountant.accounting.proof.facts import Facts
from accountant.accounting.proof.file import CertificateFile, decode_certificate_file, encode_certificate
from accountant.accounting.proof.recording import RecordingFacts
from accountant.accounting.proof.verify import verify
from accountant.chain.footprint import account_key, slot_key
from accountant.chain.moment import moment_before
from accountant.chain.query import Storage, TransactionSucceeded, decode_query
from accountant.chain.transaction import TransactionKind
from accountant.execution.memory import MemoryOutcomes
from accountant.index.port import ChainIndex
from accountant.primitives.cid import cid_of
from accountant.primitives.hashes import sha256
from accountant.primitives.types import BLACKHOLE, Hash, Height, Seq
from tests.support.chains import unsigned
from tests.support.random_chain import CONTRACTS, SLOTS, USERS
from tests.support.signed_chain import SignedChain


def _chain(seed: int, blocks: int = 8) -> SignedChain:
    chain = SignedChain(Random(seed), calm=True)
    chain.grow(blocks)
    return chain


def _all_facts(chain: SignedChain) -> RecordingFacts:
    facts = RecordingFacts(chain.index, chain.index.head().height)
    facts.record()
    return facts


def _agree(facts: Facts, index: ChainIndex, chain: SignedChain) -> None:
    head = index.head()
    assert facts.head() == head
    for before in map(Seq, range(head.next_seq + 1)):
        for contract in chain.contracts:
            for slot in SLOTS:
                for limit in (1, 3):
                    assert facts.writers(contract, slot, before, limit) == index.writers(contract, slot, before, limit)
        for account in chain.accounts:
            for after in (-1, before - 2, before - 5):
                assert facts.events(account, Seq(after), before) == index.events(account, Seq(after), before)
    for contract in [*chain.contracts, CONTRACTS[0]]:
        assert facts.deployment(contract) == index.deployment(contract)
    for cid in [*chain.published, cid_of(b"none")]:
        assert facts.publication(cid) == index.publication(cid)
    for height in range(1, head.height + 2):
        assert facts.block(Height(height)) == index.block(Height(height))
        for place in range(4):
            for user in USERS:
                moment = moment_before(height, place)
                assert facts.zero_balance(user, moment) == index.zero_balance(user, moment)
    for seq in map(Seq, range(head.next_seq)):
        located = index.transaction(seq)
        assert facts.transaction(seq) == located
        assert facts.seq_of(located.hash) == seq
    assert facts.seq_of(sha256(b"nothing")) is None
    assert facts.block_by_hash(sha256(b"nothing")) is None


@pytest.mark.parametrize("seed", range(4))
def test_facts_answer_as_the_index_does(seed: int) -> None:
    """Recorded from a whole chain, and carried with proofs of what was recorded, every look-up has the same answer."""
    chain = _chain(seed, 5)
    recorded = _all_facts(chain)
    _agree(recorded, chain.index, chain)
    carried = CarriedFacts(chain.blocks.headers(), chain.index.head().height, pack(recorded))
    _agree(carried, chain.index, chain)


def test_nothing_carried_is_nothing_known() -> None:
    """Without evidence every look-up is refused by name, and blocks alone are known."""
    chain = _chain(1)
    head = chain.index.head()
    facts = CarriedFacts(chain.blocks.headers(), head.height, ())
    assert facts.block(head.height) == chain.index.block(head.height)
    asked: list[Callable[[], object]] = [
        lambda: facts.transaction(Seq(0)),
        lambda: facts.writers(CONTRACTS[0], b"a", head.next_seq, 1),
        lambda: facts.deployment(CONTRACTS[0]),
        lambda: facts.publication(cid_of(b"none")),
        lambda: facts.events(USERS[0], Seq(-1), head.next_seq),
        lambda: facts.events(USERS[0], Seq(-1), Seq(1)),
        lambda: facts.zero_balance(USERS[0], moment_before(head.height, 0)),
        lambda: facts.signed(USERS[0], 0),
        lambda: facts.seq_of(sha256(b"nothing")),
        lambda: facts.signs_nothing(USERS[0], Seq(0), head.next_seq),
    ]
    for ask in asked:
        with pytest.raises(NotCarried):
            ask()


def _refused_without(chain: SignedChain, raw: bytes, drop: tuple[Height, bytes] | Seq) -> str:
    """What is said of a certificate from which one fact was taken, packed as if it were whole."""
    whole = decode_certificate_file(raw)
    seen: list[RecordingFacts] = []
    build(chain.index, MemoryOutcomes(), decode_query(whole.statement.query), execute=True, seen=seen.append)
    facts = seen[0]
    facts.used -= {drop}
    facts.pages -= {drop}
    with pytest.raises(CertificateRefused) as refused:
        verify(encode_certificate(CertificateFile(whole.statement, whole.walks, pack(facts))), chain.blocks.headers())
    return refused.value.part


def test_a_missing_expense_a_missing_debit_and_a_missing_writer_are_named() -> None:
    """Each of the three things that a lying accountant would leave out is missed by its own name."""
    named = set()
    for seed in range(40):
        chain = _chain(seed)
        index, store = chain.index, MemoryOutcomes()
        for seq in map(Seq, range(index.head().next_seq)):
            located = index.transaction(seq)
            raw = build(index, store, TransactionSucceeded(located.hash), execute=True)
            for window in decode_certificate_file(raw).walks.windows:
                if window.nonces is not None and window.nonces.count:
                    own = [s for s in map(Seq, range(window.before)) if index.transaction(s).sender == window.account]
                    dropped = own[window.nonces.first]
                    part = _refused_without(chain, raw, dropped)
                    assert part.startswith(("transaction ", "outcome "))
                    named.add("expense")
                elif window.nonces is None and len(window.account) == 32:
                    height = index.transaction(Seq(window.start)).height
                    page = height, account_key(window.account)
                    if _is_used(chain, raw, page):
                        assert _refused_without(chain, raw, page) == f"footprint of block {height}"
                        named.add("debit")
        for contract in CONTRACTS:
            query = Storage(contract, b"a", chain.position())
            try:
                raw = build(index, store, query, execute=True)
            except NotProvable:
                continue
            for height in map(Height, range(1, decode_certificate_file(raw).statement.height + 1)):
                page = height, slot_key(contract, b"a")
                if _is_used(chain, raw, page):
                    assert _refused_without(chain, raw, page) == f"footprint of block {height}"
                    named.add("writer")
        if named == {"expense", "debit", "writer"}:
            return
    raise AssertionError(f"only {named} were met")


def _is_used(chain: SignedChain, raw: bytes, page: tuple[Height, bytes]) -> bool:
    seen: list[RecordingFacts] = []
    query = decode_query(decode_certificate_file(raw).statement.query)
    build(chain.index, MemoryOutcomes(), query, execute=True, seen=seen.append)
    return page in seen[0].pages


def _paid_from_recent_income(blocks: int) -> tuple[SignedChain, bytes]:
    """A payment from what came back from an overstated gas limit, after some blocks of anything."""
    chain = SignedChain(Random(7), calm=True)
    chain.grow(blocks)
    payer = USERS[3]
    for general, gas in ((0, 90_000), (50_000, 2_000)):
        nonce = chain.nonces[payer]
        chain.nonces[payer] += 1
        to = USERS[4] if general else BLACKHOLE
        paid = unsigned(TransactionKind.TRANSFER, nonce, to, general_value=general, gas_limit=gas)
        chain.blocks.append([(payer, paid)])
    last = chain.index.transaction(Seq(chain.index.head().next_seq - 1))
    return chain, build(chain.index, MemoryOutcomes(), TransactionSucceeded(last.hash), execute=True)


def test_a_yes_from_recent_income_is_as_small_whatever_came_before() -> None:
    """The proof begins where the money came in: eighty more blocks before it add nothing to the file."""
    sizes = []
    for blocks in (2, 82):
        chain, raw = _paid_from_recent_income(blocks)
        assert verify(raw, chain.blocks.headers()).answer is True
        items = decode_certificate_file(raw).items
        assert {item.height for item in items} == {blocks + 1, blocks + 2}
        sizes.append(len(raw))
    assert abs(sizes[0] - sizes[1]) < 50


def test_what_nobody_recorded_is_not_proved_without_executing() -> None:
    """Without records and without leave to execute there is no certificate; nor of what is not on the chain."""
    chain = _chain(2)
    seqs = map(Seq, range(chain.index.head().next_seq))
    called = next(s for s in seqs if chain.index.transaction(s).transaction.kind == 1)
    query = TransactionSucceeded(chain.index.transaction(called).hash)
    with pytest.raises(NotProvable) as unobserved:
        build(chain.index, MemoryOutcomes(), query)
    assert unobserved.value.kind == "unobserved"
    with pytest.raises(NotProvable) as unknown:
        build(chain.index, MemoryOutcomes(), TransactionSucceeded(Hash(bytes(32))))
    assert unknown.value.kind == "unknown_target"
