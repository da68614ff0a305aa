"""Portable proofs of oaths say, with headers alone, exactly what the chain at hand says."""

from random import Random

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accountant.accounting.proof.build import pack
from accountant.accounting.proof.recording import RecordingFacts
from accountant.accounting.questions import InvalidQuestion
from accountant.chain.block import Position
from accountant.chain.footprint import Credit, Debit, Query
from accountant.chain.genesis import Genesis, GenesisAccount, GenesisContract
from accountant.chain.headers import Headers
from accountant.chain.query import AccountingQuery, BalanceAtLeast, Income, Storage, TransactionSucceeded
from accountant.chain.transaction import Transaction
from accountant.contracts.engine import ENGINE
from accountant.index.memory import MemoryIndex
from accountant.oath.code import OATH_CODE
from accountant.oath.counts import counts
from accountant.oath.oath import NotAnOath, oath_of
from accountant.oath.proof import (
    OathProofQuestion,
    OathProofRefused,
    check_oath_proof,
    check_proof,
    oath_proof,
    prove_oath,
)
from accountant.oath.purse import OATH_ENVELOPE
from accountant.oath.swear import (
    Stamp,
    deploy_transaction,
    deposit_transaction,
    swear_transaction,
    withdraw_transaction,
)
from accountant.primitives.addresses import contract_id_of
from accountant.primitives.encoding import encode
from accountant.primitives.types import BLACKHOLE, Address, Amount, ContractId, Hash, Height, Seq
from tests.oath.test_conviction import HEADERS, INDEX, SWORN
from tests.support.oath_chain import altered, terms, without
from tests.support.random_chain import USERS
from tests.support.signed_chain import SignedBlocks

OWNER, STRANGER, CLIENT, PROPOSER = USERS[:4]
GENESIS_PURSE = ContractId(b"\xaa" * 32)


class History:
    """A signed chain of purses and of oaths on them, well made or not."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.genesis = Genesis(
            chain_id=7,
            time=1_700_000_000,
            engine=ENGINE,
            proposers=(PROPOSER,),
            accounts=tuple(GenesisAccount(user, 10**15) for user in sorted(USERS)),
            contracts=(GenesisContract(GENESIS_PURSE, OWNER, OATH_CODE, OATH_ENVELOPE, random.choice([0, 7])),),
        )
        self.index = MemoryIndex(self.genesis)
        self.blocks = SignedBlocks(self.genesis, self.index)
        self.nonces = dict.fromkeys(USERS, 0)
        self.purses = [GENESIS_PURSE]

    def stamp(self, sender: Address = OWNER) -> Stamp:
        self.nonces[sender] += 1
        return Stamp(7, self.nonces[sender] - 1)

    def grow(self, blocks: int, most: int = 5) -> None:
        for _ in range(blocks):
            self.blocks.append([self.transaction() for _ in range(self.random.randrange(most + 1))])

    def transaction(self) -> tuple[Address, Transaction]:
        random = self.random
        purse, units = random.choice(self.purses), Amount(random.choice([1, 1, 2, 2, 5, 5, 9, 9, 2**40]))
        match random.randrange(8):
            case 0:
                stamp = self.stamp()
                self.purses.append(contract_id_of(OWNER, stamp.nonce))
                deployment = deploy_transaction(stamp, self.genesis.gas)
                return OWNER, altered(deployment, general_value=random.choice([0, 0, 0, 1]))
            case 1 | 2:
                general = random.choice([0, 0, 0, 3])
                return OWNER, altered(
                    deposit_transaction(self.stamp(), purse, Amount(9 * units)), general_value=general
                )
            case 3:
                return OWNER, withdraw_transaction(self.stamp(), purse, OWNER, units)
        sender = random.choice([OWNER] * 9 + [STRANGER])
        return sender, self._oath(self.stamp(sender), purse, units)

    def _oath(self, stamp: Stamp, purse: ContractId, units: Amount) -> Transaction:
        random = self.random
        answer = random.choice([True, False, 5, b"x"])
        beneficiary = random.choice([BLACKHOLE, CLIENT])
        oath = swear_transaction(stamp, purse, terms(self._query(), answer, units, beneficiary))
        match random.randrange(14):
            case 0:
                return altered(oath, gas_limit=60_000)
            case 1:
                return without(oath, Query)
            case 2:
                return without(oath, Credit)
            case 3:
                caps = tuple(Debit(purse, e.cap - 1) if isinstance(e, Debit) else e for e in oath.footprint)
                return altered(oath, footprint=caps)
            case 4:
                return altered(oath, zero_value=1)
            case 5:
                return altered(oath, to=bytes(32))
        return oath

    def _query(self) -> AccountingQuery | bytes:
        random, head = self.random, self.index.head()
        count = head.next_seq
        hashes = [self.index.transaction(Seq(random.randrange(count))).hash] if count else []
        name = random.choice([*hashes * 8, Hash(b"\x01" * 32)])
        block = self.index.block(Height(random.randrange(head.height + 1)))
        assert block is not None
        position = Position(random.choice([block.hash] * 9 + [Hash(b"\x02" * 32)]), random.choice([0, 0, 1, 9]))
        queries: list[AccountingQuery | bytes] = [
            BalanceAtLeast(CLIENT, 5, position),
            TransactionSucceeded(name),
            Income(name, CLIENT),
            Storage(GENESIS_PURSE, b"", position),
            b"\xc0",
        ]
        return random.choice(queries)


def proved_like_counted(history: History) -> tuple[int, int]:
    """Every oath's proof says what `counts` says; how many oaths count, of how many."""
    headers, yes, oaths = history.blocks.headers(), 0, 0
    for seq in range(history.index.head().next_seq):
        try:
            oath = oath_of(history.index, Seq(seq))
        except NotAnOath:
            with pytest.raises(NotAnOath):
                prove_oath(history.index, Seq(seq))
            continue
        standing = counts(history.index, oath)
        proved = check_proof(prove_oath(history.index, Seq(seq)), headers)
        assert proved.oath == oath and proved.standing.counts == standing.counts
        assert [flaw.kind for flaw in proved.standing.flaws] == [flaw.kind for flaw in standing.flaws]
        assert proved.standing.deposit <= standing.deposit
        assert proved.block == history.index.block(oath.located.height).hash  # type: ignore[union-attr]
        yes, oaths = yes + standing.counts, oaths + 1
    return yes, oaths


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=True))
def test_a_proof_says_what_the_chain_says(random: Random) -> None:
    """Whether an oath counts, and every reason why it does not, on histories of good and spoilt oaths."""
    history = History(random)
    history.grow(12)
    proved_like_counted(history)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=True))
