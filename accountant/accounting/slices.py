"""What Θ is chosen from, for one open question: incomes with what they may bring, and the provenance each one has.

Nothing is executed. A slice is what a likely walk reaches with what is known now; its transactions are the income's
ancestors, told apart by their numbers, so that two incomes share what both of them need. All of it is an estimate:
it says what is tried first, never what is true.
"""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from accountant.accounting.quote_facts import ROWS_PER_LOOK_UP, Facts, ReadOnly
from accountant.accounting.quote_walk import LikelyWalk
from accountant.accounting.theta.candidate import VALUE_MAX, Ancestor, Ancestry, Candidate
from accountant.accounting.theta.small import FEW
from accountant.chain.transaction import TransactionKind
from accountant.execution.choice import SMALL, ranked
from accountant.execution.narrowing import Narrowing
from accountant.execution.needs import OutcomeOf
from accountant.execution.port import OutcomeStore
from accountant.execution.session import Session
from accountant.execution.timeline import Walk
from accountant.index.port import ChainIndex
from accountant.index.posting import Posting
from accountant.primitives.types import AccountId, Gas, Seq

CANDIDATES_MOST = SMALL
"""Open incomes of one walk that are considered, those with the least static gas for what they bring."""

ENOUGH = 3
"""No more than FEW are considered where those bring so many times what is missing: alternatives enough."""

LOOK_UPS_EACH = 64
"""Of one income's slice."""

UNSEEN_TIMES = 4
"""What was seen of a slice that is larger than that, and the static estimate of one that was not looked at, count so
many times: else what nobody looked at would look cheap.
"""

_ARRIVED = (2, 3)
"""Of a source that nothing is known of, so many incomes of so many are taken to have brought all that they could."""

_LIKELY = 500
"""Per mille; what is at least as likely is counted on in full: a plan that hedges executes what is not needed."""


class Problem(NamedTuple):
    """An instance for the solvers: places in `candidates` are those in `seqs`."""

    seqs: tuple[Seq, ...]
    candidates: tuple[Candidate, ...]
    ancestry: Ancestry
    short: int
    """Units that the chosen ones have to bring: to L where a yes is to be shown, and otherwise to keep from U."""
    yes: bool


