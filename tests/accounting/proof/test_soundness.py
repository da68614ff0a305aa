"""Nothing false is proved: whatever evidence is left out, whatever hints are given, whatever byte is changed."""

from collections.abc import Callable
from contextlib import suppress
from random import Random

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accountant.accounting.proof.build import build, pack
from accountant.accounting.proof.carried import CarriedFacts
from accountant.accounting.proof.errors import CertificateRefused
from accountant.accounting.proof.executor import Carried, ProofSelective, ProofSession
from accountant.accounting.proof.file import CertificateFile, Item, Statement, Walks, decode_certificate_file
from accountant.accounting.proof.file import encode_certificate as encode_file
from accountant.accounting.proof.plan import choose_planned
from accountant.accounting.proof.recording import RecordingFacts
from accountant.accounting.proof.verify import verify
from accountant.accounting.proof.window import Nonces, Window, ZeroWindow
from accountant.chain.block import Position
from accountant.chain.query import AccountingQuery, BalanceAtLeast, TransactionSucceeded
from accountant.execution.eager import execute_everything
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.queries import target_of
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.index.position import resolve
from accountant.primitives.encoding import encode
from accountant.primitives.types import ADDRESS_BYTES, AMOUNT_MAX, AccountId, Gas, Height, Seq
from tests.support.random_chain import USERS
from tests.support.signed_chain import SignedChain

CHAINS = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _chain(random: Random, blocks: int = 5) -> SignedChain:
    chain = SignedChain(random)
    chain.grow(blocks)
    return chain


def _observed(chain: SignedChain) -> MemoryOutcomes:
    store = MemoryOutcomes()
    for seq in range(chain.index.head().next_seq):
        Selective(Session(chain.index, store)).outcome(Seq(seq))
    return store


def _certificates(random: Random, chain: SignedChain, most: int) -> list[tuple[AccountingQuery, bytes]]:
    """Files for random queries and for transactions."""
    store = _observed(chain)
    queries = [chain.query() for _ in range(most)]
    queries += [TransactionSucceeded(chain.earlier()) for _ in range(most)]
    chosen = [query for query in queries if Selective(Session(chain.index, store)).answer(query) is not None]
    return [(query, build(chain.index, store, query)) for query in chosen[:most]]


def _some_evidence(random: Random, chain: SignedChain, horizon: Height) -> tuple[Item, ...]:
    """Authentic evidence, with as much left out as chance has it."""
    facts = RecordingFacts(chain.index, horizon)
    share, share_of_pages = (random.choice([0.5, 0.9, 0.98, 1, 1]) for _ in range(2))
    facts.used = {Seq(seq) for seq in range(facts.head().next_seq) if random.random() < share}
    for height in map(Height, range(1, horizon + 1)):
        keys = [*facts.tree(height).pages, *(b"g" + account for account in chain.accounts)]
        facts.pages |= {(height, key) for key in keys if random.random() < share_of_pages}
    facts.all_hashes = random.random() < 0.3
    return pack(facts)


def _any_hints(random: Random, chain: SignedChain, before: list[Seq]) -> Carried:
    """Windows that may be anything."""
    windows, zero_windows = [], []
    last = chain.index.head().next_seq
    for place in before:
        for account in chain.accounts:
            if random.random() < 0.5:
                start = random.randrange(place + 1)
                nonces = Nonces(random.randrange(4), random.randrange(4), random.random() < 0.5)
                honest = _nonces_of(chain, account, start, place, random.random() < 0.5)
                chosen = random.choice([None, nonces, honest, honest])
                windows.append(Window(account, place, start, chosen))
                if len(account) == ADDRESS_BYTES:
                    incomes = tuple(sorted(random.sample(range(last), random.randrange(last + 1))))
                    zero_windows.append(ZeroWindow(account, place, start, random.choice([nonces, honest]), incomes))
    return Carried(windows, zero_windows)


def _nonces_of(chain: SignedChain, account: AccountId, start: int, before: int, closed: bool) -> Nonces:
    seqs = [Seq(seq) for seq in range(chain.index.head().next_seq)]
    own = [seq for seq in seqs if chain.index.transaction(seq).sender == account]
    return Nonces(len([seq for seq in own if seq < start]), len([s for s in own if start <= s < before]), closed)


