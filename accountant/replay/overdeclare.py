"""Over-declaring on purpose: hot slots that a call declares and never touches, to measure what that costs others."""

from collections import Counter

from accountant.primitives.hashes import sha256
from accountant.replay.names import recorded_id
from accountant.replay.recording import RecordedBlock

HOTTEST = 20


def hottest_slots(block: RecordedBlock) -> list[str]:
    """The slots that most transactions of the block touch, at most 20; ties by name."""
    touched: Counter[str] = Counter()
    for transaction in block.transactions:
        touched.update({*transaction.reads, *transaction.writes})
    return sorted(touched, key=lambda slot: (-touched[slot], slot))[:HOTTEST]


def declared_in_vain(block: RecordedBlock, index: int, hottest: list[str], count: int) -> list[str]:
    """`count` of the hottest slots that transaction `index` does not touch (fewer where there are fewer).

    Which ones is drawn by hash from the transaction's recorded id: the same in every run.
    """
    transaction = block.transactions[index]
    touched = {*transaction.reads, *transaction.writes}
    salt = recorded_id(block.block, index)
    return sorted(set(hottest) - touched, key=lambda slot: sha256(salt + slot.encode()))[:count]
