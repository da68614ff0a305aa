"""The least that must be executed for each recorded call, from the recording alone.

An answer about a call needs, for each slot that it read, the last transaction that stored to the slot,
and what that one needs in turn. A failed call counts as one that stored: only executing it tells that
it did not, and it read the slots that it stored to, so the earlier writer is in its own slice already.
"""

from accountant.replay.recording import RecordedBlock


def slices_of(block: RecordedBlock) -> list[frozenset[int]]:
    """For each transaction of the block, the indices of the others that its slots rest on, transitively."""
    last_writer: dict[str, int] = {}
    slices: list[frozenset[int]] = []
    for index, transaction in enumerate(block.transactions):
        direct = {last_writer[slot] for slot in transaction.reads if slot in last_writer}
        slices.append(frozenset(direct).union(*(slices[writer] for writer in direct)))
        last_writer.update(dict.fromkeys(transaction.writes, index))
    return slices


def gas_of(block: RecordedBlock, indices: frozenset[int]) -> int:
    """Recorded gas of these transactions together."""
    return sum(block.transactions[index].gas_used for index in indices)


def preceding_gas(block: RecordedBlock) -> list[int]:
    """For each transaction, the recorded gas of all earlier ones of its block."""
    totals = [0]
    for transaction in block.transactions:
        totals.append(totals[-1] + transaction.gas_used)
    return totals[:-1]
