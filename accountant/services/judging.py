"""Judging: what executing an oath shows of it becomes a verdict with its outcome, whoever executed it and why.

An audit is one reason to execute an oath among others: a payment, a balance, another oath may need it too. The verdict
is written in the statement that keeps the outcome, so no crash lies between them, and trust sees it at once.
"""

import sqlalchemy as sa

from accountant.chain.footprint import Debit
from accountant.chain.rows import RowKind
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.outcome import Outcome
from accountant.execution.session import Session
from accountant.index.port import ChainIndex
from accountant.oath.counts import purse_flaws
from accountant.oath.oath import NotAnOath, Oath, oath_of
from accountant.primitives.types import GENESIS_SEQ, Seq
from accountant.storage.outcomes import Judge
from accountant.storage.verdicts import NewVerdict, Verdicts
from accountant.trust.knowledge import thousandths
from accountant.trust.seen import histories_of, seen_of

SAMPLE = 32
"""Oaths of a purse, the latest before the judged one, that its swearer's ways are taken from."""


def judging(index: ChainIndex, engine: sa.Engine) -> Judge:
    """Judges oaths of genuine purses by their outcomes. What a look-alike does, or what failed, shows nothing."""

    def judge(seq: Seq, outcome: Outcome) -> NewVerdict | None:
        if not outcome.succeeded:
            return None
        try:
            oath = oath_of(index, seq)
        except NotAnOath:
            return None
        if not _stakes(oath) or purse_flaws(index, oath.contract, seq):
            return None
        lied = outcome.debit_of(oath.contract) > 0
        return NewVerdict(
            seq,
            oath.located.hash,
            oath.contract,
            oath.located.sender,
            _looked(engine, index, oath),
            lied,
            outcome.gas_used,
        )

    return judge


def _stakes(oath: Oath) -> bool:
    """Whether a lie could be slashed at all: truths that nothing stands behind would be a cheap reputation."""
    return any(isinstance(entry, Debit) and entry.contract == oath.contract for entry in oath.transaction.footprint)


def _looked(engine: sa.Engine, index: ChainIndex, oath: Oath) -> tuple[int, ...]:
    """Thousandths of the oath's features, as it looked before anybody executed it: from the chain's bytes alone."""
    swearer = oath.located.sender
    with engine.connect() as connection:
        learned = {swearer: Verdicts(connection).history(swearer)}
    history = histories_of([*_earlier(index, oath), oath], learned)[swearer]
    deposit = Session(index, MemoryOutcomes()).glance(oath.contract, oath.seq).lower
    return thousandths(seen_of(index, oath, deposit, history, oath.transaction.gas_limit).features)


def _earlier(index: ChainIndex, oath: Oath) -> list[Oath]:
    found = []
    for event in index.movements(oath.contract, (RowKind.DEBIT,), GENESIS_SEQ, oath.seq, SAMPLE):
        try:
            found.append(oath_of(index, event.seq))
        except NotAnOath:
            continue  # a withdrawal
    return found
