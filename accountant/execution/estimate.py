"""About what finding an outcome takes, by what its transaction declares to read: it decides what is tried, no answer.

A call rests on its own history through the slots that it reads: who saves and withdraws a hundred times rests on a
hundred runs, a splitter's shares on none. Two look-ups for several transactions tell these apart, and whoever
executes one of them finds both done.
"""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import NamedTuple

from accountant.chain.footprint import Read
from accountant.execution.outcome import Outcome
from accountant.index.port import ChainIndex, Located
from accountant.primitives.types import ContractId, Gas, Seq

WRITERS_PAGE = 16
"""Declared writers of a slot that are looked up at once."""

READS_MOST = 16
"""Declared reads of one transaction that are looked at: whoever declares hundreds is dear enough by sixteen."""


FUNDED = 4
"""General money rests on incomes of whoever pays it, and these may rest on others': taken for so many of what the
chain says of the latest one.
"""


class _Declared(NamedTuple):
    gas_limit: int
    general: bool
    """Whether it has to be shown that somebody's general money covers it."""
    writers: frozenset[Seq]


class Estimates:
    """Estimates for one piece of work: a function of the chain and of what this work knows."""

    def __init__(self, index: ChainIndex, known: Callable[[Seq], Outcome | None]) -> None:
        self._index, self._known = index, known
        self._declared: dict[Seq, _Declared] = {}

    def look(self, seqs: Iterable[Seq]) -> None:
        """Look several transactions up together."""
        new = self._index.transactions([seq for seq in seqs if seq not in self._declared])
        reads = {located.seq: likely_reads(located) for located in new}
        self._index.ahead([one for some in reads.values() for one in some], WRITERS_PAGE)
        for located in new:
            writers = (self._index.writers(*one, WRITERS_PAGE) for one in reads[located.seq])
            transaction = located.transaction
            union = frozenset(writer for some in writers for writer in some)
            self._declared[located.seq] = _Declared(transaction.gas_limit, transaction.general_value > 0, union)

    def gas(self, seq: Seq, least: Gas) -> Gas:
        """About what an outcome takes that was looked up: `least`, and a run like it for each writer before it."""
        gas_limit, general, writers = self._declared[seq]
        return Gas(
            least * (FUNDED if general else 1) + gas_limit * sum(self._known(writer) is None for writer in writers)
        )


def likely_reads(located: Located) -> list[tuple[ContractId, bytes, Seq]]:
    """The first slots that a transaction declares to read, as (contract, slot, before)."""
    entries = (entry for entry in located.transaction.footprint if isinstance(entry, Read))
    return [(ContractId(entry.contract), entry.slot, located.seq) for entry in islice(entries, READS_MOST)]
