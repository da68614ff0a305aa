"""Choosing Θ for a question that is open: greedily where that is cheap anyway, by the solvers where it is not.

A plan looks up provenance before anything of it is executed, so it must save more than that takes. So the order by the
postings alone (`execution.choice`) stands until it has taken PLAN_ABOVE gas, an execution that would go beyond is put
off, and only then Θ is planned, from what is known by now. A plan is carried out until an income brings less than
was counted on; then the next one is made from what was learnt (paper, Algorithm 4 with the accountant choosing Θ).
"""

from collections.abc import Iterator
from contextlib import contextmanager

from accountant.accounting.certificate import MissingExecution, ThetaChoice
from accountant.accounting.slices import LOOK_UPS_EACH, Problem, Slices, static_gas
from accountant.accounting.theta.candidate import Choice
from accountant.accounting.theta.plan import Plan, expected, plan
from accountant.execution.choice import SMALL, reach, surely_needed
from accountant.execution.narrowing import GAS_PER_POSTING, Narrowing
from accountant.execution.session import Session
from accountant.primitives.types import AMOUNT_MAX, AccountId, Gas, Seq

PLAN_ABOVE = Gas(1_000_000)
"""Gas that the greedy order would take by the postings alone, or has taken, beyond which Θ is planned."""

GAS_PER_LOOK_UP = 5_000
"""Of the gas at stake, for each look-up of a plan."""

LOOK_UPS_MOST = 2_000
"""Of all plans for one question."""


class Planner(Narrowing):
    """The question whether G of an account is at least `amount` right before `before`, with Θ chosen by plans."""

    def __init__(self, session: Session, account: AccountId, amount: int, before: Seq) -> None:
        super().__init__(session, account, amount, before)
        self._slices = Slices(session.index, session.store, 0, session.beat)
        self._planning = False
        self._alternatives = False
        """Whether there are several incomes to choose from."""
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
        incomes = {posting.seq for posting in self.walk.unknown if not posting.own}
        self._alternatives = bool(greedy) and greedy[0] in incomes and len(incomes) > 1
        if not self._alternatives or not self._dear():
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

    @contextmanager
    def at_most_what_a_plan_is_worth(self) -> Iterator[None]:
        """While no plan was made, what is executed may take PLAN_ABOVE gas in all: beyond, alternatives are looked for.

        Outcomes found by then are kept. Work that is shared has no limit: others execute what is heavy.
        """
        session = self._session
        budget = session.gas_budget
        limited = not (self._planning or session.shared) and self._alternatives
        if limited and (budget is None or budget > PLAN_ABOVE):
            session.gas_budget = max(PLAN_ABOVE, session.gas_executed)
        try:
            yield
        finally:
            session.gas_budget = budget

    def cut_short(self, missing: MissingExecution | None) -> bool:
        """Whether it was this limit that ended an execution, and not the question's own budget; then a plan is next."""
        budget = self._session.gas_budget
        ended = missing is not None and not self._planning and not self._session.shared and self._alternatives
        if ended and (budget is None or budget > PLAN_ABOVE):
            self._planning = True
            self._slices.left = max(LOOK_UPS_EACH, PLAN_ABOVE // GAS_PER_LOOK_UP)
            return True
        return False

    def _dear(self) -> bool:
        """Whether the greedy order costs more than a plan might."""
        if self._planning:
            return True
        walk, at_stake = self.walk, int(self._session.gas_executed)
        if at_stake <= PLAN_ABOVE and sum(posting.gas for posting in walk.unknown) > PLAN_ABOVE:
            at_stake = static_gas(walk, self._amount)
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
