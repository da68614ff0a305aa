"""Positions: the instants between transactions, and what of a block's end belongs to them."""

from accountant.chain.block import Position
from accountant.chain.genesis import Genesis, GenesisAccount
from accountant.chain.transaction import Transaction, TransactionKind
from accountant.index.memory import MemoryIndex
from accountant.index.position import position_of, resolve
from accountant.primitives.types import Height, Seq
from tests.support.random_chain import USERS

PROPOSER, ALICE, BOB = USERS[:3]
REWARD, TIP = 7, 3


def _index(*counts: int) -> MemoryIndex:
    """Blocks of so many transfers each, all with a tip."""
    index = MemoryIndex(Genesis(7, 0, "", (PROPOSER,), (GenesisAccount(ALICE, 10**9),), (), REWARD))
    nonce = 0
    for count in counts:
        block = []
        for _ in range(count):
            block.append(
                (ALICE, Transaction(1, 7, nonce, TransactionKind.TRANSFER, BOB, 1, 0, 0, 0, TIP, b"", (), bytes(65)))
            )
            nonce += 1
        index.append_unsigned(block)
    return index


def _seen(index: MemoryIndex, height: int, at: int) -> tuple[int, int, int] | None:
    """Height, number and the proposer's zero-cost balance at index `at` of the block at `height`."""
    before = index.block(Height(height - 1))
    assert before is not None
    place = resolve(index, Position(before.hash, at))
    return None if place is None else (place.height, place.seq, index.zero_balance(PROPOSER, place.moment))


def test_tips_and_reward_are_there_at_the_end_of_a_block() -> None:
    """Right before the last transaction they are not; one past the end there is nothing."""
    index = _index(2, 1)
    after = REWARD + 2 * TIP
    assert [_seen(index, 1, at) for at in range(4)] == [(1, 0, 0), (1, 1, 0), (1, 2, after), None]
    assert [_seen(index, 2, at) for at in range(3)] == [(2, 2, after), (2, 3, after + REWARD + TIP), None]


def test_the_end_of_the_head_is_the_beginning_of_what_comes_next() -> None:
    """What was read there stays true when the next block comes, be it empty: its reward lands after its beginning."""
    index = _index(1)
    before = _seen(index, 2, 0)
    assert before == (2, 1, REWARD + TIP) and _seen(index, 2, 1) is None
    index.append_unsigned([])
    assert _seen(index, 2, 0) == before
    assert _seen(index, 3, 0) == (3, 1, 2 * REWARD + TIP)


def test_the_position_of_a_transaction_leads_back_to_it() -> None:
    """Also behind empty blocks; a block that is not on the chain leads nowhere."""
    index = _index(1, 0, 2)
    for seq in range(3):
        place = resolve(index, position_of(index, Seq(seq)))
        assert place is not None and place.seq == seq
    assert resolve(index, Position(bytes(32), 0)) is None
