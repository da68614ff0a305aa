"""Planning a certificate: where its walks begin, and which outcomes they rest on, once the answer is known."""

from bisect import bisect_left

from accountant.accounting.proof.bounds import Bounds, KnownOutcome, Touch, latest_start, touches_of
from accountant.accounting.proof.executor import Choose
from accountant.accounting.proof.recording import RecordingFacts
from accountant.accounting.proof.window import Nonces, Window, ZeroWindow, zero_least
from accountant.chain.moment import moment_before
from accountant.execution.genesis_state import genesis_state
from accountant.execution.port import OutcomeStore
from accountant.execution.transition import runs_code
from accountant.index.port import ChainIndex, Located
from accountant.index.position import Place
from accountant.primitives.types import ADDRESS_BYTES, AccountId, Address, Height, Seq

_PRICED = 256
"""So many of the largest incomes are compared by gas."""


def choose_cheaply(index: ChainIndex, recorded: OutcomeStore, prefer: frozenset[Seq]) -> Choose:
    """First what was asked for, then what somebody observed already, then the most units for the least gas.

    Own expenses come last and in chain order: they look free and drag in everything.
    """

    def choose(_account: AccountId, found: Bounds, amount: int, _before: Seq) -> list[Seq]:
        incomes = sorted((t for t in found.unknown if not t.own), key=lambda t: (-_gain(t), -t.seq))[:_PRICED]
        preferred = [touch.seq for touch in found.unknown if touch.seq in prefer]
        if preferred or not incomes:
            return preferred or [touch.seq for touch in found.unknown]
        observed = recorded.get_many([touch.seq for touch in incomes])
        gas = {t.seq: _gas_most(t) for t in index.transactions([touch.seq for touch in incomes])}
        short = amount - found.lower

        def price(touch: Touch) -> tuple[bool, int, int]:
            useful, most = max(1, min(_gain(touch), short)), gas[touch.seq]
            return bool(most) and touch.seq not in observed, most * 1_000_000 // useful, -touch.seq

        return [touch.seq for touch in sorted(incomes, key=price)]

    return choose


def choose_planned(plan: frozenset[Seq]) -> Choose:
    """What is in the plan: incomes before own expenses, the latest first. Its order is that of whoever checks."""

    def choose(_account: AccountId, found: Bounds, _amount: int, _before: Seq) -> list[Seq]:
        return [t.seq for t in sorted(found.unknown, key=lambda t: (t.own, -t.seq)) if t.seq in plan]

    return choose


