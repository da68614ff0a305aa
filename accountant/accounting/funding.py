"""Narrowing [L, U] of one account until it answers, income by income, with what each one cost."""

from dataclasses import dataclass, field

from accountant.accounting.certificate import (
    CertifiedIncome,
    MissingExecution,
    ThetaChoice,
    UndecidedReason,
    Verdict,
    missing_of,
    reason_of,
)
from accountant.accounting.planner import Planner
from accountant.execution.batch import next_batch, next_of
from accountant.execution.choice import cheapest, next_to_execute
from accountant.execution.income import income_of
from accountant.execution.needs import Undecidable
from accountant.execution.selective import Selective
from accountant.execution.timeline import Walk
from accountant.primitives.types import AccountId, Seq


@dataclass
class Funding:
    """How the question whether an account covers an amount ended."""

    verdict: Verdict
    walk: Walk
    reason: UndecidedReason | None = None
    incomes: list[CertifiedIncome] = field(default_factory=list)
    missing: tuple[MissingExecution, ...] = ()
    choice: ThetaChoice | None = None
    """How Θ was chosen, where a solver chose it."""


def fund(selective: Selective, account: AccountId, amount: int, before: Seq, theta: tuple[Seq, ...] | None) -> Funding:
    """Algorithm 4, lines 3 to 7: is G of the account at least `amount` right before `before`?

    With Θ only its members are executed, in the order given and only while they are needed; without Θ
    the accountant chooses. ACCEPTED and REJECTED are proved; UNDECIDED says why.
    """
    incomes: list[CertifiedIncome] = []
    begun = _begun(selective, account, before)
    spent = _execute(selective, account, begun, incomes)
    if theta is not None:
        rest = [seq for seq in theta if seq not in begun]
        return _by(selective, account, amount, before, theta, rest, incomes)
    selective.consulted.add_balance(account, before)
    planner = Planner(selective.session, account, amount, before)
    while True:
        chosen = planner.next()
        if planner.covered is not None:
            return Funding(_verdict(planner.covered), planner.walk, incomes=incomes, choice=planner.choice)
        if spent is not None:  # and what was found before the budget ended does not decide it
            return Funding(Verdict.UNDECIDED, planner.walk, reason_of(spent), incomes, (spent,), planner.choice)
        batch = next_batch(selective.session, planner.walk, amount, chosen)
        with planner.at_most_what_a_plan_is_worth():
            spent = _execute(selective, account, batch, incomes)
        if planner.cut_short(spent):
            spent = None


def _begun(selective: Selective, account: AccountId, before: Seq) -> list[Seq]:
    """The incomes that an earlier attempt chose, which had to wait for other workers."""
    index = selective.session.index
    earlier = (seq for seq in selective.session.begun if seq < before)
    return [seq for seq in earlier if index.events(account, Seq(seq - 1), Seq(seq + 1))]


def _by(
    selective: Selective,
    account: AccountId,
    amount: int,
    before: Seq,
    theta: tuple[Seq, ...],
    queue: list[Seq],
    incomes: list[CertifiedIncome],
) -> Funding:
    """With Θ: the static interval before its earliest member, and everything from there on. `queue`: members that
    were not executed yet.
    """
    session = selective.session
    most = len(session.index.postings(account, min(theta, default=before), before, before + 1))
    walk = selective.glance(account, before)
    spent = None
    while True:
        if walk.covers(amount) is None:
            walk = session.walk(account, before, max(most, session.window))
        covered = walk.covers(amount)
        if covered is not None:
            return Funding(_verdict(covered), walk, incomes=incomes)
        if spent is not None:
            return Funding(Verdict.UNDECIDED, walk, reason_of(spent), incomes, (spent,))
        if not queue:
            return Funding(Verdict.UNDECIDED, walk, UndecidedReason.THETA_INSUFFICIENT, incomes)
        chosen = next_of(session, walk, amount, queue)
        del queue[: len(chosen)]
        spent = _execute(selective, account, chosen, incomes)


def _verdict(covered: bool) -> Verdict:
    return Verdict.ACCEPTED if covered else Verdict.REJECTED


def narrow(selective: Selective, account: AccountId, before: Seq, theta: tuple[Seq, ...] | None) -> Funding:
    """Lemma 1 without a target: raise the lower bound by Θ, or by whatever the gas budget reaches.

    Without Θ and without a budget nothing is executed: the bound is what is known already.
    """
    incomes: list[CertifiedIncome] = []
    spent = None
    if theta is not None:
        spent = _execute(selective, account, list(theta), incomes)
    elif selective.session.gas_budget is not None:
        rounds = 0
        while spent is None and (walk := selective.interval(account, before)).lower < walk.upper:
            candidates = cheapest(walk, walk.upper, selective.session.estimates)
            first = next_to_execute(walk, walk.upper, rounds, candidates)
            spent = _execute(selective, account, next_batch(selective.session, walk, walk.upper, first), incomes)
            rounds += 1
    walk = selective.interval(account, before)
    if spent is not None:
        return Funding(Verdict.ACCEPTED, walk, reason_of(spent), incomes, (spent,))
    return Funding(Verdict.ACCEPTED, walk, incomes=incomes)


def _execute(
    selective: Selective, account: AccountId, chosen: list[Seq], incomes: list[CertifiedIncome]
) -> MissingExecution | None:
    """Execute incomes, noting what each brought and cost; what the budget did not reach, if it ran out."""
    if selective.session.shared and chosen:
        selective.outcomes(chosen)
    for seq in chosen:
        located = selective.session.index.transaction(seq)
        try:
            outcome = selective.outcome(seq)
        except Undecidable as stopped:
            return missing_of(stopped)
        gas = selective.session.spent.get(seq, 0)
        incomes.append(CertifiedIncome(located.hash, income_of(located, outcome, account), gas))
    return None