def test_whoever_makes_it_a_proof_never_says_more_than_is_so(random: Random) -> None:
    """Begun wherever its maker likes, with any evidence left out: what is proved is so, and no deposit is larger."""
    history = History(random)
    history.grow(10)
    headers = history.blocks.headers()
    for seq in map(Seq, range(history.index.head().next_seq)):
        try:
            oath = oath_of(history.index, seq)
        except NotAnOath:
            continue
        standing = counts(history.index, oath)
        file = msgspec.msgpack.decode(prove_oath(history.index, seq))
        for _ in range(6):
            items = [item for item in file[5] if random.random() < 0.95]
            since = random.choice([file[4], random.randrange(seq + 1)])
            try:
                proved = check_proof(encode([*file[:4], since, items]), headers)
            except OathProofRefused:
                continue
            assert proved.oath == oath and proved.standing.deposit <= standing.deposit
            assert standing.counts or not proved.standing.counts


def test_some_of_those_count() -> None:
    """The histories above hold oaths that count and oaths that do not."""
    history = History(Random(3))
    history.grow(60)
    yes, oaths = proved_like_counted(history)
    assert 3 < yes < oaths


def test_a_proof_carries_the_timeline_no_further_back_than_it_needs() -> None:
    """A late deposit covers the penalty by itself: what came before it is not carried, and the proof stays short."""
    history = History(Random(1))
    purse = GENESIS_PURSE
    sizes = []
    for _ in range(2):
        for _ in range(30):
            history.blocks.append([(OWNER, withdraw_transaction(history.stamp(), purse, OWNER, Amount(1)))])
        history.blocks.append([(OWNER, deposit_transaction(history.stamp(), purse, Amount(100)))])
        query = BalanceAtLeast(CLIENT, 1, Position(history.index.head().hash, 0))
        history.blocks.append([(OWNER, swear_transaction(history.stamp(), purse, terms(query, True, 100)))])
        proof = prove_oath(history.index, Seq(history.index.head().next_seq - 1))
        assert check_proof(proof, history.blocks.headers()).standing.counts
        sizes.append(len(proof))
    assert max(sizes) - min(sizes) < 64 and max(sizes) < 2_500