class Planner:
    """`Hints` that are found as they are asked for, from an answer that is known with all outcomes it rests on."""

    def __init__(self, facts: RecordingFacts, known: KnownOutcome) -> None:
        self.windows: dict[tuple[AccountId, Seq], Window] = {}
        self.zero_windows: dict[tuple[Address, Seq], ZeroWindow] = {}
        self._exactly: set[tuple[Address, Seq]] = set()
        """Where Z is asked for exactly: some answer there is no, and a window would serve the others alone."""
        self._facts = facts
        self._known = known
        self._genesis = genesis_state(facts.genesis)
        self._touches: dict[tuple[AccountId, Seq], list[Touch]] = {}

    def window(self, account: AccountId, before: Seq, amount: int | None) -> Window:
        """The shortest one that shows every amount asked for so far; the whole history where one is not covered."""
        name = account, before
        there = self.windows.get(name)
        if amount is None or (there is not None and not there.start and there.nonces is None):
            return there or Window(account, before, 0, None)
        start = self._latest_start(account, before, amount)
        if start is None:
            window = Window(account, before, 0, None)
        else:
            window = self._cheapest(account, start if there is None else min(start, Seq(there.start)), before)
        self.windows[name] = window
        return window

    def zero_window(self, account: Address, place: Place, amount: int) -> ZeroWindow | None:
        """A window that shows the least of Z that a yes needs; None where an answer is no, or tips count."""
        name = account, place.seq
        if name not in self._exactly and not self._shown_by_window(name, place, amount):
            self._exactly.add(name)
            self.zero_windows.pop(name, None)
        return None if name in self._exactly else self.zero_windows[name]

    def _shown_by_window(self, name: tuple[Address, Seq], place: Place, amount: int) -> bool:
        account, _ = name
        zero = self._facts.zero_balance(account, place.moment)
        if amount > zero and not self._covers(account, amount - zero, place.seq):
            return False
        window = self._zero_window(account, place, min(amount, zero))
        least = zero_least(self._facts, account, place, window)
        if amount > least and not self._covers(account, amount - least, place.seq):
            return False
        there = self.zero_windows.get(name)
        if there is None or window.start < there.start:
            self.zero_windows[name] = window
        return True

    def _covers(self, account: AccountId, amount: int, before: Seq) -> bool:
        return self._latest_start(account, before, amount) is not None

    def _latest_start(self, account: AccountId, before: Seq, amount: int) -> Seq | None:
        name = account, before
        if name not in self._touches:
            self._touches[name] = touches_of(self._facts.index.events(account, Seq(-1), before))
        return latest_start(account, self._touches[name], amount, self._genesis.general(account), self._known)

    def _cheapest(self, account: AccountId, start: Seq, before: Seq) -> Window:
        by_pages = Window(account, before, start, None)
        if len(account) != ADDRESS_BYTES:
            return by_pages
        earlier, nonces = self._nonces(Address(account), start, before)
        pages = self._blocks(start, before)
        gap = 1 if nonces.closed else self._blocks(self._last(Address(account), earlier, before), before)
        return Window(account, before, earlier, nonces) if nonces.count + gap <= pages else by_pages

    def _nonces(self, account: Address, start: Seq, before: Seq) -> tuple[Seq, Nonces]:
        """The user's own transactions in a window that begins at `start`, or at its own transaction before that."""
        own = self._facts.own(account)
        first, after = bisect_left(own, start), bisect_left(own, before)
        if first and not (first < after and own[first] == start):
            first -= 1
            start = own[first]
        return start, Nonces(first, after - first, after < len(own))

    def _last(self, account: Address, start: Seq, before: Seq) -> Seq:
        own = self._facts.own(account)
        after = bisect_left(own, before)
        return max(start, own[after - 1]) if after else start

    def _blocks(self, since: Seq, before: Seq) -> int:
        return self._facts.block_of(before).height - self._facts.block_of(since).height + 1

    def _zero_window(self, account: Address, place: Place, needed: int) -> ZeroWindow:
        """Backwards from the position, through the blocks in which Z changed, until what came in is enough."""
        facts, start, incomes = self._facts, Seq(0), []
        own = facts.own(account)
        height = facts.block_of(Seq(place.seq - 1)).height if place.seq else Height(0)
        later = facts.index.zero_balance(account, place.moment)
        while height and needed > 0:
            block = facts.block(height)
            assert block is not None
            earlier = facts.index.zero_balance(account, moment_before(height, 0))
            end = Seq(block.first_seq + block.count)
            if earlier != later or bisect_left(own, block.first_seq) < bisect_left(own, end):
                for located in reversed(facts.transactions_in(block.height)):
                    if located.seq >= place.seq or needed <= 0:
                        continue
                    received, is_own = facts.received(account, located), located.sender == account
                    needed -= received
                    if received:
                        incomes.append(located.seq)
                    if is_own and needed > 0:
                        needed += facts.paid(located)
                    if (received or is_own) and needed <= 0:
                        start = located.seq
            later, height = earlier, Height(height - 1)
        start = place.seq if not incomes and needed <= 0 and not start else start
        start, nonces = self._nonces(account, start, place.seq)
        return ZeroWindow(account, place.seq, start, nonces, tuple(sorted(incomes)))


def _gas_most(located: Located) -> int:
    """The most gas that finding the outcome takes; none where its bytes alone say it."""
    settled = not located.transaction.general_value and not runs_code(located)
    return 0 if settled else located.transaction.gas_limit


def _gain(touch: Touch) -> int:
    """The most units by which knowing the outcome can move the interval."""
    return touch.credit_most + touch.debit_most
