"""A contract written in C, through admission and both executors: the chain knows WASM, not the compiler."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accountant.chain.envelope import Envelope
from accountant.chain.errors import InvalidTransaction, Refusal
from accountant.chain.footprint import Entry
from accountant.chain.inclusion import Inclusion
from accountant.chain.proposer import propose
from accountant.chain.state import ChainState
from accountant.chain.template import instantiate
from accountant.chain.transaction import Argument
from accountant.chain.validator import import_block
from accountant.contracts.engine import ENGINE
from accountant.contracts.errors import FailureKind
from accountant.contracts.module import check_module
from accountant.execution.eager import EagerState, execute_everything
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.index.memory import MemoryIndex
from accountant.library.c.auction_envelope import AUCTION
from accountant.primitives.addresses import contract_id_of
from accountant.primitives.keys import PrivateKey
from accountant.primitives.types import Seq
from tests.support.chains import ALICE, BOB, CAROL, PROPOSER, call, deploy, genesis, transfer

SOURCES = Path(__file__).parents[2] / "accountant" / "library" / "c"
CODE = (SOURCES / "auction.wasm").read_bytes()
NAMES = {ALICE: "Alice", BOB: "Bob", CAROL: "Carol"}
RESERVE, CLOSES = 100, 6
GAS, DEPLOYMENT_GAS = 2_000_000, 20_000_000


class Auction:
    """A chain with one auction, of Alice; every footprint is what the template gives."""

    def __init__(self) -> None:
        begun = msgspec.structs.replace(genesis(), engine=ENGINE)
        self.state = ChainState.at_genesis(begun)
        self.index = MemoryIndex(begun)
        self.nonces = dict.fromkeys(NAMES, 0)
        self.contract = contract_id_of(ALICE.address, 0)
        self.nonces[ALICE] = 1
        terms = (RESERVE, CLOSES)
        entries = self.entries(ALICE, "init", terms)
        self.block(deploy(ALICE, 0, CODE, AUCTION, terms, entries, gas_limit=DEPLOYMENT_GAS))

    def entries(self, sender: PrivateKey, function: str, arguments: tuple[Argument, ...]) -> tuple[Entry, ...]:
        envelope = AUCTION.function(function)
        assert envelope is not None
        return instantiate(envelope, arguments, sender.address, self.contract, 0)

    def call(self, sender: PrivateKey, function: str, *arguments: Argument, **value: int) -> bytes:
        nonce = self.nonces[sender]
        self.nonces[sender] += 1
        entries = self.entries(sender, function, arguments)
        return call(sender, nonce, self.contract, function, arguments, entries, gas_limit=GAS, **value)

    def block(self, *transactions: bytes) -> None:
        """The next block, through the real validator, module check included."""
        proposal = propose(transactions, self.state, PROPOSER, self.state.head.time + 1, check_module)
        assert not proposal.dropped, proposal.dropped
        self.index.append(import_block(proposal.block.raw, self.state, check_module))

    def executed(self) -> EagerState:
        """Everything executed, by the eager executor; and the selective one agrees, from a cold cache."""
        eager = execute_everything(self.index)
        for seq, expected in enumerate(eager.outcomes):
            assert Selective(Session(self.index, MemoryOutcomes())).outcome(Seq(seq)) == expected
        return eager


class Model:
    """What the source says, in Python."""

    def __init__(self) -> None:
        self.bids: dict[PrivateKey, int] = {}
        self.best = 0
        self.leader: PrivateKey | None = None
        self.paid = False

    def bid(self, who: PrivateKey, units: int, height: int) -> str | int:
        total = self.bids.get(who, 0) + units
        if height >= CLOSES:
            return "the auction is closed"
        if total < RESERVE:
            return "below the reserve"
        if total <= self.best:
            return "not above the best bid"
        self.bids[who] = self.best = total
        self.leader = who
        return total

    def withdraw(self, who: PrivateKey, units: int, _height: int) -> str | None:
        if not 0 < units <= self.bids.get(who, 0):
            return "more than was bid"
        if who is self.leader:
            return "the leading bid stays"
        self.bids[who] -= units
        return None

    def settle(self, _who: PrivateKey, units: int, height: int) -> str | None:
        if height < CLOSES:
            return "the auction is open"
        if self.paid:
            return "settled already"
        if units <= 0 or units != self.best:
            return "not the best bid"
        self.paid = True
        return None

    @property
    def holds(self) -> int:
        return sum(self.bids.values()) - (self.best if self.paid else 0)


USERS = st.sampled_from(list(NAMES))
STEPS = st.one_of(
    st.tuples(st.just("bid"), USERS, st.sampled_from([1, 30, 99, 100, 101, 150, 10**12])),
    st.tuples(st.just("bid"), USERS, st.integers(1, 400)),
    st.tuples(st.just("withdraw"), USERS, st.sampled_from([-1, 0, 1, 100, 101, 150, 401])),
    st.tuples(st.just("settle"), st.just(ALICE), st.sampled_from([0, 100, 101, 150, 10**12])),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(STEPS, max_size=4), min_size=1, max_size=8))
def test_the_module_does_what_its_source_says(blocks: list[list[tuple[str, PrivateKey, int]]]) -> None:
    """On random chains both executors agree with a model, and the footprints of the templates are all it needs."""
    auction, model = Auction(), Model()
    expected: list[str | int | None] = [None]
    for steps in blocks:
        height = auction.state.head.height + 1
        made = []
        for function, who, units in steps:
            if function == "bid":
                made.append(auction.call(who, "bid", zero_value=units))
                expected.append(model.bid(who, units, height))
            else:
                # Half of the time what is really there, so that enough of them succeed.
                right = model.best if function == "settle" else model.bids.get(who, 0)
                asked = right if units == 100 else units
                made.append(auction.call(who, function, asked))
                expected.append(getattr(model, function)(who, asked, height))
        auction.block(*made)
    eager = auction.executed()
    for outcome, said in zip(eager.outcomes, expected, strict=True):
        if isinstance(said, str):
            assert (outcome.failure, outcome.detail) == (FailureKind.ASSERTION, said)
        else:
            assert (outcome.failure, outcome.return_value) == (None, said)
    end = Seq(len(expected))
    assert eager.general_before(auction.contract, end) == model.holds
    for user in NAMES:
        held = eager.slot_before(auction.contract, b"bids:" + user.address, end)
        assert int.from_bytes(held, "big") == model.bids.get(user, 0)


def test_an_auction_by_hand() -> None:
    """Two bidders, a raise with general money, a refund, the close, the payout, each leaving what it should."""
    auction = Auction()
    auction.block(auction.call(BOB, "bid", zero_value=150), auction.call(CAROL, "bid", zero_value=200))  # 1, 2
    auction.block(auction.call(BOB, "bid", general_value=100), auction.call(CAROL, "withdraw", 200))  # 3, 4
    while auction.state.head.height < CLOSES - 1:
        auction.block()
    auction.block(auction.call(ALICE, "settle", 250), auction.call(CAROL, "bid", zero_value=900))  # 5, 6
    auction.block(
        auction.call(CAROL, "bid_of", BOB.address),  # 7
        auction.call(CAROL, "leader"),  # 8
        auction.call(ALICE, "settle", 250),  # 9
        auction.call(BOB, "withdraw", 250),  # 10
    )
    outcomes = auction.executed().outcomes
    assert [outcome.return_value for outcome in outcomes[:5]] == [None, 150, 200, 250, None]
    assert outcomes[3].logs[0].topic == b"Bid"
    assert outcomes[3].logs[0].data == BOB.address + (250).to_bytes(8, "big")
    assert {(paid.account, paid.units) for paid in outcomes[4].debits} == {(auction.contract, 200)}
    assert outcomes[4].credit_of(CAROL.address) == 200 + GAS - outcomes[4].gas_used
    assert outcomes[5].credit_of(ALICE.address) == 250 + GAS - outcomes[5].gas_used
    assert (outcomes[6].detail, outcomes[9].detail) == ("the auction is closed", "settled already")
    assert (outcomes[7].return_value, outcomes[8].return_value) == (250, BOB.address)
    assert outcomes[10].detail == "the leading bid stays"


def refusal(auction: Auction, raw: bytes) -> Refusal:
    with pytest.raises(InvalidTransaction) as caught:
        Inclusion(auction.state, check_module).include(raw)
    return caught.value.kind


def test_what_the_envelope_keeps_out_of_blocks() -> None:
    """Value for what takes none, another seller, other arguments and another's bid are refused without executing."""
    auction = Auction()
    fresh = {ALICE: 1, BOB: 0}

    def attempt(sender: PrivateKey, function: str, *arguments: Argument, **value: int) -> Refusal:
        auction.nonces.update(fresh)
        return refusal(auction, auction.call(sender, function, *arguments, **value))

    assert attempt(BOB, "withdraw", 5, zero_value=1) is Refusal.NOT_PAYABLE
    assert attempt(BOB, "leader", general_value=1) is Refusal.NOT_PAYABLE
    assert attempt(BOB, "settle", 5) is Refusal.CALLER
    assert refusal(auction, call(BOB, 0, auction.contract, "withdraw", (b"5",))) is Refusal.ARGUMENTS
    others = auction.entries(CAROL, "withdraw", (5,))
    assert refusal(auction, call(BOB, 0, auction.contract, "withdraw", (5,), others)) is Refusal.NOT_ADMITTED
    paid = deploy(ALICE, 1, CODE, AUCTION, (RESERVE, CLOSES), zero_value=1, gas_limit=DEPLOYMENT_GAS)
    assert refusal(auction, paid) is Refusal.NOT_PAYABLE
    other = Envelope((msgspec.structs.replace(AUCTION.functions[0], name="buy"),))
    named = deploy(ALICE, 1, CODE, other, gas_limit=DEPLOYMENT_GAS)
    assert refusal(auction, named) is Refusal.MODULE


def test_a_gift_is_nobodys_bid() -> None:
    """A plain transfer to the contract runs no code: it raises no bid, and nothing pays it out."""
    auction = Auction()
    auction.block(transfer(BOB, 0, auction.contract, zero=500))
    auction.nonces[BOB] = 1
    auction.block(auction.call(BOB, "withdraw", 500))
    eager = auction.executed()
    assert eager.outcomes[2].detail == "more than was bid"
    assert eager.general_before(auction.contract, Seq(3)) == 500
