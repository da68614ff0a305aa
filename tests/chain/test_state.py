"""Genesis as a chain's beginning."""

import msgspec
import pytest

from accountant.chain.envelope import Envelope, FunctionEnvelope
from accountant.chain.errors import InvalidGenesis
from accountant.chain.genesis import FeeSchedule, Genesis, GenesisAccount, Limits, decode_genesis
from accountant.chain.state import NOBODY, Account, ChainState
from accountant.primitives.encoding import encode
from tests.support.chains import ALICE, BOB, RICH, genesis, genesis_contract, key

F = FunctionEnvelope("f", (), (), complete=True)
CONTRACT = genesis_contract("c", Envelope((F,)), 5)
GOOD = genesis(contracts=(CONTRACT,))


def test_a_chain_begins_with_what_genesis_allocates() -> None:
    """Accounts hold their zero-cost money, contracts are known by envelope and deployer, strangers are nobody."""
    state = ChainState.at_genesis(GOOD)
    assert state.account(ALICE.address) == Account(0, RICH, 0)
    assert state.account(key("stranger").address) == NOBODY
    deployed = state.contract(CONTRACT.contract)  # type: ignore[arg-type]
    assert deployed is not None and deployed.functions == {"f": F} and deployed.deployer == ALICE.address
    assert (state.head.height, state.head.hash, state.head.next_seq) == (0, GOOD.hash, 0)


def test_genesis_round_trips() -> None:
    """The canonical bytes of a genesis decode to it, under the same hash."""
    again = decode_genesis(encode(GOOD))
    assert again == GOOD and again.hash == GOOD.hash


def but(**fields: object) -> Genesis:
    return msgspec.structs.replace(GOOD, **fields)


def contract(**fields: object) -> Genesis:
    return but(contracts=(msgspec.structs.replace(CONTRACT, **fields),))


BAD = [
    but(proposers=()),
    but(proposers=(b"x",)),
    but(accounts=(GenesisAccount(b"x", 1),)),
    but(accounts=(GenesisAccount(ALICE.address, 1), GenesisAccount(ALICE.address, 1))),
    but(accounts=(GenesisAccount(ALICE.address, -1),)),
    but(accounts=(GenesisAccount(ALICE.address, 2**62), GenesisAccount(BOB.address, 2**62))),
    but(block_reward=-1),
    but(chain_id=-1),
    but(time=2**63),
    but(fees=FeeSchedule(base=0)),
    but(fees=FeeSchedule(per_byte=-1)),
    but(limits=Limits(block_transactions_most=2**24)),
    but(limits=Limits(block_transactions_most=0)),
    but(limits=Limits(memory_pages_most=257)),
    but(contracts=(CONTRACT, CONTRACT)),
    contract(contract=bytes(20)),
    contract(deployer=bytes(32)),
    contract(general_balance=-1),
    contract(slots=((b"a", bytes(Limits().value_bytes_most + 1)),)),
    contract(general_balance=2**63 - 1),
    contract(slots=((bytes(129), b""),)),
    contract(slots=((b"a", b""), (b"a", b"x"))),
    contract(envelope=Envelope((F, F))),
]


@pytest.mark.parametrize("bad", BAD)
def test_what_no_chain_can_start_from(bad: Genesis) -> None:
    """A genesis that breaks a rule is refused with a typed error."""
    with pytest.raises(InvalidGenesis):
        ChainState.at_genesis(bad)