class _NearWalk(LikelyWalk):
    """Funds what must be funded as the executor would begin to: from the latest postings, greedily."""

    def __init__(self, facts: Facts, session: Session) -> None:
        super().__init__(facts, 0, 0)
        self._session = session

    def _covers(self, account: AccountId, amount: int, before: Seq) -> None:
        narrowing = Narrowing(self._session, account, amount, before)
        first = narrowing.next()
        walk = narrowing.walk
        self.facts.spend(1 + len(walk.steps) // ROWS_PER_LOOK_UP)
        if not first:
            return
        open_postings = {posting.seq: posting for posting in walk.unknown}
        short = min(amount - walk.lower, walk.upper - amount + 1)
        for seq in dict.fromkeys([*first, *(candidate.seq for candidate in ranked(walk, amount))]):
            if short <= 0:
                break
            self.ask(OutcomeOf(seq))
            short -= max(1, _units(open_postings[seq]))


class Slices:
    """The slices of one question's incomes, each walked once; what is found meanwhile drops out of them."""

    def __init__(self, index: ChainIndex, store: OutcomeStore, look_ups: int, beat: Callable[[], None]) -> None:
        """`look_ups`: for all slices together."""
        self._index, self._store, self._beat = index, store, beat
        self.left = look_ups
        self.cut_off = 0
        """Incomes whose slice was not walked to its end."""
        self._facts, self._session = Facts(index, store, 0), Session(index, ReadOnly(store, False))
        """As of when the question was asked; what is found since then is looked up anew."""
        self._of: dict[Seq, dict[Seq, Gas]] = {}
        self._sources: dict[Seq, bytes] = {}

    def problem(self, walk: Walk, amount: int, yes: bool) -> Problem:
        """To show that the account owns the amount (`yes`), incomes must arrive; to show that it does not, they must
        fail to. Own expenses are no candidates.

        What a later restart at zero swallows is taken off each income; where too little is left, they have to bring it
        together.
        """
        short = amount - walk.lower if yes else walk.upper - amount + 1
        open_postings = {posting.seq: posting for posting in walk.unknown}
        order: list[Seq] = []
        brings = 0
        for candidate in ranked(walk, amount)[:CANDIDATES_MOST]:
            if len(order) >= FEW and brings >= ENOUGH * short:
                break
            order.append(candidate.seq)
            brings += _units(open_postings[candidate.seq])
        for seq in order:
            self.slice_of(open_postings[seq])
        self._find_sources(order)
        swallowed = _swallowed_after(walk) if yes else {}
        if sum(max(0, _units(open_postings[seq]) - swallowed.get(seq, 0)) for seq in order) < short:
            short, swallowed = short + max(swallowed.values(), default=0), {}
        likelihoods = self._likelihoods(walk, order)
        known = self._known({seq for income in order for seq in self._of[income]})
        place: dict[Seq, int] = {}
        ancestry: list[Ancestor] = []
        seqs, candidates = [], []
        for income, arrives in zip(order, likelihoods, strict=True):
            high = max(0, _units(open_postings[income]) - swallowed.get(income, 0))
            if not high:
                continue
            needed = []
            for seq, gas in self._of[income].items():
                if seq in known:
                    continue
                if seq not in place:
                    place[seq] = len(ancestry)
                    ancestry.append(Ancestor(min(gas, VALUE_MAX)))
                needed.append(place[seq])
            likely = arrives if yes else 1000 - arrives
            likely = 1000 if likely >= _LIKELY else likely
            candidates.append(Candidate(0, min(high, VALUE_MAX), 0, tuple(needed), likelihood=likely))
            seqs.append(income)
        return Problem(tuple(seqs), tuple(candidates), ancestry, short, yes)

    def slice_of(self, posting: Posting) -> dict[Seq, Gas]:
        """What executing an income probably executes, itself included, and the gas of each."""
        found = self._of.get(posting.seq)
        if found is not None:
            return found
        self._beat()
        walk = _NearWalk(self._facts, self._session)
        self._facts.left = allowed = min(self.left, LOOK_UPS_EACH)
        walk.run([OutcomeOf(posting.seq)])
        self.left -= allowed - max(0, self._facts.left)
        if walk.cut_off:
            self.cut_off += 1
            seen = sum(walk.gas.values())
            unseen = UNSEEN_TIMES * max(seen, posting.gas, 1) - seen
            walk.gas[posting.seq] = Gas(walk.gas.get(posting.seq, 0) + unseen)
        self._of[posting.seq] = walk.gas
        return walk.gas

    def _known(self, seqs: set[Seq]) -> set[Seq]:
        """Observed ancestors cost nothing."""
        return set(self._store.get_many(sorted(seqs)))

    def _source(self, seq: Seq) -> bytes:
        """Whose word an income is: the contract that was called, or the sender of a transfer; empty if not known."""
        return self._sources.get(seq, b"")

    def _likelihoods(self, walk: Walk, incomes: list[Seq]) -> list[int]:
        """Per mille, by what the same source's other incomes of this walk brought, where their outcomes are known."""
        known = [step for step in walk.steps if not step.open and step.posting.credit_most and not step.posting.own]
        self._find_sources([step.posting.seq for step in known])
        hits, count = Counter[bytes](), Counter[bytes]()
        for step in known:
            source = self._source(step.posting.seq)
            count[source] += 1
            hits[source] += step.net >= step.posting.settled + step.posting.credit_most
        few, many = _ARRIVED
        sources = map(self._source, incomes)
        return [1000 * (few + hits[source]) // (many + count[source]) for source in sources]

    def _find_sources(self, seqs: list[Seq]) -> None:
        missing = [seq for seq in seqs if seq not in self._sources]
        if missing:
            for located in self._index.transactions(missing):
                called = located.transaction.kind is TransactionKind.CALL
                self._sources[located.seq] = located.transaction.to if called else located.sender


def _units(posting: Posting) -> int:
    return posting.credit_most + posting.debit_most


def _swallowed_after(walk: Walk) -> dict[Seq, int]:
    """By open income: what restarts at zero after it swallow of what it brings."""
    swallowed, lower = 0, walk.start[0]
    before = {}
    for step in walk.steps:
        if step.open and not step.posting.own:
            before[step.posting.seq] = swallowed
        swallowed += step.lower - lower - step.net
        lower = step.lower
    return {seq: swallowed - earlier for seq, earlier in before.items()}


def static_gas(walk: Walk, amount: int) -> int:
    """What the postings alone say that the cheapest incomes cost until they could decide."""
    postings = {posting.seq: posting for posting in walk.unknown}
    short = min(amount - walk.lower, walk.upper - amount + 1)
    gas = 0
    for candidate in ranked(walk, amount):
        if short <= 0:
            break
        gas += candidate.gas
        short -= _units(postings[candidate.seq])
    return gas