@CHAINS
@given(st.randoms(use_true_random=True))
def test_no_evidence_and_no_hints_lead_to_a_false_answer(random: Random) -> None:
    """Over any part of the chain's own evidence, with any windows and plan, an answer is the truth or is refused."""
    chain = _chain(random)
    store, headers = _observed(chain), chain.blocks.headers()
    eager = execute_everything(chain.index)
    answered = 0
    for _ in range(25):
        account, position = random.choice(chain.accounts), chain.position()
        place = resolve(chain.index, position)
        queries = [chain.query(), TransactionSucceeded(chain.earlier())]
        if place is not None:
            zero = chain.index.zero_balance(account, place.moment) if len(account) == ADDRESS_BYTES else 0  # type: ignore[arg-type]
            owned = zero + eager.general_before(account, place.seq)
            queries = [BalanceAtLeast(account, min(owned + more, AMOUNT_MAX), position) for more in (0, 1, 1)]
        for query in queries:
            truth, target = Selective(Session(chain.index, store)).answer(query), target_of(chain.index, query)
            if target is None:
                continue
            places = [Seq(seq) for seq in range(chain.index.head().next_seq + 1)]
            hints = _any_hints(random, chain, places)
            plan = frozenset(seq for seq in places[:-1] if random.random() < 0.9)
            try:
                facts = CarriedFacts(headers, target.height, _some_evidence(random, chain, target.height))
                carried = frozenset(seq for seq in plan if facts.carried(chain.index.transaction(seq).hash) is not None)
                session = ProofSession(facts, MemoryOutcomes(), hints, carried)
                found = ProofSelective(session, choose_planned(carried)).answer(query)
            except CertificateRefused:
                continue
            answered += 1
            assert encode(found) == encode(truth), query
    assert answered or not eager.outcomes


@settings(CHAINS, max_examples=15)
@given(st.randoms(use_true_random=True))
def test_a_missing_debit_is_caught(random: Random) -> None:
    """With all evidence at hand, windows that leave own transactions out, by nonces or by their beginning, show no
    user more than it owns; incomes that are left out only weaken, and lead to no `no`.
    """
    chain = _chain(random, 4)
    store, headers = _observed(chain), chain.blocks.headers()
    eager = execute_everything(chain.index)
    head = chain.index.head()
    last = chain.index.block(head.height)
    assert last is not None
    facts = RecordingFacts(chain.index, head.height)
    facts.used = {Seq(seq) for seq in range(head.next_seq)}
    for height in map(Height, range(1, head.height + 1)):
        facts.pages |= {(height, b"g" + account) for account in chain.accounts}
    items = pack(facts)
    seqs = [Seq(seq) for seq in range(head.next_seq)]
    for _ in range(60):
        account = random.choice(USERS)
        position = Position(last.previous_hash, random.randrange(last.count + 1)) if head.height else None
        place = None if position is None else resolve(chain.index, position)
        if position is None or place is None:
            continue
        own = [seq for seq in seqs if seq < place.seq and chain.index.transaction(seq).sender == account]
        first = random.randrange(len(own) + 1)
        start = random.choice([0, *own, *(seq + 1 for seq in own)])
        nonces = Nonces(first, random.randrange(len(own) - first + 1), random.random() < 0.5)
        share = random.choice([0.5, 1])
        plan = frozenset(seq for seq in seqs if random.random() < share)
        hints = Carried(
            [Window(account, place.seq, start, nonces)],
            [ZeroWindow(account, place.seq, start, nonces, tuple(seqs))] if random.random() < 0.5 else [],
        )
        owned = chain.index.zero_balance(account, place.moment) + eager.general_before(account, place.seq)
        carried = CarriedFacts(headers, head.height, items)
        for amount in (owned, owned + 1, owned + random.choice([2, 60, 2_000, 10**6])):
            session = ProofSession(carried, store, hints, plan)
            query = BalanceAtLeast(account, min(amount, AMOUNT_MAX), position)
            with suppress(CertificateRefused):
                assert ProofSelective(session, choose_planned(plan)).answer(query) is (query.amount <= owned)


