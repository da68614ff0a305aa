"""The mempool: gaps, replacement, eviction, caps, and Algorithm 1."""

import pytest

from accountant.chain.envelope import Envelope, FunctionEnvelope
from accountant.chain.errors import InvalidTransaction, MempoolRefusal, NotPooled, Refusal
from accountant.chain.mempool import Mempool, MempoolLimits
from accountant.chain.state import ChainState
from accountant.chain.transaction import transaction_hash
from accountant.primitives import keys
from accountant.primitives.cid import cid_of
from accountant.primitives.keys import PrivateKey
from accountant.primitives.types import Cid
from tests.support.chains import (
    ALICE,
    BOB,
    CAROL,
    accept_any_module,
    call,
    contract_id,
    extend,
    genesis,
    genesis_contract,
    key,
    open_envelope,
    publish,
    transfer,
)

POOR = key("poor")
BOX = contract_id("box")


def pool(**limits: int) -> tuple[ChainState, Mempool]:
    contract = genesis_contract("box", open_envelope(FunctionEnvelope("f", (), (), complete=False)))
    state = ChainState.at_genesis(genesis([(ALICE, 10**12), (BOB, 10**12), (CAROL, 10**12), (POOR, 3_000)], [contract]))
    return state, Mempool(state, accept_any_module, MempoolLimits(**limits))


def refused(mempool: Mempool, raw: bytes) -> MempoolRefusal:
    """Why the mempool does not keep it; and it is as before."""
    before = (len(mempool), mempool.bytes_count, list(mempool.candidates()))
    with pytest.raises(NotPooled) as caught:
        mempool.add(raw)
    assert (len(mempool), mempool.bytes_count, list(mempool.candidates())) == before
    return caught.value.kind


def pay(sender: PrivateKey, nonce: int, tip: int = 0, zero: int = 1) -> bytes:
    return transfer(sender, nonce, CAROL.address, zero=zero, tip=tip)


def test_candidates_go_by_tip_and_nonce() -> None:
    """The highest tip that can be next comes first; a sender's own order is that of its nonces."""
    _, mempool = pool()
    a0, a1, b0, b1 = pay(ALICE, 0, tip=5), pay(ALICE, 1, tip=900), pay(BOB, 0, tip=50), pay(BOB, 1, tip=1)
    for raw in (b1, a1, b0, a0):
        mempool.add(raw)
    assert list(mempool.candidates()) == [b0, a0, a1, b1]
    assert mempool.bytes_count == sum(map(len, (a0, a1, b0, b1)))


def test_a_publication_waits_where_its_bytes_are() -> None:
    """Bytes come first: a publication of what is not at hand, or of another size, is refused and says so."""

    class Held:
        def has(self, cid: Cid, size: int) -> bool:
            return (cid, size) == (cid_of(b"weights"), 7)

    state, _ = pool()
    mempool = Mempool(state, accept_any_module, holdings=Held())
    assert refused(mempool, publish(ALICE, 0, cid_of(b"other"), 7)) is MempoolRefusal.BLOB_ABSENT
    assert refused(mempool, publish(ALICE, 0, cid_of(b"weights"), 8)) is MempoolRefusal.BLOB_ABSENT
    pending = mempool.add(publish(ALICE, 0, cid_of(b"weights"), 7))
    assert pending.publishes == (cid_of(b"weights"), 7)
    assert mempool.add(pay(ALICE, 1)).publishes is None
    _, without = pool()
    assert refused(without, publish(ALICE, 0, cid_of(b"weights"), 7)) is MempoolRefusal.BLOB_ABSENT


def test_a_gap_waits() -> None:
    """A transaction above a gap is kept but not proposed until the gap is filled; too wide a gap is refused."""
    _, mempool = pool(gap_most=2)
    assert refused(mempool, pay(ALICE, 3)) is MempoolRefusal.NONCE_GAP
    mempool.add(pay(ALICE, 2))
    assert list(mempool.candidates()) == [] and mempool.pending_of(ALICE.address) == 0
    mempool.add(pay(ALICE, 0))
    assert len(list(mempool.candidates())) == 1 and mempool.next_nonce(ALICE.address) == 1
    mempool.add(pay(ALICE, 1))
    assert len(list(mempool.candidates())) == 3 and mempool.pending_of(ALICE.address) == 3


