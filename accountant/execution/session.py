"""What one piece of work knows so far: outcomes, timelines, what it executed and what that cost."""

from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence

from accountant.contracts.tensor_means import Means, Memo
from accountant.execution.estimate import WRITERS_PAGE, Estimates
from accountant.execution.genesis_state import genesis_state
from accountant.execution.needs import Asked, BlobAwaited, BlobUnavailable
from accountant.execution.outcome import BalanceInput, Observed, Outcome
from accountant.execution.port import Heartbeat, OutcomeStore, Records
from accountant.execution.shared_work import Done, Executed, SharedWork, Spent
from accountant.execution.timeline import Checkpoint, Timeline, Walk
from accountant.index.port import ChainIndex, Located
from accountant.index.posting import Posting
from accountant.primitives.types import AccountId, Cid, ContractId, Gas, Seq

CHECKPOINT_EVERY = 512
"""A walk over so many postings leaves a checkpoint of the balance behind."""

WINDOW = 32
"""The latest postings of an account that a question looks at first."""


class Inputs:
    """What one computation asked for, and what it consulted: outcomes by number, and balances up to a position."""

    __slots__ = ("balances", "needs", "seqs")

    def __init__(self) -> None:
        self.seqs: set[Seq] = set()
        self.balances: dict[AccountId, Seq] = {}
        self.needs: dict[Asked, None] = {}
        """In the order in which they were first asked for: a function of the chain, whatever was known before."""

    def asked(self, asked: Asked) -> None:
        """The computation itself asked for this."""
        self.needs.setdefault(asked)

    def add_balance(self, account: AccountId, before: Seq) -> None:
        """The account's balance right before `before` was consulted."""
        self.balances[account] = max(before, self.balances.get(account, before))

    def merge(self, other: "Inputs") -> None:
        """Everything that another computation, done on behalf of this one, consulted. What it asked for is its own."""
        self.seqs |= other.seqs
        for account, before in other.balances.items():
            self.add_balance(account, before)

    def observed(self, outcome: Outcome) -> Observed:
        """The outcome with what it was computed from, in canonical order."""
        balances = tuple(BalanceInput(account, before) for account, before in sorted(self.balances.items()))
        return Observed(outcome, tuple(sorted(self.seqs)), balances, tuple(self.needs))


