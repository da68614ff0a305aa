"""What one piece of work knows so far: outcomes, timelines, what it executed and what that cost."""

from collections.abc import Callable, Iterable

from accountant.execution.genesis_state import genesis_state
from accountant.execution.needs import Asked
from accountant.execution.outcome import BalanceInput, Observed, Outcome
from accountant.execution.port import Heartbeat, OutcomeStore, Records
from accountant.execution.timeline import Checkpoint, KnownOutcome, Timeline, Walk
from accountant.index.port import ChainIndex
from accountant.primitives.types import AccountId, Gas, Seq

CHECKPOINT_EVERY = 512
"""Postings of one account from one stored checkpoint of its balance to the next, about."""

WRITERS_PAGE = 16
"""Declared writers of a slot that one look-up asks for."""


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
        self.gas_executed = Gas(0)
        self.executed: list[Seq] = []
        """Transactions whose contract code ran to its end here, in order of execution."""
        self.resolved: list[Seq] = []
        """Transactions whose outcomes were found here, those that run no code included."""
        self.cached: set[Seq] = set()
        """Transactions whose outcomes were known before and consulted here."""
        self._known: dict[Seq, Outcome] = {}
        self.checkpoint_every = CHECKPOINT_EVERY
        self.writers_page = WRITERS_PAGE
        self._timelines: dict[AccountId, Timeline] = {}
        self._windows: dict[AccountId, Timeline] = {}
        self._heartbeat = heartbeat or (lambda _gas: None)

    @property
    def gas_left(self) -> Gas | None:
        """What the budget has left; None for no limit."""
        return None if self.gas_budget is None else Gas(self.gas_budget - self.gas_executed)

    def known(self, seq: Seq) -> Outcome | None:
        """The outcome of a transaction if this work or anyone before it found it."""
        outcome = self._known.get(seq)
        if outcome is None:
            observed = self.store.get(seq)
            if observed is None:
                return None
            outcome = self._known[seq] = observed.outcome
            self.cached.add(seq)
        return outcome

    def fetch(self, seqs: Iterable[Seq]) -> None:
        """Load the known ones among several outcomes in one look-up."""
        wanted = [seq for seq in seqs if seq not in self._known]
        if wanted:
            for seq, observed in self.store.get_many(wanted).items():
                self._known[seq] = observed.outcome
                self.cached.add(seq)

    def found(self, seq: Seq, inputs: Inputs, outcome: Outcome, ran_code: bool) -> None:
        """Keep an outcome that was just found."""
        self._known[seq] = outcome
        if not outcome.gas_used:
            return  # a zero-cost transfer: whoever asks again finds it as cheaply
        self.store.put(seq, inputs.observed(outcome))
        self.resolved.append(seq)
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
        self._heartbeat(self.gas_executed)

    def glance(self, account: AccountId, before: Seq) -> Walk:
        """The interval from the nearest checkpoint or earlier walk on: cheap, and perhaps wider than `walk`.

        Its unknown postings are those walked now.
        """
        timeline = self._timelines.get(account)
        if timeline is not None and timeline.start.before <= before:
            return self._walk(timeline, before, Timeline.glance)
        window = self._windows.get(account)
        if window is None or before < window.start.before:
            start = self.store.checkpoint(account, before, exact=False)
            if start is None:
                return self.walk(account, before)
            window = self._windows[account] = Timeline(account, start)
        return self._walk(window, before, Timeline.glance)

    def walk(self, account: AccountId, before: Seq) -> Walk:
        """The narrowest interval that stored outcomes give, and all postings that keep it open."""
        timeline = self._timelines.get(account)
        if timeline is None or before < timeline.start.before:
            genesis = self.genesis.general(account)
            start = self.store.checkpoint(account, before, exact=True) or Checkpoint(Seq(0), genesis, genesis)
            timeline = self._timelines[account] = Timeline(account, start)
        walk = self._walk(timeline, before, Timeline.walk)
        assert walk.unknown or walk.lower == walk.upper
        return walk

    def _walk(self, timeline: Timeline, before: Seq, way: Callable[[Timeline, Seq, KnownOutcome], Walk]) -> Walk:
        old = timeline.end
        if old < before:
            timeline.extend(self.index.events(timeline.account, Seq(old - 1), before), before)
            self.fetch(timeline.unsettled(old))
        walk = way(timeline, before, self._known.get)
        self._keep(timeline, before, walk)
        return walk

    def _keep(self, timeline: Timeline, before: Seq, walk: Walk) -> None:
        """Store a checkpoint now and then, so that nobody walks a long timeline from its beginning again."""
        if timeline.length(before) - timeline.kept < self.checkpoint_every:
            return
        timeline.kept = timeline.length(before)
        self.store.keep_checkpoint(timeline.account, Checkpoint(before, walk.lower, walk.upper))
        settled, checkpoint = timeline.settled()
        if settled >= self.checkpoint_every and checkpoint.before < before:
            self.store.keep_checkpoint(timeline.account, checkpoint)