def test_stale_and_known() -> None:
    """A nonce that the chain has, and a transaction that waits already, are refused."""
    state, mempool = pool()
    extend(state, [pay(ALICE, 0)])
    assert refused(mempool, pay(ALICE, 0, tip=9)) is MempoolRefusal.STALE_NONCE
    mempool.add(pay(ALICE, 1))
    assert refused(mempool, pay(ALICE, 1)) is MempoolRefusal.KNOWN


@pytest.mark.parametrize(("tip", "least"), [(0, 1), (5, 6), (100, 110), (101, 112)])
def test_replacement_takes_a_tenth_more(tip: int, least: int) -> None:
    """The same nonce again needs a tip higher by 10 % (rounded up) and by at least one unit."""
    _, mempool = pool()
    first = mempool.add(pay(ALICE, 0, tip=tip))
    assert refused(mempool, pay(ALICE, 0, tip=least - 1, zero=2)) is MempoolRefusal.REPLACEMENT_TIP
    better = pay(ALICE, 0, tip=least, zero=2)
    mempool.add(better)
    assert list(mempool.candidates()) == [better] and mempool.get(first.hash) is None
    assert mempool.bytes_count == len(better) and len(mempool) == 1


def test_pending_costs_count() -> None:
    """All that waits of a sender together is covered by its Z; what a replacement frees counts as free."""
    _, mempool = pool()
    first = mempool.add(pay(POOR, 0, zero=1_000))
    assert first.cost < 3_000
    assert refused(mempool, pay(POOR, 1, zero=1_000)) is MempoolRefusal.UNFUNDED
    mempool.add(pay(POOR, 0, tip=1, zero=1_500))
    assert refused(mempool, pay(POOR, 0, tip=2, zero=2_500)) is MempoolRefusal.UNFUNDED


def test_a_cap_for_each_sender() -> None:
    """One sender keeps at most so many transactions; others are not in its way, and replacing stays possible."""
    _, mempool = pool(per_sender_most=3)
    for nonce in range(3):
        mempool.add(pay(ALICE, nonce))
    assert refused(mempool, pay(ALICE, 3, tip=10**6)) is MempoolRefusal.SENDER_FULL
    mempool.add(pay(ALICE, 2, tip=1))
    mempool.add(pay(BOB, 0))
    assert len(mempool) == 4


def test_eviction_by_tip() -> None:
    """A full mempool gives up its lowest tip, and what waits behind it, for a higher one, and for no other."""
    _, mempool = pool(transactions_most=3)
    kept = mempool.add(pay(ALICE, 0, tip=7))
    low, behind = mempool.add(pay(BOB, 0, tip=2)), mempool.add(pay(BOB, 1, tip=90))
    assert refused(mempool, pay(CAROL, 0, tip=2)) is MempoolRefusal.FULL
    assert refused(mempool, pay(BOB, 2, tip=5)) is MempoolRefusal.FULL  # only its own lower one could go
    new = mempool.add(pay(CAROL, 0, tip=3))
    assert {p.hash for p in (kept, new)} == {transaction_hash(raw) for raw in mempool.candidates()}
    assert mempool.get(low.hash) is None and mempool.get(behind.hash) is None and len(mempool) == 2


def test_eviction_by_bytes() -> None:
    """The limit in bytes evicts as the limit in number does."""
    size = len(pay(ALICE, 0, tip=100))
    _, mempool = pool(bytes_most=2 * size + 10)
    mempool.add(pay(ALICE, 0, tip=100))
    mempool.add(pay(BOB, 0, tip=101))
    assert refused(mempool, pay(CAROL, 0, tip=99)) is MempoolRefusal.FULL
    mempool.add(pay(CAROL, 0, tip=102))
    assert len(mempool) == 2 and mempool.bytes_count <= 2 * size + 10


