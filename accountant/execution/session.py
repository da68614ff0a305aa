"""What one piece of work knows so far: outcomes, timelines, what it executed and what that cost."""

from collections.abc import Callable, Iterable

from accountant.execution.genesis_state import GenesisState
from accountant.execution.outcome import BalanceInput, Observed, Outcome
from accountant.execution.port import Heartbeat, OutcomeStore
from accountant.execution.timeline import Timeline
from accountant.index.port import ChainIndex
from accountant.primitives.types import AccountId, Gas, Seq


class Inputs:
    """What one computation consulted: outcomes by number, and balances up to a position."""

    __slots__ = ("balances", "seqs")

    def __init__(self) -> None:
        self.seqs: set[Seq] = set()
        self.balances: dict[AccountId, Seq] = {}

    def add_balance(self, account: AccountId, before: Seq) -> None:
        """The account's balance right before `before` was consulted."""
        self.balances[account] = max(before, self.balances.get(account, before))

    def merge(self, other: "Inputs") -> None:
        """Everything that another computation, done on behalf of this one, consulted."""
        self.seqs |= other.seqs
        for account, before in other.balances.items():
            self.add_balance(account, before)

    def observed(self, outcome: Outcome) -> Observed:
        """The outcome with what it was computed from, in canonical order."""
        balances = tuple(BalanceInput(account, before) for account, before in sorted(self.balances.items()))
        return Observed(outcome, tuple(sorted(self.seqs)), balances)


class Session:
    """One piece of work over an index and a store of outcomes."""

    def __init__(
        self,
        index: ChainIndex,
        outcomes: OutcomeStore,
        heartbeat: Heartbeat | None = None,
        gas_budget: Gas | None = None,
    ) -> None:
        """`gas_budget`: the most gas that this work may execute; None for no limit."""
        self.index = index
        self.genesis = GenesisState(index.genesis)
        self.store = outcomes
        self.gas_budget = gas_budget
        self.gas_executed = Gas(0)
        self.executed: list[Seq] = []
        """Transactions whose contract code ran to its end here, in order of execution."""
        self.resolved: list[Seq] = []
        """Transactions whose outcomes were found here, those that run no code included."""
        self.cached: set[Seq] = set()
        """Transactions whose outcomes were known before and consulted here."""
        self._known: dict[Seq, Outcome] = {}
        self._timelines: dict[AccountId, tuple[Seq, Timeline]] = {}
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

    def beat(self) -> None:
        """Report progress; the listener may raise to stop the work."""
        self._heartbeat(self.gas_executed)

    def timeline(self, account: AccountId, before: Seq) -> Timeline:
        """The account's postings up to `before` at least, with every stored outcome among them loaded."""
        loaded, timeline = self._timelines.get(account, (Seq(0), None))
        if timeline is None:
            timeline = Timeline(account, self.genesis.general(account), [])
        if loaded < before:
            timeline.extend(self.index.events(account, Seq(loaded - 1), before))
            self._timelines[account] = (before, timeline)
            self.fetch(seq for seq in timeline.unsettled(before) if seq >= loaded)
        return timeline

    def local(self) -> Callable[[Seq], Outcome | None]:
        """Outcomes already loaded, without asking the store again."""
        return self._known.get
