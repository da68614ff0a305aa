"""Telling others what we observed. Nothing here executes anything."""

import sqlalchemy as sa

from accountant.accounting.agreement import RangeDigests, Summary, range_digests
from accountant.accounting.numbers import Numbers
from accountant.execution.outcome import Outcome
from accountant.index.port import BlockInfo, ChainIndex
from accountant.primitives.types import Seq
from accountant.storage.agreement import StoredAgreement


def summary_at(connection: sa.Connection, index: ChainIndex, block: BlockInfo) -> Summary:
    """Where this accountant stands right after a block. Extends the running hash by what was observed since."""
    genesis_hash = index.genesis.hash
    stored = StoredAgreement(connection)
    stored.extend(genesis_hash)
    transactions = block.first_seq + block.count
    return Summary(
        genesis_hash,
        block.height,
        block.hash,
        transactions,
        stored.observed(transactions),
        stored.covered(),
        stored.running_hash(block.height, genesis_hash),
    )


def digests_of(connection: sa.Connection, first: Seq, span: int, parts: int, among: Numbers | None) -> RangeDigests:
    """The digests of a range of stored outcomes."""
    return range_digests(first, span, parts, among, StoredAgreement(connection).digests(first, first + span))


def stored_outcome(connection: sa.Connection, seq: Seq) -> tuple[bytes, Outcome] | None:
    """The digest under which an outcome is stored, and the outcome."""
    found = StoredAgreement(connection).stored(seq)
    return None if found is None else (found[0], found[1].outcome)