def test_many_evictions_keep_the_books() -> None:
    """Under a long stream of rising tips number and bytes stay those of what is kept."""
    _, mempool = pool(transactions_most=5)
    senders = [ALICE, BOB, CAROL]
    for step in range(60):
        sender = senders[step % 3]
        mempool.add(pay(sender, mempool.next_nonce(sender.address) % 2, tip=2 ** (step // 3) + 10))
    waiting = list(mempool.candidates())
    assert len(mempool) == len(waiting) <= 5 and mempool.bytes_count == sum(map(len, waiting))


def test_advance() -> None:
    """After a block: what is on the chain, superseded or no longer payable is gone; the rest stays."""
    state, mempool = pool()
    mempool.add(pay(ALICE, 0))
    stays = mempool.add(pay(ALICE, 1))
    mempool.add(pay(POOR, 0, zero=100))
    mempool.add(pay(BOB, 0, tip=1))
    untouched = mempool.add(pay(BOB, 1))
    block = extend(state, [pay(ALICE, 0), transfer(POOR, 0, ALICE.address, zero=1_700), pay(BOB, 0, tip=500)])
    mempool.advance(block)
    assert len(mempool) == 2 and {transaction_hash(raw) for raw in mempool.candidates()} == {stays.hash, untouched.hash}
    state, mempool = pool()
    mempool.add(pay(POOR, 1, zero=1_000))
    block = extend(state, [pay(POOR, 0, zero=1_000)])
    mempool.advance(block)
    assert len(mempool) == 0 and mempool.bytes_count == 0


def test_drop_takes_what_waits_behind() -> None:
    """What a proposer found to fail goes, with the later ones of its sender; an unknown hash is no matter."""
    _, mempool = pool()
    mempool.add(pay(ALICE, 0))
    failed = mempool.add(pay(ALICE, 1))
    mempool.add(pay(ALICE, 2))
    mempool.add(pay(BOB, 0))
    mempool.drop(failed.hash)
    mempool.drop(failed.hash)
    assert list(mempool.candidates()) == sorted([pay(ALICE, 0), pay(BOB, 0)], key=transaction_hash)


def test_what_no_block_takes_is_not_pooled() -> None:
    """Form, signature and envelopes are checked here already, with the chain's own refusals."""
    _, mempool = pool()
    for raw, kind in (
        (b"\x00", Refusal.ENCODING),
        (pay(ALICE, 0)[:-1] + b"\x00", Refusal.SIGNATURE),
        (call(ALICE, 0, BOX, "g"), Refusal.UNKNOWN_FUNCTION),
        (call(ALICE, 0, contract_id("none"), "f"), Refusal.UNKNOWN_CONTRACT),
    ):
        with pytest.raises(InvalidTransaction) as caught:
            mempool.add(raw)
        assert caught.value.kind is kind
    mempool.add(call(ALICE, 0, BOX, "f"))
    assert len(mempool) == 1


def test_tx_dos(monkeypatch: pytest.MonkeyPatch) -> None:
    """Algorithm 1: each well-signed transaction of a fresh key costs one signature check and leaves nothing behind."""
    state, mempool = pool()
    mempool.add(pay(ALICE, 0))
    flood = [
        transfer(PrivateKey.from_seed(b"flood%d" % i), 0, BOB.address, general=10**9, tip=10**9) for i in range(50)
    ]
    checks = []
    recover = keys._recover

    def counted(*arguments: object) -> object:
        checks.append(1)
        return recover(*arguments)

    monkeypatch.setattr(keys, "_recover", counted)

    def no_module(code: bytes, envelope: Envelope, limits: object) -> None:
        raise AssertionError("nobody looks at the module of somebody who cannot pay")

    monkeypatch.setattr(mempool, "_check_module", no_module)
    accounts = dict(state.accounts())
    for raw in flood:
        assert refused(mempool, raw) is MempoolRefusal.UNFUNDED
    assert len(checks) == len(flood)
    assert dict(state.accounts()) == accounts and len(mempool) == 1
    assert all(mempool.get(transaction_hash(raw)) is None for raw in flood)
