"""A part of the validators' state by look-ups: for what it holds it is the whole state's equal."""

from accountant.chain.state import ChainState
from accountant.index.directory import account_at, deployed_before, partial_state, published_before
from accountant.index.memory import MemoryIndex
from accountant.primitives.addresses import contract_id_of
from accountant.primitives.cid import cid_of
from accountant.primitives.types import ContractId, Seq
from tests.support.chains import ALICE, BOB, CAROL, call, deploy, extend, key, publish, transfer
from tests.support.till import TILL, TILL_CODE, till_envelope, till_genesis


def chain() -> tuple[MemoryIndex, ChainState]:
    state, index = ChainState.at_genesis(till_genesis()), MemoryIndex(till_genesis())
    blocks = [
        [transfer(ALICE, 0, BOB.address, zero=5), transfer(BOB, 0, CAROL.address, general=7)],
        [deploy(ALICE, 1, TILL_CODE, till_envelope()), call(ALICE, 2, TILL, "burn", gas_limit=50_000)],
    ]
    for transactions in blocks:
        index.append(extend(state, transactions))
    return index, state


def test_accounts_and_contracts_are_those_of_the_validators() -> None:
    """Nonce, money, expenses and envelopes agree with the state that validating every block leads to."""
    index, state = chain()
    head = index.head()
    made = contract_id_of(ALICE.address, 1)
    nobody = key("nobody")
    users = [user.address for user in (ALICE, BOB, CAROL, nobody)]
    contracts = [TILL, made, ContractId(bytes(32))]
    partial = partial_state(index, head, [(user, account_at(index, user, head)) for user in users], contracts)
    assert partial.head == state.head
    assert [partial.account(user) for user in users] == [state.account(user) for user in users]
    assert [partial.contract(contract) for contract in contracts] == [
        state.contract(contract) for contract in contracts
    ]


def test_a_contract_is_there_from_its_deployment_on() -> None:
    """A deployment counts for the transactions after it, and genesis for all."""
    index, _ = chain()
    made = contract_id_of(ALICE.address, 1)
    assert [deployed_before(index, made, Seq(seq)) is not None for seq in range(5)] == [False] * 3 + [True] * 2
    assert deployed_before(index, TILL, Seq(0)) is not None


def test_a_blob_is_there_from_its_publication_on() -> None:
    """A publication counts for the transactions after it, in a partial state as in the validators' own."""
    index, state = chain()
    cid, other = cid_of(b"weights"), cid_of(b"other")
    block = extend(state, [publish(CAROL, 0, cid, 7)])
    index.append(block)
    head = index.head()
    assert [published_before(index, cid, Seq(head.next_seq + more)) for more in (-1, 0)] == [None, 7]
    partial = partial_state(index, head, [], [], [cid, other])
    assert (partial.blob(cid), partial.blob(other)) == (7, None) == (state.blob(cid), state.blob(other))
