"""Choosing Θ for a question that is open: greedily where that is cheap anyway, by the solvers where it is not.

A plan looks up provenance before anything of it is executed, so it must save more than that takes: below PLAN_ABOVE
the order by the postings alone stands (`execution.choice`). A plan is carried out until an income brings less than
was counted on; then the next one is made from what was learnt (paper, Algorithm 4 with the accountant choosing Θ).
"""

from accountant.accounting.certificate import ThetaChoice
from accountant.accounting.slices import LOOK_UPS_EACH, Problem, Slices, static_gas
from accountant.accounting.theta.candidate import Choice
from accountant.accounting.theta.plan import Plan, expected, plan
from accountant.execution.batch import surely_needed
from accountant.execution.choice import SMALL, reach
from accountant.execution.narrowing import GAS_PER_POSTING, Narrowing
from accountant.execution.session import Session
from accountant.index.posting import Posting
from accountant.primitives.types import AMOUNT_MAX, AccountId, Gas, Seq

PLAN_ABOVE = Gas(500_000)
"""Gas that the greedy order would take, or has taken, beyond which Θ is planned."""

GAS_PER_LOOK_UP = 10_000
"""Of the gas at stake, for each look-up of a plan."""

LOOK_UPS_MOST = 2_000
"""Of all plans for one question."""


class Planner(Narrowing):
    """The question whether G of an account is at least `amount` right before `before`, with Θ chosen by plans."""

    def __init__(self, session: Session, account: AccountId, amount: int, before: Seq) -> None:
        super().__init__(session, account, amount, before)
        self._gas_before = session.gas_executed
        self._slices = Slices(session.index, session.store, 0, session.beat)
        self._planning = False
        self._first: tuple[Problem, Choice] | None = None
        self._plans = 0
        self._queue: list[tuple[Seq, int]] = []
        """What the plan at hand has to execute yet, and the units that each is counted on for."""
        self._counted = 0
        """Units that what was executed of it was counted on for."""
        self._short = 0
        """Units that were missing when it was made."""
        self._yes = True
        """Whether it is to show a yes."""

    @property
    def choice(self) -> ThetaChoice | None:
        """How the first plan chose; None while no plan was needed."""
        if self._first is None:
            return None
        problem, found = self._first
        cost, lower, additive = (min(gas, AMOUNT_MAX) for gas in (found.cost, found.lower_bound, found.additive_cost))
        return ThetaChoice(len(problem.candidates), cost, lower, additive, self._plans)

    def _chosen(self) -> list[Seq]:
        greedy = super()._chosen()
        incomes = {posting.seq: posting for posting in self.walk.unknown if not posting.own}
        if not greedy or greedy[0] not in incomes or len(incomes) < 2 or not self._dear(incomes[greedy[0]]):
            return greedy
        self._queue = [(seq, units) for seq, units in self._queue if seq in incomes]
        if not self._queue or self._missing() > self._short - self._counted:
            best = self._best()
            if best is None:
                self._queue = []
                return greedy
            problem, found = best
            if not self.walk.whole and found.choice.cost > GAS_PER_POSTING * self._most:
                return []
            self._begin(problem, found)
        return self._take()

    def _dear(self, first: Posting) -> bool:
        """Whether the greedy order, which begins with `first`, costs more than a plan might."""
        if self._planning:
            return True
        walk, session = self.walk, self._session
        at_stake: int = session.gas_executed - self._gas_before
        if at_stake <= PLAN_ABOVE and sum(posting.gas for posting in walk.unknown) > PLAN_ABOVE:
            at_stake = static_gas(walk, self._amount)
        if at_stake <= PLAN_ABOVE:
            self._slices.left = LOOK_UPS_EACH
            at_stake = sum(self._slices.slice_of(first).values())
        if at_stake > PLAN_ABOVE:
            self._slices.left = max(LOOK_UPS_EACH, min(LOOK_UPS_MOST, at_stake // GAS_PER_LOOK_UP))
            self._planning = True
        return self._planning

    def _missing(self) -> int:
        return self._amount - self.walk.lower if self._yes else self.walk.upper - self._amount + 1

    def _best(self) -> tuple[Problem, Plan] | None:
        """The cheaper of a plan that shows a yes and one that shows a no; None where incomes alone show neither."""
        highest, lowest = reach(self.walk, own=False)
        plans = []
        for yes, possible in ((True, highest >= self._amount), (False, lowest < self._amount)):
            if possible:
                problem = self._slices.problem(self.walk, self._amount, yes)
                found = plan(problem.candidates, problem.short, ancestry=problem.ancestry)
                if isinstance(found, Plan) and found.batch:
                    plans.append((problem, found))
        return min(plans, key=lambda one: one[1].choice.cost, default=None)

    def _begin(self, problem: Problem, found: Plan) -> None:
        self._queue = [(problem.seqs[place], expected(problem.candidates[place])) for place in found.batch]
        self._counted, self._yes = 0, problem.yes
        self._short = self._missing()
        self._plans += 1
        if self._first is None:
            self._first = problem, found.choice

    def _take(self) -> list[Seq]:
        """The beginning of the queue: all that is surely needed where several workers share the work."""
        order = [seq for seq, _ in self._queue]
        count = 1 if len(self.walk.unknown) <= SMALL else 1 << min(self._rounds, 20)
        if self._session.shared:
            count = max(count, len(surely_needed(self.walk, self._amount, order)))
        self._counted += sum(units for _, units in self._queue[:count])
        self._queue = self._queue[count:]
        return order[:count]
