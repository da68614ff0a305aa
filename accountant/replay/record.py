"""From recorded Ethereum blocks to a signed ANH chain: genesis, blocks, and which transaction is which.

The same recording gives the same bytes, always.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from accountant.chain.genesis import Genesis, GenesisAccount, GenesisContract, Limits
from accountant.chain.proposer import propose
from accountant.chain.state import ChainState
from accountant.chain.validator import ValidatedBlock, apply_block
from accountant.contracts.engine import ENGINE
from accountant.primitives.keys import PrivateKey
from accountant.primitives.types import AMOUNT_MAX
from accountant.replay.recording import RecordedBlock
from accountant.replay.translate import DEFAULTS, PROPOSER, RecordedPart, RecordingTooLarge, RecordOptions, record_block

GENESIS_TIME = 1_438_269_973
"""Unix seconds of Ethereum's genesis; the recording tells no times."""
SECONDS_PER_BLOCK = 12
"""Unix seconds from one block of the chain to the next."""
_HEADER_BYTES = 1_024
_LENGTH_BYTES = 5
"""More than a block's header and signature, and than what stands before each transaction, take up."""


class Place(NamedTuple):
    """Where a transaction of the chain stands in the recording."""

    block: int
    transaction: int


class RecordedChain(NamedTuple):
    """A chain made of recorded blocks."""

    genesis: Genesis
    blocks: tuple[ValidatedBlock, ...]
    """Signed; `block.raw` are the bytes that any node imports."""
    places: tuple[Place, ...]
    """By seq: `places[seq]` is where the transaction stands in the recording."""
    parts: tuple[RecordedPart, ...]


def record_chain(
    blocks: Iterable[RecordedBlock],
    options: RecordOptions = DEFAULTS,
    proposer: PrivateKey = PROPOSER,
    accounts: Sequence[GenesisAccount] = (),
    contracts: Sequence[GenesisContract] = (),
) -> RecordedChain:
    """The chain of these recorded blocks, one chain block each (more where the limits ask for it).

    `accounts` and `contracts` stand in genesis besides the recorded ones, for whoever goes on with the chain.
    Raises `RecordingTooLarge` if the money or a transaction passes the chain's limits.
    """
    recorded = tuple(blocks)
    parts = tuple(record_block(block, options) for block in recorded)
    genesis = genesis_of(parts, options, proposer, accounts, contracts)
    bodies = (body for part in parts for body in _bodies(part.transactions, options.limits))
    places = tuple(Place(block.block, index) for block in recorded for index in range(len(block.transactions)))
    return RecordedChain(genesis, tuple(_seal(bodies, ChainState.at_genesis(genesis), proposer)), places, parts)


def genesis_of(
    parts: Sequence[RecordedPart],
    options: RecordOptions,
    proposer: PrivateKey,
    more_accounts: Sequence[GenesisAccount] = (),
    more_contracts: Sequence[GenesisContract] = (),
) -> Genesis:
    """The genesis that holds what these blocks started from. Raises `RecordingTooLarge`."""
    recorded = (account for part in parts for account in part.accounts)
    accounts = sorted((*recorded, *more_accounts), key=lambda account: account.address)
    contracts = sorted((*(part.contract for part in parts), *more_contracts), key=lambda contract: contract.contract)
    minted = sum(a.zero_balance for a in accounts) + sum(c.general_balance for c in contracts)
    if minted > AMOUNT_MAX:
        raise RecordingTooLarge(f"the recorded balances are {minted} base units together: below 2^63 are allowed")
    return Genesis(
        chain_id=options.chain_id,
        time=GENESIS_TIME,
        engine=ENGINE,
        proposers=(proposer.address,),
        accounts=tuple(accounts),
        contracts=tuple(contracts),
        fees=options.fees,
        gas=options.gas,
        limits=options.limits,
    )


def _bodies(transactions: Sequence[bytes], limits: Limits) -> Iterator[list[bytes]]:
    """The transactions in as few blocks as the limits allow, in order."""
    body: list[bytes] = []
    room = limits.block_bytes_most - _HEADER_BYTES
    for raw in transactions:
        size = len(raw) + _LENGTH_BYTES
        if body and (size > room or len(body) == limits.block_transactions_most):
            yield body
            body, room = [], limits.block_bytes_most - _HEADER_BYTES
        if size > room:
            raise RecordingTooLarge(f"a transaction of {len(raw)} bytes does not fit a block")
        body.append(raw)
        room -= size
    if body:
        yield body


def _seal(bodies: Iterable[list[bytes]], state: ChainState, proposer: PrivateKey) -> Iterator[ValidatedBlock]:
    """Signed blocks, made as any proposer makes them."""
    for body in bodies:
        proposal = propose(body, state, proposer, state.head.time + SECONDS_PER_BLOCK, _no_module)
        for _, error in proposal.dropped:
            raise RecordingTooLarge(f"the chain's rules do not admit a recorded transaction: {error.detail}")
        assert len(proposal.block.transactions) == len(body)
        apply_block(proposal.block, state)
        yield proposal.block


def _no_module(*_: object) -> None:
    raise AssertionError("nothing is deployed in a recorded block")