PROOF = prove_oath(INDEX, SWORN.lie)


@settings(max_examples=300, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255))
def test_every_byte_matters(place: float, change: int) -> None:
    """A proof with any byte changed is refused, or proves no more than the whole one does."""
    raw = bytearray(PROOF)
    raw[int(place * len(raw))] ^= change
    try:
        found = check_proof(bytes(raw), HEADERS)
    except OathProofRefused:
        return
    whole = check_proof(PROOF, HEADERS)
    assert found.oath == whole.oath and found.standing.deposit <= whole.standing.deposit


def test_every_piece_is_needed() -> None:
    """Without any one piece of evidence nothing is proved; neither with one of them twice."""
    file = list(msgspec.msgpack.decode(PROOF))
    for number, item in enumerate(file[5]):
        for items in (
            [*file[5][:number], *file[5][number + 1 :]],
            [*file[5][: number + 1], item, *file[5][number + 1 :]],
        ):
            with pytest.raises(OathProofRefused):
                check_proof(encode([*file[:5], items]), HEADERS)


def test_a_hidden_withdrawal() -> None:
    """A walk that begins after the deposit, or leaves out the block of a debit, shows no deposit."""
    history = History(Random(1))
    purse = GENESIS_PURSE
    for transaction in (
        deposit_transaction(history.stamp(), purse, Amount(50)),
        withdraw_transaction(history.stamp(), purse, OWNER, Amount(50)),
    ):
        history.blocks.append([(OWNER, transaction)])
    query = BalanceAtLeast(CLIENT, 1, Position(history.index.head().hash, 0))
    history.blocks.append([(OWNER, swear_transaction(history.stamp(), purse, terms(query, True, 50)))])
    headers = history.blocks.headers()
    seq = Seq(history.index.head().next_seq - 1)
    file = msgspec.msgpack.decode(prove_oath(history.index, seq))
    assert not check_proof(encode(file), headers).standing.counts
    without_debit = [item for item in file[5] if item[1] != 2]
    with pytest.raises(OathProofRefused, match="footprint of block 2"):
        check_proof(encode([*file[:5], without_debit]), headers)
    late = check_proof(encode([*file[:4], seq, file[5]]), headers)
    assert late.standing.deposit == 0 and not late.standing.counts
    with pytest.raises(OathProofRefused, match="begins before genesis or after"):
        check_proof(encode([*file[:4], seq + 1, file[5]]), headers)


def test_other_headers() -> None:
    """Headers that end before the oath, or are those of another chain, prove nothing."""
    cut = Headers(HEADERS.genesis, HEADERS.headers[:3], HEADERS.hashes[:4], HEADERS.first_seqs[:4])
    with pytest.raises(OathProofRefused, match="headers"):
        check_proof(PROOF, cut)
    history = History(Random(1))
    history.grow(12)
    with pytest.raises(OathProofRefused):
        check_proof(PROOF, history.blocks.headers())


@pytest.mark.parametrize("raw", [b"", b"\xc0", encode(1), encode([b"anh/oath\x00", 1]), bytes(1_000)])
def test_what_is_no_proof(raw: bytes) -> None:
    """It is refused as a file."""
    with pytest.raises(OathProofRefused, match="file"):
        check_proof(raw, HEADERS)


def test_a_transaction_that_swears_nothing() -> None:
    """A proof of a withdrawal shows no oath, however well it is made."""
    facts = RecordingFacts(INDEX, INDEX.head().height)
    facts.record()
    located = facts.transaction(Seq(SWORN.lie + 1))
    file = [b"anh/oath\x00", 1, located.height, located.index, 0, pack(facts)]
    with pytest.raises(OathProofRefused, match="oath: an oath calls swear"):
        check_proof(encode(file), HEADERS)


def test_questions() -> None:
    """A proof can be asked of an oath on the chain, and of nothing else."""
    lie = INDEX.transaction(SWORN.lie).hash
    check_oath_proof(INDEX, OathProofQuestion(lie))
    assert oath_proof(INDEX, OathProofQuestion(lie)) == PROOF
    for name, kind in ((bytes(32), "unknown_transaction"), (INDEX.transaction(Seq(0)).hash, "not_an_oath")):
        with pytest.raises(InvalidQuestion) as refused:
            check_oath_proof(INDEX, OathProofQuestion(name))
        assert refused.value.kind == kind