class Session:
    """One piece of work over an index and a store of outcomes."""

    def __init__(
        self,
        index: ChainIndex,
        outcomes: OutcomeStore,
        heartbeat: Heartbeat | None = None,
        gas_budget: Gas | None = None,
        records: Records | None = None,
    ) -> None:
        """`gas_budget`: the most gas that this work may execute; None for no limit.

        `records`: where to look, before a transaction is executed, for what executing it would find. Its needs are
        resolved and its gas counts as executed, but no contract runs: see `execution.replay`.
        """
        self.index = index
        self.genesis = genesis_state(index.genesis)
        self.store = outcomes
        self.records: Records = records or (lambda _seq: None)
        self.gas_budget = gas_budget
        self._work = heartbeat if isinstance(heartbeat, SharedWork) else SharedWork(heartbeat or (lambda _gas: None))
        done = self._work.done
        self.gas_executed = done.gas
        self.executed: list[Seq] = [Seq(one.seq) for one in done.executed if one.code]
        """Transactions whose contract code ran to its end for this work, in order of execution."""
        self.resolved: list[Seq] = [Seq(one.seq) for one in done.executed]
        """Transactions whose outcomes were found for this work, those that run no code included."""
        self.cached: set[Seq] = {Seq(seq) for seq in done.consulted}
        """Transactions whose outcomes were known before and consulted for this work."""
        self.spent: dict[Seq, Gas] = {Seq(one.seq): Gas(one.gas) for one in done.spent}
        """Gas behind each outcome that this work itself asked for, in the order of asking."""
        self.begun = tuple(self.spent)
        """Outcomes that this work asked for before it had to wait for others."""
        self._found: dict[Seq, Executed] = {Seq(one.seq): one for one in done.executed}
        self._known: dict[Seq, Outcome] = {}
        self._at_hand: dict[Seq, Outcome] = {}
        """Outcomes that are at hand, should anybody ask for them."""
        self.estimates = Estimates(index, self._known.get)
        self.checkpoint_every = CHECKPOINT_EVERY
        self.writers_page = WRITERS_PAGE
        self.window = WINDOW
        self._timelines: dict[AccountId, list[Timeline]] = {}
        """Stretches of each account's history, by their beginnings."""
        self._asked: set[Seq] = set()
        self._kept: dict[tuple[AccountId, Seq], Checkpoint] = {}

    @property
    def gas_left(self) -> Gas | None:
        """What the budget has left; None for no limit."""
        return None if self.gas_budget is None else Gas(self.gas_budget - self.gas_executed)

    @property
    def shared(self) -> bool:
        """Whether this work leaves executions to others. Under a budget it does not: nobody knows before they ran
        what others would take of it.
        """
        return self._work.gas_left_to_others is not None and self.gas_budget is None

    def leaves(self, located: Located) -> bool:
        """Whether the transaction is for others to execute."""
        return self.shared and self._work.leaves(located)

    def means(self, seq: Seq | None = None) -> Means:
        """What this machine gives to the tensors of one transaction, or of one view."""
        return Means(Memo(), self._work.room_bytes, self._work.trainings(seq))

    def lacking(self, cid: Cid) -> Exception:
        """What to raise where nobody serves a published blob."""
        return BlobAwaited(cid) if self._work.waits_for_blobs else BlobUnavailable(cid)

    def spend(self, seq: Seq, gas: Gas) -> None:
        """Note gas that finding an outcome took which this work itself asked for."""
        self.spent[seq] = Gas(self.spent.get(seq, 0) + gas)

    def done(self) -> Done:
        """What was done for this work so far."""
        spent = (Spent(seq, gas) for seq, gas in self.spent.items())
        return Done(tuple(self._found.values()), tuple(sorted(self.cached)), tuple(spent))

    def known(self, seq: Seq) -> Outcome | None:
        """The outcome of a transaction if this work or anyone before it found it."""
        outcome = self._known.get(seq)
        if outcome is None:
            outcome = self._at_hand.pop(seq, None)
            if outcome is None:
                observed = self.store.get(seq)
                if observed is None:
                    return None
                outcome = observed.outcome
            self._known[seq] = outcome
            self._consulted(seq)
        return outcome

    def ahead(self, reads: Sequence[tuple[ContractId, bytes, Seq]]) -> None:
        """A run will read most of these slots: look their writers up together, and what the latest ones did."""
        if not self.index.ahead(reads, WRITERS_PAGE):
            return
        latest = (self.index.writers(*read, WRITERS_PAGE)[:1] for read in reads)
        wanted = {writer for some in latest for writer in some if writer not in self._known}
        if len(wanted) > 1:
            self._at_hand.update((seq, observed.outcome) for seq, observed in self.store.get_many(wanted).items())

    def fetch(self, seqs: Iterable[Seq]) -> None:
        """Load the known ones among several outcomes in one look-up."""
        wanted = [seq for seq in seqs if seq not in self._known]
        if wanted:
            for seq, observed in self.store.get_many(wanted).items():
                self._known[seq] = observed.outcome
                self._consulted(seq)

    def _consulted(self, seq: Seq) -> None:
        if seq not in self._found:
            self.cached.add(seq)

    def found(self, seq: Seq, inputs: Inputs, outcome: Outcome, ran_code: bool) -> None:
        """Keep an outcome that was just found."""
        self._known[seq] = outcome
        if not outcome.gas_used:
            return  # a zero-cost transfer or a publication: whoever asks again finds it as cheaply
        first = self.store.put(seq, inputs.observed(outcome))
        if not first and not ran_code:  # no flight guards a check: whoever found the same meanwhile counts it
            self._consulted(seq)
            self.beat()
            return
        self.resolved.append(seq)
        self._found[seq] = Executed(seq, outcome.gas_used, ran_code)
        if ran_code:
            self.executed.append(seq)
        self.gas_executed = Gas(self.gas_executed + outcome.gas_used)
        self.beat()

    def looked(self, gas: Gas) -> None:
        """Count the run of a view that was asked for: it leaves no outcome behind."""
        self.gas_executed = Gas(self.gas_executed + gas)
        self.beat()

    def beat(self) -> None:
        """Report progress; the listener may raise to stop the work."""
        self._work(self.gas_executed)

    # Balances

    def glance(self, account: AccountId, before: Seq) -> Walk:
        """The static interval, or a narrower one that a walk left behind: the price of one look-up, no walk."""
        return self._timeline(account, before, self.window).glance(before)

    def covers(self, account: AccountId, amount: int, before: Seq) -> bool | None:
        """Whether G is at least `amount`, from a glance or the shortest window; None where they leave it open."""
        covered = self.glance(account, before).covers(amount)
        return self.walk(account, before, self.window).covers(amount) if covered is None else covered

    def walk(self, account: AccountId, before: Seq, most: int | None = None) -> Walk:
        """The interval from the latest `most` postings and what is known of their outcomes.

        Without `most` it is the narrowest that can be had, and its unknown postings are all that keep it open.
        """
        timeline = self._timeline(account, before, most)
        self._recall(timeline)
        self.fetch(seq for seq in timeline.open(before, most) if seq not in self._asked)
        self._asked.update(timeline.open(before, most))
        walk = timeline.walk(before, self._known.get, most)
        assert walk.unknown or not walk.whole or walk.lower == walk.upper
        if most is None:
            self.keep(account, before, walk)
        return walk

    def keep(self, account: AccountId, before: Seq, walk: Walk) -> None:
        """Store checkpoints of a long walk, so that nobody walks it again."""
        found = Checkpoint(before, walk.lower, walk.upper)
        if len(walk.steps) < self.checkpoint_every or self._kept.get((account, before)) == found:
            return
        self._kept[account, before] = found
        self.store.keep_checkpoint(account, found)
        exact = next((step for step in reversed(walk.steps) if step.lower == step.upper), None)
        if exact is not None and walk.lower < walk.upper:
            self.store.keep_checkpoint(account, Checkpoint(Seq(exact.posting.seq + 1), exact.lower, exact.upper))

    def _timeline(self, account: AccountId, before: Seq, most: int | None) -> Timeline:
        """A stretch that holds the latest `most` postings before `before`, or all that matter."""
        stretches = self._timelines.setdefault(account, [])
        place = bisect_right(stretches, before, key=_begin)
        timeline = stretches[place - 1] if place else None
        if timeline is None or not self._reaches(timeline, before):
            timeline = self._near(stretches[place], before) if place < len(stretches) else None
        if timeline is None:
            start, whole, postings = self._latest(account, before, most or self.window)
            timeline = Timeline(account, start, whole)
            timeline.append(postings, before)
            timeline.unasked.append(before)
            insort(stretches, timeline, key=_begin)
        while not timeline.whole and (most is None or timeline.length(before) < most):
            if most is None:
                self._recall(timeline)
                if timeline.settled(before):
                    break
            self._lengthen(timeline, max(self.window, timeline.length(before)) if most is None else most)
        return timeline

    def _latest(self, account: AccountId, before: Seq, most: int) -> tuple[Checkpoint, bool, list[Posting]]:
        """The latest `most` postings, what is known right before them, and whether nothing earlier matters."""
        postings = self.index.postings(account, Seq(0), before, most + 1)
        if len(postings) <= most:
            genesis = self.genesis.general(account)
            return Checkpoint(Seq(0), genesis, genesis), True, postings
        last = postings[0]
        return Checkpoint(Seq(last.seq + 1), last.lower, last.upper), last.lower == last.upper, postings[1:]

    def _reaches(self, timeline: Timeline, before: Seq) -> bool:
        """Whether a stretch holds a position after its beginning, or few postings are missing: then they are added."""
        if before <= timeline.end:
            return True
        postings = self.index.postings(timeline.account, timeline.end, before, self.window + 1)
        if len(postings) > self.window:
            return False
        timeline.append(postings, before)
        return True

    def _near(self, timeline: Timeline, before: Seq) -> Timeline | None:
        """A stretch that begins a little after a position, made longer so that it holds it; None where it is far."""
        if timeline.begin - before <= timeline.end - timeline.begin:
            self._lengthen(timeline, self.window)
        return timeline if timeline.begin <= before else None

    def _lengthen(self, timeline: Timeline, most: int) -> None:
        start, whole, postings = self._latest(timeline.account, timeline.begin, most)
        timeline.unasked.append(timeline.begin)
        timeline.prepend(postings, start, whole)

    def _recall(self, timeline: Timeline) -> None:
        """Use the checkpoints that were stored in what was added to a stretch: the latest one, and the latest exact."""
        while timeline.unasked:
            before = timeline.unasked.pop()
            for exact in (False, True):
                kept = self.store.checkpoint(timeline.account, before, exact)
                if kept is None:
                    break
                if kept.before >= timeline.begin:
                    timeline.narrow(kept)
                if kept.lower == kept.upper:
                    break


def _begin(timeline: Timeline) -> Seq:
    return timeline.begin
