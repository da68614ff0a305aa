"""Chains of token transfers, and the executor in its three ways over them, for `benchmarks.contracts`."""

import hashlib
import random
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from accountant.chain.genesis import Genesis, GenesisAccount, GenesisContract
from accountant.chain.template import instantiate
from accountant.chain.transaction import VERSION, CallPayload, Transaction, TransactionKind
from accountant.contracts.engine import ENGINE
from accountant.contracts.run import execute
from accountant.contracts.world import Run
from accountant.execution.eager import EagerState, EagerWorld, execute_everything
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.execution.transition import run_of
from accountant.index.memory import MemoryIndex
from accountant.index.position import place_of
from accountant.language.compiler import Compiled, compile_file
from accountant.primitives.encoding import encode
from accountant.primitives.types import Address, ContractId, Gas, Seq

TOKEN = ContractId(hashlib.sha256(b"token").digest())
SOURCE = Path(__file__).parent.parent / "accountant/library/token.py"
GAS_LIMIT = 100_000
UNITS = 5
BALANCE = 10**12
CROWD = 30
CROWD_QUESTIONS = 5
HOLDERS = 1_000
"""Who own tokens at genesis, the senders among them."""

Transfers = list[tuple[Address, Address]]
"""(sender, recipient), in order."""


class Shape(NamedTuple):
    """A chain of transfers, and those whose outcomes are asked for cold."""

    name: str
    chain: MemoryIndex
    asked: tuple[Seq, ...]


def token() -> Compiled:
    """The library's token."""
    return compile_file(SOURCE)


def shapes(compiled: Compiled, count: int) -> list[Shape]:
    """`count` transfers each: between strangers, of one pair over and over, and at random in a crowd."""
    people = [_address(number) for number in range(CROWD)]
    strangers = pairs_of_strangers(count)
    pair = [(people[0], people[1])] * count
    generator = random.Random(7)
    crowd: Transfers = []
    for _ in range(count):
        sender, recipient = generator.sample(people, 2)
        crowd.append((sender, recipient))
    spread = tuple(Seq(count * part // CROWD_QUESTIONS - 1) for part in range(1, CROWD_QUESTIONS + 1))
    return [
        Shape("strangers", _chain(compiled, strangers), tuple(map(Seq, range(count)))),
        Shape("pair", _chain(compiled, pair), (Seq(count - 1),)),
        Shape("crowd", _chain(compiled, crowd), spread),
    ]


def pairs_of_strangers(count: int) -> Transfers:
    """`count` senders and as many recipients, each of them once."""
    return [(_address(number), _address(count + number)) for number in range(count)]


def eager_steps(shape: Shape) -> Callable[[], int]:
    """Executing everything; the number of transactions."""

    def run_all() -> int:
        state = execute_everything(shape.chain)
        assert all(outcome.succeeded for outcome in state.outcomes)
        return len(state.outcomes)

    return run_all


def ask_cold(shape: Shape) -> int:
    """Ask for the outcomes, each of a session that knows nothing; the number of transactions executed for them."""
    executed = 0
    for seq in shape.asked:
        session = Session(shape.chain, MemoryOutcomes())
        assert Selective(session).outcome(seq).succeeded
        executed += len(session.executed)
    return executed


def bare_runs(shape: Shape) -> Callable[[], int]:
    """Running each of the shape's calls on the state of genesis, with nothing around the contract runtime."""
    index = shape.chain
    state = EagerState(index)
    prepared: list[tuple[Run, EagerWorld]] = []
    for number in range(index.head().next_seq):
        located = index.transaction(Seq(number))
        block = index.block(located.height)
        assert block is not None
        prepared.append((run_of(located, block, index.genesis), EagerWorld(state, place_of(located))))

    def run_all() -> int:
        for run, world in prepared:
            result = execute(run, world, Gas(GAS_LIMIT))
            assert result.failure is None
        return len(prepared)

    return run_all


def _address(number: int) -> Address:
    return Address(hashlib.sha256(number.to_bytes(8, "big", signed=True)).digest()[:20])


def _chain(compiled: Compiled, transfers: Transfers) -> MemoryIndex:
    senders = sorted({sender for sender, _ in transfers})
    others = (_address(-number) for number in range(1, HOLDERS - len(senders) + 1))
    slots = tuple((b"balances:" + owner, BALANCE.to_bytes(8, "big")) for owner in (*senders, *others))
    genesis = Genesis(
        chain_id=1,
        time=0,
        engine=ENGINE,
        proposers=(senders[0],),
        accounts=tuple(GenesisAccount(sender, 2**45) for sender in senders),
        contracts=(GenesisContract(TOKEN, senders[0], compiled.code, compiled.envelope, 0, slots),),
    )
    index = MemoryIndex(genesis)
    nonces: dict[Address, int] = {}
    transactions = []
    for sender, recipient in transfers:
        nonce = nonces[sender] = nonces.get(sender, -1) + 1
        transactions.append((sender, _transfer(compiled, sender, recipient, nonce)))
    index.append_unsigned(transactions)
    return index


def _transfer(compiled: Compiled, sender: Address, recipient: Address, nonce: int) -> Transaction:
    function = compiled.envelope.function("transfer")
    assert function is not None
    arguments = (recipient, UNITS)
    return Transaction(
        version=VERSION,
        chain_id=1,
        nonce=nonce,
        kind=TransactionKind.CALL,
        to=TOKEN,
        zero_value=0,
        general_value=0,
        gas_limit=GAS_LIMIT,
        gas_price=1,
        tip=1,
        payload=encode(CallPayload("transfer", arguments)),
        footprint=instantiate(function, arguments, sender, TOKEN, 0),
        signature=b"",
    )
