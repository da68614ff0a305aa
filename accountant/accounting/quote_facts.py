"""What a quote may look at: the index and stored outcomes, so many look-ups of them, and nothing that is executed."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager

from accountant.chain.fees import insufficient_gas, intrinsic_gas
from accountant.chain.query import AccountingQuery, BalanceAtLeast, Income, Storage, TransactionSucceeded, View
from accountant.execution.lookups import zero_balance
from accountant.execution.needs import CoversBefore, Need, OutcomeOf, SlotBefore
from accountant.execution.outcome import Observed, Outcome
from accountant.execution.port import Blobs, OutcomeStore
from accountant.execution.queries import target_of
from accountant.execution.session import Session
from accountant.execution.timeline import Checkpoint, Walk
from accountant.execution.transition import runs_code
from accountant.index.blocks import EVENT_KINDS
from accountant.index.port import ChainIndex, Located, Posting
from accountant.index.position import Place
from accountant.index.unlimited import postings_of
from accountant.primitives.addresses import account_of
from accountant.primitives.types import AccountId, ContractId, Gas, Seq

POSTINGS_MOST = 2_048
"""Transactions of one account's history, from the last exact checkpoint on, that a quote walks."""

ROWS_PER_LOOK_UP = 64
"""A look-up of many rows counts as several."""

_WRITERS_PAGE = 16
_EVENTS = tuple(sorted(EVENT_KINDS))


class CutOff(Exception):
    """The walk met its limit of work: what it has not seen may cost anything."""


class ReadOnly(OutcomeStore):
    """A store that is asked and never changed; with `nothing` it knows nothing."""

    def __init__(self, store: OutcomeStore, nothing: bool) -> None:
        self._store, self._nothing = store, nothing

    @property
    def blobs(self) -> Blobs:
        return self._store.blobs

    def get(self, seq: Seq) -> Observed | None:
        return None if self._nothing else self._store.get(seq)

    def get_many(self, seqs: Iterable[Seq]) -> dict[Seq, Observed]:
        return {} if self._nothing else self._store.get_many(seqs)

    def put(self, seq: Seq, observed: Observed) -> bool:
        raise AssertionError("a quote executes nothing")

    def checkpoint(self, account: AccountId, before: Seq, exact: bool) -> Checkpoint | None:
        return None if self._nothing else self._store.checkpoint(account, before, exact)

    def keep_checkpoint(self, account: AccountId, checkpoint: Checkpoint) -> None:
        """What a quote walks, the next executor walks again, and keeps."""

    def single_flight(self, seq: Seq) -> AbstractContextManager[None]:
        raise AssertionError("a quote executes nothing")


