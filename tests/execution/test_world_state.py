"""The world state: the same from outcomes that were found selectively as from executing everything."""

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accountant.accounting.certificate import Verdict
from accountant.accounting.observe import ObservationQuestion, observe, pages_of
from accountant.accounting.questions import InvalidQuestion
from accountant.contracts.world import ContractCode
from accountant.execution.eager import execute_everything
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.execution.world_state import (
    ContractLeaf,
    SlotLeaf,
    UserLeaf,
    contract_leaf,
    decode_leaf,
    exists,
    order,
    root_of,
)
from accountant.primitives.encoding import Decoder, encode
from accountant.primitives.hashes import sha256
from accountant.primitives.merkle import root
from accountant.primitives.types import Height, Seq
from tests.support.kept_states import KeptStates
from tests.support.random_chain import CONTRACTS, USERS, RandomChain, script_code, script_envelope

CHAINS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@CHAINS
@given(st.randoms(use_true_random=True))
def test_the_root_is_the_eager_one(random: Random) -> None:
    """At every height, whatever was observed before, and the leaves kept are the state whose root it is."""
    chain = RandomChain(random)
    chain.grow(6)
    eager = execute_everything(chain.index)
    store = MemoryOutcomes()
    count = len(eager.outcomes)
    for seq in random.sample(range(count), random.randrange(count + 1)):
        Selective(Session(chain.index, store)).outcome(Seq(seq))
    for height in random.sample(range(7), 3):
        states = KeptStates()
        found = observe(chain.index, store, states, ObservationQuestion(height))
        world = eager.world(Height(height))
        assert found.root == root_of(world) == root([encode(leaf) for leaf in world])
        assert [decode_leaf(raw) for raw in states.leaves] == world
        assert (found.users + found.contracts + found.slots, found.verdict) == (len(world), Verdict.ACCEPTED)
        assert [order(leaf) for leaf in world] == sorted({order(leaf) for leaf in world})
        again = observe(chain.index, store, None, ObservationQuestion(height))
        assert (again.root, again.executed, again.gas_executed) == (found.root, 0, 0)


def test_the_state_at_genesis() -> None:
    """Before the first block there is what genesis says."""
    chain = RandomChain(Random(1))
    states = KeptStates()
    observe(chain.index, MemoryOutcomes(), states, ObservationQuestion(0))
    leaves = [decode_leaf(raw) for raw in states.leaves]
    assert [leaf for leaf in leaves if isinstance(leaf, UserLeaf)] == [
        UserLeaf(user, 10**15, 0, 0) for user in sorted(USERS)
    ]
    code = ContractCode(script_code(), script_envelope(False), USERS[0])
    general = {c.contract: c.general_balance for c in chain.genesis.contracts}
    assert [leaf for leaf in leaves if isinstance(leaf, ContractLeaf)] == [
        contract_leaf(contract, code, general[contract]) for contract in sorted(CONTRACTS)
    ]
    assert [leaf for leaf in leaves if isinstance(leaf, SlotLeaf)] == [
        SlotLeaf(contract, b"a", b"first") for contract in sorted(CONTRACTS)
    ]


def test_a_budget_leaves_it_undecided_and_learns() -> None:
    """What a budget paid for is not executed again, and enough of it decides."""
    chain = RandomChain(Random(3), calm=True)
    chain.grow(8)
    store = MemoryOutcomes()
    whole = observe(chain.index, MemoryOutcomes(), None, ObservationQuestion(8))
    budget = whole.gas_executed // 2
    first = observe(chain.index, store, None, ObservationQuestion(8, budget))
    assert (first.verdict, first.root, len(first.missing)) == (Verdict.UNDECIDED, None, 1)
    assert first.gas_executed <= budget
    rest = observe(chain.index, store, None, ObservationQuestion(8, whole.gas_executed - first.gas_executed))
    assert (rest.verdict, rest.root) == (Verdict.ACCEPTED, whole.root)
    assert first.gas_executed + rest.gas_executed == whole.gas_executed
    assert first.executed + rest.executed == whole.executed


def test_what_is_not_there_has_no_leaf() -> None:
    """Nothing owned, nothing signed, no code, no value: no leaf. Owning something without code is one."""
    assert not exists(UserLeaf(USERS[0], 0, 0, 0))
    assert exists(UserLeaf(USERS[0], 0, 0, 1))
    assert not exists(contract_leaf(CONTRACTS[0], None, 0))
    assert exists(contract_leaf(CONTRACTS[0], None, 5))
    assert exists(contract_leaf(CONTRACTS[0], ContractCode(b"", script_envelope(False), USERS[0]), 0))
    assert not exists(SlotLeaf(CONTRACTS[0], b"a", b""))
    assert contract_leaf(CONTRACTS[0], ContractCode(b"x", script_envelope(False), USERS[0]), 0).code_hash == sha256(
        b"x"
    )


def test_pages_hold_all_leaves_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page is cut after the leaf that fills it; together they are the leaves."""
    monkeypatch.setattr("accountant.accounting.observe.PAGE_BYTES", 100)
    leaves = [SlotLeaf(CONTRACTS[0], b"%03d" % number, b"v" * 30) for number in range(7)]
    pages = [Decoder(list[bytes], 1_000).decode(page) for page in pages_of(leaves)]
    assert [len(page) for page in pages] == [2, 2, 2, 1]
    assert [decode_leaf(raw) for page in pages for raw in page] == leaves


def test_a_state_that_takes_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a typed error, before memory is gone; and so is a height that is not there."""
    chain = RandomChain(Random(1))
    chain.grow(3)
    monkeypatch.setattr("accountant.accounting.observe.STATE_BYTES_MAX", 100)
    with pytest.raises(InvalidQuestion) as refused:
        observe(chain.index, MemoryOutcomes(), None, ObservationQuestion(3))
    assert refused.value.kind == "state_too_large"
    for height in (-1, 4, 2**70):
        with pytest.raises(InvalidQuestion) as refused:
            observe(chain.index, MemoryOutcomes(), None, ObservationQuestion(height))
        assert refused.value.kind == "unknown_block"
