"""The selective executor over facts: every balance from a window of its history, every slot writer by writer.

It runs what `execution.selective` runs, and so does whoever checks a certificate. What differs is how much history
an answer rests on, since that is what a certificate carries.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

from accountant.accounting.proof.bounds import UNLIMITED, Bounds, Touch, bounds, touches_of
from accountant.accounting.proof.errors import CertificateRefused, NotCarried
from accountant.accounting.proof.facts import Facts
from accountant.accounting.proof.window import Window, ZeroWindow, own_transactions, zero_least
from accountant.chain.query import AccountingQuery, BalanceAtLeast
from accountant.chain.rows import RowKind
from accountant.execution.driver import Steps, Value
from accountant.execution.needs import CoversBefore, Need, OutcomeOf
from accountant.execution.outcome import Outcome
from accountant.execution.port import Heartbeat, OutcomeStore, Records
from accountant.execution.queries import target_of
from accountant.execution.selective import Selective
from accountant.execution.session import Inputs, Session
from accountant.execution.timeline import Walk
from accountant.index.port import Event, Located
from accountant.index.position import Place
from accountant.primitives.addresses import account_of, show
from accountant.primitives.types import ADDRESS_BYTES, AccountId, Address, Gas, Seq

STEPS_MOST = 1 << 26
"""Rows that the walks of one certificate may look at, all together: about a minute."""

_SMALL = 512
"""Up to so many unknown outcomes a walk is made again after every single execution; beyond, the batch doubles."""

Choose = Callable[[AccountId, Bounds, int, Seq], list[Seq]]
"""Which outcomes to find, best first, so that an interval says whether it covers an amount. Any choice is sound."""


class Hints(Protocol):
    """Where walks begin. Nobody has to trust them."""

    def window(self, account: AccountId, before: Seq, amount: int | None) -> Window:
        """Where to begin to see whether G covers `amount` right before a transaction."""

    def zero_window(self, account: Address, place: Place, amount: int) -> ZeroWindow | None:
        """Where to begin to see that Z + G is at least `amount`; None where Z is asked for exactly."""


class Whole:
    """`Hints` for walks from genesis on."""

    def window(self, account: AccountId, before: Seq, amount: int | None) -> Window:
        return Window(account, before, 0, None)

    def zero_window(self, account: Address, place: Place, amount: int) -> ZeroWindow | None:
        return None


class Carried:
    """`Hints` that were written down."""

    def __init__(self, windows: Iterable[Window], zero_windows: Iterable[ZeroWindow]) -> None:
        self._windows = {(window.account, window.before): window for window in windows}
        self._zero_windows = {(window.account, window.before): window for window in zero_windows}

    def window(self, account: AccountId, before: Seq, amount: int | None) -> Window:
        return self._windows.get((account, before)) or Window(account, before, 0, None)

    def zero_window(self, account: Address, place: Place, amount: int) -> ZeroWindow | None:
        return self._zero_windows.get((account, place.seq))


class ProofSession(Session):
    """One piece of work over facts."""

    def __init__(
        self,
        facts: Facts,
        outcomes: OutcomeStore,
        hints: Hints,
        plan: frozenset[Seq] = frozenset(),
        heartbeat: Heartbeat | None = None,
        gas_budget: Gas | None = None,
        records: Records | None = None,
    ) -> None:
        """`plan`: transactions whose incomes a window by nonces knows of."""
        super().__init__(facts, outcomes, heartbeat, gas_budget, records)
        self.writers_page = 1
        self.facts = facts
        self.hints = hints
        self.steps_left = STEPS_MOST
        self._plan = plan
        self._planned: dict[AccountId, list[Event]] | None = None
        self.walked: dict[Window, tuple[int, int, list[Touch]]] = {}
        """The windows that were looked into: the interval at the beginning of each, and its rows."""
        self.zero_walked: set[ZeroWindow] = set()
        self.rests_on: dict[Seq, Outcome] = {}
        """All outcomes, in the order in which they were found, those that cost no gas included."""

    def found(self, seq: Seq, inputs: Inputs, outcome: Outcome, ran_code: bool) -> None:
        self.rests_on.setdefault(seq, outcome)
        super().found(seq, inputs, outcome, ran_code)

    def bounds(self, account: AccountId, before: Seq, amount: int | None = None) -> Bounds:
        """The interval right before a transaction, from the rows of its window and what is known of them."""
        window = self.hints.window(account, before, amount)
        if window not in self.walked:
            self.walked[window] = self._begin(account, before, window)
        lower, upper, touches = self.walked[window]
        self._count(len(touches))
        return bounds(account, touches, lower, upper, self._known.get, window.nonces is None)

    def covers(self, account: AccountId, amount: int, before: Seq) -> bool | None:
        """Whether G is at least `amount`, from what is known; None where that is open."""
        return self.bounds(account, before, amount).covers(amount)

    def glance(self, account: AccountId, before: Seq) -> Walk:
        found = self.bounds(account, before)
        return Walk(found.lower, found.upper, ())

    def walk(self, account: AccountId, before: Seq, most: int | None = None) -> Walk:
        return self.glance(account, before)

    def _begin(self, account: AccountId, before: Seq, window: Window) -> tuple[int, int, list[Touch]]:
        general, start = self.genesis.general(account), Seq(window.start)
        lower, upper = (general, general) if start <= 0 else (0, UNLIMITED)
        if window.nonces is None:
            return lower, upper, touches_of(self.facts.events(account, Seq(start - 1), before))
        address = Address(account)
        own = own_transactions(self.facts, address, start, before, window.nonces)
        events = {event for located in own for event in self.facts.events_of(account, located)}
        events |= {event for event in self._incomes(account) if start <= event.seq < before}
        return lower, UNLIMITED, touches_of(events)

    def _incomes(self, account: AccountId) -> list[Event]:
        """The rows of planned transactions. Others may be missing, so no upper bound follows."""
        if self._planned is None:
            self._planned = {}
            for seq in sorted(self._plan):
                for key, kind, cap in self.facts.rows(self.facts.transaction(seq)):
                    if key[:1] == b"g" and kind == RowKind.CREDIT:
                        account_there = account_of(key[1:])
                        self._planned.setdefault(account_there, []).append(Event(seq, kind, cap))  # type: ignore[arg-type]
        return self._planned.get(account, [])

    def zero_least(self, account: Address, place: Place, window: ZeroWindow) -> int:
        """What Z of a user is at least right before a position."""
        self.zero_walked.add(window)
        self._count(len(window.incomes))
        return zero_least(self.facts, account, place, window)

    def _count(self, steps: int) -> None:
        self.steps_left -= 1 + steps
        if self.steps_left < 0:
            raise CertificateRefused("windows", f"walking them takes more than {STEPS_MOST} steps")


class ProofSelective(Selective):
    """`Selective` over facts. Its outcomes, slots and views are those of everybody."""

    def __init__(self, session: ProofSession, choose: Choose) -> None:
        super().__init__(session)
        self.facts_session = session
        self._choose = choose

    def _certain(self, located: Located, inputs: Inputs) -> Steps[dict[Need, Value]]:
        """Nothing ahead of time: what a contract's author marks wrongly would have to be carried."""
        yield from ()
        return {}

    def _covers(self, account: AccountId, amount: int, before: Seq, inputs: Inputs) -> Steps[Value]:
        session, rounds = self.facts_session, 0
        if amount <= 0:
            return True
        inputs.add_balance(account, before)
        while (covered := session.covers(account, amount, before)) is None:
            found = session.bounds(account, before, amount)
            chosen = self._choose(account, found, amount, before)
            if not chosen:
                raise NotCarried(f"balance of {show(account)} before transaction {before}", "it stays open")
            for seq in chosen[: 1 if len(found.unknown) <= _SMALL else 1 << min(rounds, 20)]:
                yield OutcomeOf(seq)
            rounds += 1
        return covered

    def _answer(self, query: AccountingQuery, paid: bool, inputs: Inputs) -> Steps[Value]:
        """A balance may rest on a lower bound of Z, as long as the answer is yes."""
        if isinstance(query, BalanceAtLeast) and len(query.account) == ADDRESS_BYTES:
            target = target_of(self.session.index, query)
            assert target is not None and target.place is not None
            account = Address(query.account)
            window = self.facts_session.hints.zero_window(account, target.place, query.amount)
            if window is not None:
                zero = self.facts_session.zero_least(account, target.place, window)
                covered = yield CoversBefore(account, query.amount - zero, target.place.seq)
                if not covered:
                    raise NotCarried(f"zero-cost balance of {show(account)}", "a no rests on all of it")
                return True
        return (yield from super()._answer(query, paid, inputs))