class Facts:
    """Look-ups for one quote. Raises `CutOff` when they are used up."""

    def __init__(self, index: ChainIndex, store: OutcomeStore, look_ups: int, from_nothing: bool = False) -> None:
        """`from_nothing`: whoever executes knows nothing, though the store tells what executing would find."""
        self.index = index
        self.left = look_ups
        self._from_nothing = from_nothing
        self._store = store
        self._session = Session(index, ReadOnly(store, from_nothing))
        self._observed: dict[Seq, Observed | None] = {}
        self._walks: dict[tuple[AccountId, Seq], tuple[Seq, Walk]] = {}

    def spend(self, look_ups: int = 1) -> None:
        """Count work. Raises `CutOff`."""
        self.left -= look_ups
        if self.left < 0:
            raise CutOff

    def observed(self, seq: Seq) -> Observed | None:
        """What executing the transaction finds, where somebody observed it."""
        if seq not in self._observed:
            self.fetch([seq])
        return self._observed[seq]

    def fetch(self, seqs: Sequence[Seq]) -> None:
        """Ask for several outcomes at once."""
        missing = [seq for seq in seqs if seq not in self._observed]
        if missing:
            self.spend(1 + len(missing) // ROWS_PER_LOOK_UP)
            found = self._store.get_many(missing)
            self._observed.update((seq, found.get(seq)) for seq in missing)

    def free(self, seq: Seq) -> Outcome | None:
        """The outcome, where whoever executes knows it before."""
        observed = None if self._from_nothing else self.observed(seq)
        return None if observed is None else observed.outcome

    def located(self, seqs: Sequence[Seq]) -> list[Located]:
        """The transactions."""
        self.spend(1 + len(seqs) // ROWS_PER_LOOK_UP)
        return self.index.transactions(list(seqs))

    def walk(self, account: AccountId, before: Seq) -> tuple[Seq, Walk]:
        """Where the known part of a history ends, and the interval of G from there, for whoever executes.

        Raises `CutOff` for long histories.
        """
        found = self._walks.get((account, before))
        if found is None:
            kept = None if self._from_nothing else self._store.checkpoint(account, before, exact=True)
            start = Seq(0) if kept is None else kept.before
            seqs = [posting.seq for posting in self._postings(account, start, before) if not posting.certain]
            self.fetch(seqs)
            found = self._walks[account, before] = start, self._session.walk(account, before)
        return found

    def open_postings(self, account: AccountId, start: Seq, before: Seq) -> list[Seq]:
        """Transactions from `start` on whose outcomes whoever executes does not know, and could use."""
        seqs = [posting.seq for posting in self._postings(account, start, before) if not posting.certain]
        return [seq for seq in seqs if self.free(seq) is None]

    def moved(self, account: AccountId, before: Seq) -> list[Seq]:
        """All transactions that may have moved the account's general balance: what a Θ can name."""
        return [posting.seq for posting in self._postings(account, Seq(0), before)]

    def _postings(self, account: AccountId, start: Seq, before: Seq) -> list[Posting]:
        rows = self.index.movements(account, _EVENTS, Seq(start - 1), before, POSTINGS_MOST + 1)
        postings = postings_of(sorted(rows))
        self.spend(2 + len(postings) // ROWS_PER_LOOK_UP)
        if len(postings) > POSTINGS_MOST:
            raise CutOff
        return postings

    def writers(self, contract: ContractId, slot: bytes, before: Seq) -> Iterator[Seq]:
        """Declared writers of a slot, latest first."""
        while True:
            self.spend()
            page = self.index.writers(contract, slot, before, _WRITERS_PAGE)
            yield from page
            if len(page) < _WRITERS_PAGE:
                return
            before = page[-1]

    def gas_most(self, located: Located) -> Gas:
        """The most gas that executing one transaction takes; what it took where that is known."""
        observed = self.observed(located.seq)
        if observed is not None:
            return Gas(observed.outcome.gas_used)
        if runs_code(located):
            return Gas(located.transaction.gas_limit)
        return Gas(intrinsic_gas(located.transaction, self.index.genesis.gas))

    def gas_least(self, located: Located, funded: bool) -> Gas:
        """The least gas; `funded`: its general value is there for certain."""
        observed = self.observed(located.seq)
        if observed is not None:
            return Gas(observed.outcome.gas_used)
        schedule = self.index.genesis.gas
        if funded:
            return Gas(intrinsic_gas(located.transaction, schedule))
        return Gas(insufficient_gas(located.transaction, schedule))

    def funded(self, located: Located) -> bool | None:
        """Whether the general value is there; None while that is open."""
        value = located.transaction.general_value
        return True if not value else self.walk(located.sender, located.seq)[1].covers(value)


def need_of(index: ChainIndex, query: AccountingQuery) -> tuple[Need | None, Place | None]:
    """What a query asks for, beneath it, or the place of a view, which may ask for anything before it."""
    target = target_of(index, query)
    if target is None:
        return None, None
    match query:
        case BalanceAtLeast(account=raw, amount=amount):
            assert target.place
            account = account_of(raw)
            rest = amount - zero_balance(index, account, target.place.moment)
            return CoversBefore(account, rest, target.place.seq), None
        case Storage(contract=contract, slot=slot):
            assert target.place
            return SlotBefore(ContractId(contract), slot, target.place.seq), None
        case TransactionSucceeded() | Income():
            assert target.seq is not None
            return OutcomeOf(target.seq), None
        case View():
            return None, target.place