@settings(CHAINS, max_examples=8)
@given(st.randoms(use_true_random=True))
def test_a_changed_byte_is_caught_and_named(random: Random) -> None:
    """Whatever byte of a file is changed, inserted or cut away, it is refused, and what is at fault is named."""
    chain = _chain(random, 3)
    headers = chain.blocks.headers()
    for _, raw in _certificates(random, chain, 2):
        places = range(len(raw)) if len(raw) < 3_000 else random.sample(range(len(raw)), 3_000)
        for place in places:
            changed = raw[:place] + bytes([raw[place] ^ random.randrange(1, 256)]) + raw[place + 1 :]
            with pytest.raises(CertificateRefused) as refused:
                verify(changed, headers)
            assert refused.value.part
        for wrong in (raw[:-1], raw + b"\0", raw[1:], b"", raw[: len(raw) // 2]):
            with pytest.raises(CertificateRefused):
                verify(wrong, headers)


@settings(CHAINS, max_examples=10)
@given(st.randoms(use_true_random=True))
def test_a_lying_accountant_proves_nothing(random: Random) -> None:
    """Another answer, other outcomes, other gas, another query, block or chain over the same evidence are refused."""
    chain, other = _chain(random), _chain(random)
    headers = chain.blocks.headers()
    for query, raw in _certificates(random, chain, 4):
        file = decode_certificate_file(raw)
        said = file.statement
        answers = [True, False, 0, 7, b"", b"first"]
        lies = [_said(said, answer=encode(answer)) for answer in answers if encode(answer) != said.answer]
        lies += [
            _said(said, gas=said.gas + 1),
            _said(said, outcomes=said.outcomes[:-1] if said.outcomes else (("x", b""),)),
            _said(said, outcomes=tuple(reversed(said.outcomes))) if len(said.outcomes) > 1 else _said(said, gas=-1),
            _said(said, height=said.height - 1),
            _said(said, chain_id=8),
            _said(said, genesis=bytes(32)),
            _said(said, block=bytes(32)),
        ]
        if isinstance(query, BalanceAtLeast) and query.amount:
            less = BalanceAtLeast(query.account, query.amount - 1, query.position)
            lies += [_said(said, query=encode(less), answer=encode(not _true(chain, less)))]
        for lie in lies:
            with pytest.raises(CertificateRefused):
                verify(encode_file(CertificateFile(lie, file.walks, file.items)), headers)
        if chain.genesis.hash != other.genesis.hash or chain.blocks.headers().hashes != other.blocks.headers().hashes:
            with pytest.raises(CertificateRefused):
                verify(raw, other.blocks.headers())


def _true(chain: SignedChain, query: AccountingQuery) -> bool:
    return bool(Selective(Session(chain.index, MemoryOutcomes())).answer(query))


def _said(statement: Statement, **changes: object) -> Statement:
    return msgspec.structs.replace(statement, **changes)


@settings(CHAINS, max_examples=15)
@given(st.randoms(use_true_random=True))
def test_whatever_is_left_out_is_missed_or_not_needed(random: Random) -> None:
    """Evidence without one of its facts, packed as if it were whole, proves the truth or is refused."""
    chain = _chain(random)
    store, headers = _observed(chain), chain.blocks.headers()
    for _ in range(3):
        query = random.choice([chain.query(), TransactionSucceeded(chain.earlier())])
        truth = Selective(Session(chain.index, store)).answer(query)
        if truth is None:
            continue
        recorded: list[RecordingFacts] = []
        whole = decode_certificate_file(build(chain.index, store, query, seen=recorded.append))
        facts = recorded[0]
        for drop in _without_one(facts):
            drop()
            file = encode_file(CertificateFile(whole.statement, whole.walks, pack(facts)))
            with suppress(CertificateRefused):
                assert encode(verify(file, headers).answer) == encode(truth)


def _without_one(facts: RecordingFacts) -> list[Callable[[], None]]:
    used, pages = frozenset(facts.used), frozenset(facts.pages)

    def without(seq: Seq | None, page: tuple[Height, bytes] | None) -> Callable[[], None]:
        def drop() -> None:
            facts.used, facts.pages = set(used) - {seq}, set(pages) - {page}

        return drop

    return [*(without(seq, None) for seq in used), *(without(None, page) for page in pages)]


def test_work_is_bounded_by_the_verifiers_gas() -> None:
    """Who checks says how much gas that may take; a certificate that needs more is refused."""
    chain = _chain(Random(7), 8)
    headers = chain.blocks.headers()
    tried = 0
    for _, raw in _certificates(Random(7), chain, 8):
        gas = decode_certificate_file(raw).statement.gas
        assert verify(raw, headers, Gas(gas)).gas_executed == gas
        if gas:
            tried += 1
            with pytest.raises(CertificateRefused) as refused:
                verify(raw, headers, Gas(gas - 1))
            assert refused.value.part == "gas"
    assert tried


def test_pieces_come_once_and_in_order() -> None:
    """A file with a piece twice, or out of order, is no canonical certificate."""
    chain = _chain(Random(5), 8)
    _, raw = max(_certificates(Random(5), chain, 8), key=lambda one: len(one[1]))
    file = decode_certificate_file(raw)
    assert len(file.items) > 1
    doubled = CertificateFile(file.statement, Walks((), ()), (*file.items, file.items[0]))
    with pytest.raises(CertificateRefused) as refused:
        decode_certificate_file(encode_file(doubled))
    assert "comes again" in refused.value.detail


@pytest.mark.parametrize(
    "raw",
    [
        b"\xdd\xff\xff\xff\xff",
        b"\x91" * 100_000,
        b"\xc6\xff\xff\xff\xff",
        encode(["anh", 1]),
        encode([b"anh/certificate\0", 2, b"", [7, b"", 0, b"", b"", b"", 0, []], [[], []], []]),
        encode([b"anh/certificate\0", 1, b"", [7, b"", 0, b"", b"", b"", 0, []], [[], []], []]),
        encode([b"anh/certificate\0", 1, b"", [7, b"", 2**63, b"", b"", b"", 0, []], [[], []], [[9, 0, 0, b""]]]),
    ],
    ids=[
        "a huge count",
        "deep nesting",
        "huge bytes",
        "a fragment",
        "another version",
        "no checksums",
        "no such piece",
    ],
)
def test_what_is_no_certificate_is_refused(raw: bytes) -> None:
    """Hostile bytes cost no more than their size, and are named."""
    headers = _chain(Random(1), 1).blocks.headers()
    with pytest.raises(CertificateRefused) as refused:
        verify(raw, headers)
    assert refused.value.part in ("file", "checksums")
