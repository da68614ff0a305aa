"""Θ alone: which incomes show that an account can pay, before anything is executed (paper, Section II-C).

Alice chooses Θ for her payment herself, and merchants execute only that. This is what she asks for: the cheapest
incomes by what is known now, or that there are none.
"""

from enum import StrEnum
from typing import NamedTuple

from accountant.accounting.planner import LOOK_UPS_MOST
from accountant.accounting.query import place_in, seq_in
from accountant.accounting.questions import InvalidQuestion
from accountant.accounting.quote_facts import POSTINGS_MOST, ReadOnly
from accountant.accounting.slices import Problem, Slices
from accountant.accounting.theta.candidate import Choice, Unsatisfiable
from accountant.accounting.theta.closure import Effort, choose_closure
from accountant.accounting.theta.plan import expected
from accountant.accounting.theta.small import FEW, choose_few
from accountant.chain.block import Position
from accountant.execution.choice import reach
from accountant.execution.narrowing import GAS_PER_POSTING
from accountant.execution.port import OutcomeStore
from accountant.execution.session import Session
from accountant.execution.timeline import Walk
from accountant.index.port import ChainIndex
from accountant.primitives.addresses import account_of
from accountant.primitives.types import ADDRESS_BYTES, AMOUNT_MAX, HASH_BYTES, AccountId, Hash, Seq

_EFFORT = Effort(rounds=40, tries=8, nodes=32)
"""Tenths of a second at CANDIDATES_MOST incomes."""


class ProposalStatus(StrEnum):
    """What was found."""

    COVERED = "covered"
    """It is covered for certain: Θ is empty."""
    CHOSEN = "chosen"
    IMPOSSIBLE = "impossible"
    """Proved: the upper bound is below the amount, whatever any income brings."""
    OPEN = "open"
    """No open income that was looked at raises the lower bound so far, and the upper bound does not forbid it: an
    expense that may have failed, or what lies further back, decides."""


class Member(NamedTuple):
    """An income of the proposed Θ, and how many units it brings at least and at most."""

    transaction: Hash
    low: int
    high: int


class Proposal(NamedTuple):
    """Θ for an amount of general money. All gas is estimated."""

    status: ProposalStatus
    account: AccountId
    amount: int
    lower: int
    """G is at least this now, without executing anything."""
    upper: int
    theta: tuple[Member, ...] = ()
    """In chain order."""
    choice: Choice | None = None
    """Where there was one to be made; amounts are the most that is counted on."""
    candidates: int = 0
    cut_off: int = 0
    """Candidates whose provenance was not looked at to its end: they count with an estimate from the index."""


def propose_for_payment(index: ChainIndex, outcomes: OutcomeStore, transaction: bytes) -> Proposal:
    """Θ for a payment on the chain: its general value, right before it. Raises `InvalidQuestion`."""
    located = index.transaction(seq_in(index, transaction))
    return propose(index, outcomes, located.sender, located.transaction.general_value, located.seq)


def propose_for_amount(
    index: ChainIndex, outcomes: OutcomeStore, account: bytes, amount: int, position: Position
) -> Proposal:
    """Θ for a payment to be made: the account has so much general money at the position. Raises `InvalidQuestion`."""
    if len(account) not in (ADDRESS_BYTES, HASH_BYTES):
        raise InvalidQuestion("invalid_account", "an account has 20 bytes (user) or 32 (contract)")
    if not 0 <= amount <= AMOUNT_MAX:
        raise InvalidQuestion("invalid_amount", "an amount is 0 ≤ v < 2^63")
    return propose(index, outcomes, account_of(account), amount, place_in(index, position).seq)


def propose(index: ChainIndex, outcomes: OutcomeStore, account: AccountId, amount: int, before: Seq) -> Proposal:
    """The cheapest Θ by which G of the account is at least `amount` right before `before`; executes nothing.

    Looks at most at POSTINGS_MOST transactions of the account, the latest ones, and further back only where that may
    be cheaper than the Θ at hand.
    """
    store = ReadOnly(outcomes, False)
    session = Session(index, store)
    slices = Slices(index, store, LOOK_UPS_MOST, lambda: None)
    walk, most = session.glance(account, before), session.window
    found: tuple[Problem, Choice] | None = None
    while walk.covers(amount) is None:
        walk = session.walk(account, before, most)
        found = _found(slices, walk, amount)
        if walk.whole or most * 2 > POSTINGS_MOST:
            break
        if found is not None and found[1].cost <= GAS_PER_POSTING * most:
            break
        most *= 2
    covered = walk.covers(amount)
    if covered is not None:
        status = ProposalStatus.COVERED if covered else ProposalStatus.IMPOSSIBLE
        return Proposal(status, account, amount, walk.lower, walk.upper)
    if found is None:
        return Proposal(ProposalStatus.OPEN, account, amount, walk.lower, walk.upper)
    problem, choice = found
    chosen = [problem.seqs[place] for place in choice.chosen]
    theta = _members(index, walk, chosen)
    chosen_by = (theta, choice, len(problem.candidates), slices.cut_off)
    return Proposal(ProposalStatus.CHOSEN, account, amount, walk.lower, walk.upper, *chosen_by)


def _found(slices: Slices, walk: Walk, amount: int) -> tuple[Problem, Choice] | None:
    if walk.covers(amount) is not None or reach(walk, own=False)[0] < amount:
        return None
    problem = slices.problem(walk, amount, yes=True)
    highest = [candidate.amount_high for candidate in problem.candidates]
    if sum(highest) < problem.short:
        return None
    brings = [expected(candidate) for candidate in problem.candidates]
    if sum(brings) < problem.short:
        brings = highest
    choice: Choice | Unsatisfiable
    if len(brings) <= FEW:
        choice = choose_few(problem.candidates, problem.ancestry, brings, problem.short)
    else:
        choice = choose_closure(problem.candidates, problem.ancestry, problem.short, amounts=brings, effort=_EFFORT)
    assert isinstance(choice, Choice)
    return problem, choice


def _members(index: ChainIndex, walk: Walk, chosen: list[Seq]) -> tuple[Member, ...]:
    postings = {posting.seq: posting for posting in walk.unknown}
    members = []
    for located in index.transactions(sorted(chosen)):
        posting = postings[located.seq]
        low = max(0, posting.settled)
        members.append(Member(located.hash, low, low + posting.credit_most + posting.debit_most))
    return tuple(members)
