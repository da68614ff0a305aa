"""Accountants seen on the chain: their purses, what those surely hold, what was checked, and whom to trust how far."""

from collections.abc import Callable
from fractions import Fraction
from statistics import median_low
from typing import NamedTuple

import sqlalchemy as sa

from accountant.chain.rows import RowKind
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.session import Session
from accountant.index.port import ChainIndex
from accountant.oath.audit_report import Reason
from accountant.oath.oath import NotAnOath, Oath, oath_of
from accountant.primitives.types import GENESIS_SEQ, Address, Amount, ContractId, Hash
from accountant.storage.purses import Owner, PurseOfChain, Purses
from accountant.storage.verdicts import Verdicts
from accountant.trust.features import History
from accountant.trust.floor import check_per_mille, gain_most, lying_pays
from accountant.trust.knowledge import Knowledge
from accountant.trust.seen import histories_of, seen_of
from accountant.trust.stake import gain_of, query_of, stake_of

SAMPLE = 32
"""Oaths of an accountant, the latest, that its penalties and gains are taken from."""

PIECES = 10


class PurseView(NamedTuple):
    """A purse, and what it surely holds at the head: the chain's bytes alone say so."""

    contract: ContractId
    deposit: int
    debits: int
    """Transactions that declare to debit it: oaths and withdrawals."""


class Trust(NamedTuple):
    """What the model thinks of an accountant's latest oath, and why."""

    per_mille: int
    reasons: tuple[Reason, ...]
    oath: Hash
    learned_from: int


class Floor(NamedTuple):
    """The inequality (1 − p) · G ≤ p · P for the middle ones of an accountant's latest oaths (`trust.floor`)."""

    penalty: Amount
    gain: Amount
    needed_per_mille: int
    """The least p at which lying does not pay, rounded up."""
    chance_per_mille: int
    """p: the share of its oaths that were checked, rounded down."""
    gain_most: int | None
    """The largest gain that does not make lying pay at this chance; None where everything is checked."""

    @property
    def holds(self) -> bool:
        """Whether lying does not pay."""
        return not lying_pays(Fraction(self.chance_per_mille, 1_000), self.gain, self.penalty)


class AccountantSeen(NamedTuple):
    """An accountant. `trust` and `floor` are None while it has sworn nothing."""

    number: int
    address: Address
    purses: list[PurseView]
    purses_in_all: int
    history: History
    oaths: int
    """Oaths and withdrawals on the purses shown: at most so many oaths."""
    trust: Trust | None
    floor: Floor | None


def search_purses(engine: sa.Engine) -> None:
    """Looks for purses among the next deployments that were not looked at: a bounded number."""
    for _ in range(PIECES):
        with engine.begin() as connection:
            if not Purses(connection).search():
                return


def list_accountants(
    connection: sa.Connection, index: ChainIndex, after: int, limit: int
) -> tuple[list[AccountantSeen], bool]:
    """Up to `limit` accountants in the order in which they were seen, and whether there are more. Executes nothing."""
    owners = Purses(connection).owners(after, limit + 1)
    shown = owners[:limit]
    knowledge = Verdicts(connection).knowledge(owner.address for owner in shown)
    trusted = _trusting(index, knowledge)
    return [_seen(connection, index, owner, knowledge, trusted) for owner in shown], len(owners) > limit


def _seen(
    connection: sa.Connection,
    index: ChainIndex,
    owner: Owner,
    knowledge: Knowledge,
    trusted: Callable[[list[Oath]], Trust],
) -> AccountantSeen:
    stored = Purses(connection)
    purses = stored.of(owner.address)
    shown = [_purse(stored, index, purse) for purse in purses]
    oaths = _latest_oaths(index, purses)
    history = knowledge.histories[owner.address]
    count = sum(purse.debits for purse in shown)
    return AccountantSeen(
        owner.number,
        owner.address,
        shown,
        owner.purses,
        history,
        count,
        trusted(oaths) if oaths else None,
        _floor(index, oaths, history.checked, count) if oaths else None,
    )


def _purse(stored: Purses, index: ChainIndex, purse: PurseOfChain) -> PurseView:
    held = Session(index, MemoryOutcomes()).glance(purse.contract, index.head().next_seq).lower
    return PurseView(purse.contract, held, stored.debits(purse.contract))


def _latest_oaths(index: ChainIndex, purses: list[PurseOfChain]) -> list[Oath]:
    """In chain order."""
    oaths: list[Oath] = []
    for purse in purses:
        if len(oaths) < SAMPLE:
            rows = index.movements(purse.contract, (RowKind.DEBIT,), GENESIS_SEQ, index.head().next_seq, SAMPLE)
            for row in rows[: SAMPLE - len(oaths)]:
                try:
                    oaths.append(oath_of(index, row.seq))
                except NotAnOath:
                    continue  # a withdrawal
    return sorted(oaths, key=lambda oath: oath.seq)


def _trusting(index: ChainIndex, knowledge: Knowledge) -> Callable[[list[Oath]], Trust]:
    """Scores the latest of some oaths by one swearer, by a model that is fitted once."""
    from accountant.trust.ranking import model_of, reasons_of  # scikit-learn: when needed

    model = model_of(knowledge)

    def trust(oaths: list[Oath]) -> Trust:
        latest = oaths[-1]
        history = histories_of(oaths, knowledge.histories)[latest.located.sender]
        deposit = Session(index, MemoryOutcomes()).glance(latest.contract, latest.seq).lower
        (score,) = model.scores([seen_of(index, latest, deposit, history, latest.transaction.gas_limit).features])
        learned_from = len(knowledge.verdicts) if model.learned else 0
        return Trust(score.trust_per_mille, reasons_of(score), latest.located.hash, learned_from)

    return trust


def _floor(index: ChainIndex, oaths: list[Oath], checked: int, count: int) -> Floor:
    penalties = [max(0, oath.terms.penalty) for oath in oaths]
    gains = [
        gain_of(stake_of(index, query_of(oath.terms), oath.terms), penalty)
        for oath, penalty in zip(oaths, penalties, strict=True)
    ]
    penalty, gain = median_low(penalties), median_low(gains)
    chance = min(1_000, checked * 1_000 // count) if count else 0
    most = None if chance == 1_000 else gain_most(Fraction(chance, 1_000), penalty)
    return Floor(Amount(penalty), Amount(gain), check_per_mille(gain, penalty), chance, most)
