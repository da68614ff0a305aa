"""Walks over the static slice of a question: what its answer may execute at most, must at least, and probably will.

A transaction that somebody observed asks for what it asked for then. One that nobody executed may touch whatever it
declares: the most is everything declared, back to a writer that is known to have written; the least is what no
execution can avoid, the latest writer above all; what is likely has the latest writer write, and the cheapest income
fund what must be funded.
"""

from collections.abc import Iterator
from typing import NamedTuple

from accountant.accounting.quote_facts import CutOff, Facts, need_of
from accountant.chain.footprint import Bound, Call, Debit, Query, Read
from accountant.chain.query import View, decode_query
from accountant.chain.transaction import TransactionKind
from accountant.execution.certain import certain_reads
from accountant.execution.genesis_state import genesis_state
from accountant.execution.needs import (
    AnswerOf,
    Asked,
    BlobOf,
    BoundUnder,
    CoversBefore,
    LookUp,
    Need,
    OutcomeOf,
    SlotBefore,
    SourceOf,
)
from accountant.execution.queries import target_of
from accountant.execution.timeline import Walk
from accountant.execution.transition import code_deployed_by, runs_code
from accountant.index.port import Located, Posting
from accountant.primitives.errors import InvalidEncoding
from accountant.primitives.types import AccountId, ContractId, Gas, Seq


class Exactly(NamedTuple):
    """The general balance of an account itself, right before a transaction."""

    account: AccountId
    before: Seq


Wanted = Need | Exactly


class _SliceWalk:
    """Reaches transactions from needs; its own stack, so that long chains of dependencies overflow nothing."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.gas: dict[Seq, Gas] = {}
        """Transactions that would be executed, each once, and the gas of it."""
        self.cut_off = False
        self._stack: list[Wanted] = []
        self._seen: set[Wanted] = set()

    def run(self, roots: list[Wanted]) -> None:
        """Walk from the roots until nothing is left, or until the look-ups are used up."""
        self._stack = roots[::-1]
        try:
            while self._stack:
                need = self._stack.pop()
                if need not in self._seen:
                    self._seen.add(need)
                    self._visit(need)
        except CutOff:
            self.cut_off = True

    def ask(self, need: Wanted) -> None:
        """Walk on from this need as well."""
        self._stack.append(need)

    def _visit(self, need: Wanted) -> None:
        match need:
            case OutcomeOf(seq):
                if self.facts.free(seq) is None:
                    self._execute(*self.facts.located([seq]))
            case SlotBefore(contract, slot, before):
                self._slot(contract, slot, before)
            case SourceOf(contract, slot, before):
                self._slot(contract, slot, before)
            case BlobOf(source=source):
                if source is not None:
                    self.ask(OutcomeOf(source))
            case CoversBefore(account, amount, before):
                if amount > 0:
                    self._covers(account, amount, before)
            case Exactly(account, before):
                _, walk = self.facts.walk(account, before)
                if walk.lower < walk.upper:
                    self._covers(account, walk.upper, before)
            case BoundUnder(_, theta, _):
                for seq in theta:
                    self.ask(OutcomeOf(seq))
            case AnswerOf(query):
                inner, place = need_of(self.facts.index, query)
                if inner is not None:
                    self.ask(inner)
                elif place is not None:
                    self._anything(place.seq)

    def _execute(self, located: Located) -> None:
        raise NotImplementedError

    def _covers(self, account: AccountId, amount: int, before: Seq) -> None:
        _, walk = self.facts.walk(account, before)
        if walk.covers(amount) is None:
            self._narrow(walk, amount)

    def _narrow(self, walk: Walk, amount: int) -> None:
        raise NotImplementedError

    def _anything(self, before: Seq) -> None:
        """A view may ask for anything before its place."""

    def _slot(self, contract: ContractId, slot: bytes, before: Seq) -> None:
        """The declared writers, latest first, until one wrote."""
        for writer in self.facts.writers(contract, slot, before):
            observed = self.facts.observed(writer)
            self.ask(OutcomeOf(writer))
            if observed is None:
                if self._latest_unknown_wrote():
                    return
            elif observed.outcome.written(contract, slot) is not None:
                return

    def _latest_unknown_wrote(self) -> bool:
        """Whether a writer that nobody observed is taken for one that wrote."""
        return True

    def _asked(self, located: Located) -> bool:
        """Walk on from what a transaction is known to have asked for; False where nobody recorded that."""
        observed = self.facts.observed(located.seq)
        if observed is None:
            return False
        if observed.needs is None and runs_code(located):
            return False
        if located.transaction.general_value:
            self.ask(CoversBefore(located.sender, located.transaction.general_value, located.seq))
        for asked in observed.needs or ():
            if _waits(asked):
                self.ask(asked)  # type: ignore[arg-type]
        return True

    def _declared(self, located: Located) -> Iterator[Need]:
        """What executing a transaction may ask for by its footprint alone, with the most that each debit can ask."""
        contracts = [ContractId(located.transaction.to)] if located.transaction.kind == TransactionKind.CALL else []
        for entry in located.transaction.footprint:
            match entry:
                case Read(contract=contract, slot=slot):
                    yield SlotBefore(ContractId(contract), slot, located.seq)
                case Debit(contract=contract, cap=cap):
                    yield CoversBefore(ContractId(contract), cap, located.seq)
                case Call(contract=contract):
                    contracts.append(ContractId(contract))
                case Query(query=query):
                    yield from self._asks(query, located)
        for contract in contracts:
            yield from self._deployment(contract, located.seq)

    def _asks(self, raw: bytes, located: Located) -> Iterator[Need]:
        """A query about strictly earlier blocks; any other fails at once."""
        try:
            query = decode_query(raw)
        except InvalidEncoding:
            return
        self.facts.spend()
        target = target_of(self.facts.index, query)
        if target is not None and target.height < located.height:
            yield AnswerOf(query)

    def _deployment(self, contract: ContractId, before: Seq) -> Iterator[Need]:
        if genesis_state(self.facts.index.genesis).code(contract) is None:
            self.facts.spend()
            seq = self.facts.index.deployment(contract)
            if seq is not None and seq < before:
                yield OutcomeOf(seq)


def _waits(asked: Asked) -> bool:
    """Whether somebody waits for this; what a view asked for stands beside it."""
    return not isinstance(asked, LookUp) and not (isinstance(asked, AnswerOf) and isinstance(asked.query, View))


class _Reach(NamedTuple):
    """The part of an account's history that may be executed."""

    start: Seq
    end: Seq


class MostWalk(_SliceWalk):
    """Everything that may be executed. `before`: so does everything below this number, for a view asks for it."""

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self.before = Seq(0)
        self._reached: dict[AccountId, _Reach] = {}

    def total(self) -> int:
        """The most gas; true as long as the walk was not cut off."""
        beyond = sum(gas for seq, gas in self.gas.items() if seq >= self.before)
        return self.facts.index.gas_limits(self.before) + beyond

    def _latest_unknown_wrote(self) -> bool:
        return False

    def _anything(self, before: Seq) -> None:
        self.before = max(self.before, before)

    def _covers(self, account: AccountId, amount: int, before: Seq) -> None:
        self._narrow_any(account, amount, amount, before)

    def _narrow_any(self, account: AccountId, least: int, most: int, before: Seq) -> None:
        """Some amount from `least` to `most` may be asked about: the executor's choice may end with any posting that
        keeps the interval open. It walks an account from where it first did, so from the earliest start of all walks.
        """
        start, walk = self.facts.walk(account, before)
        reach = self._reached.get(account, _Reach(start, Seq(0)))
        ends = before if walk.lower < most and least <= walk.upper and walk.lower < walk.upper else Seq(0)
        wider = self._reached[account] = _Reach(min(start, reach.start), max(ends, reach.end))
        if wider.start < wider.end and wider != reach:
            for seq in self.facts.open_postings(account, wider.start, wider.end):
                self.ask(OutcomeOf(seq))

    def _execute(self, located: Located) -> None:
        self.gas[located.seq] = self.facts.gas_most(located)
        if self._asked(located):
            return
        if located.transaction.general_value:
            self.ask(CoversBefore(located.sender, located.transaction.general_value, located.seq))
        if not runs_code(located):
            return
        for need in self._declared(located):
            if isinstance(need, CoversBefore):
                self._narrow_any(need.account, 1, need.amount, need.before)
            else:
                self.ask(need)
        for entry in located.transaction.footprint:
            if isinstance(entry, Bound):
                for seq in self.facts.moved(entry.account, located.seq):  # type: ignore[arg-type]
                    self.ask(OutcomeOf(seq))


class LeastWalk(_SliceWalk):
    """What no execution can avoid."""

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._choices: list[tuple[frozenset[Seq], Gas]] = []
        """Sets of which one member at least is executed, and the least that this takes."""

    def total(self) -> int:
        """The least gas, also where the walk was cut off. One choice is counted: several may be met by one member."""
        apart = [gas for members, gas in self._choices if members.isdisjoint(self.gas)]
        return sum(self.gas.values()) + max(apart, default=0)

    def _narrow(self, walk: Walk, amount: int) -> None:
        members = [posting.seq for posting in walk.unknown]
        if len(members) == 1:
            self.ask(OutcomeOf(members[0]))
            return
        gas = [
            self.facts.gas_least(located, funded=not located.transaction.general_value)
            for located in self.facts.located(members)
        ]
        self._choices.append((frozenset(members), min(gas)))

    def _execute(self, located: Located) -> None:
        self.gas[located.seq] = self.facts.gas_least(located, funded=False)
        if self._asked(located):
            return
        funded = self.facts.funded(located)
        self.gas[located.seq] = self.facts.gas_least(located, funded=funded is True)
        if funded is None:
            self.ask(CoversBefore(located.sender, located.transaction.general_value, located.seq))
        if funded and located.transaction.kind == TransactionKind.CALL:
            self._certain(located)

    def _certain(self, located: Located) -> None:
        """The code comes first, then the reads that its template marks as certain."""
        contract = ContractId(located.transaction.to)
        code = genesis_state(self.facts.index.genesis).code(contract)
        for need in self._deployment(contract, located.seq):
            self.ask(need)
            assert isinstance(need, OutcomeOf)
            observed = self.facts.observed(need.seq)
            if observed is not None and observed.outcome.succeeded:
                code = code_deployed_by(*self.facts.located([need.seq]))
        for read in certain_reads(located, code, self.facts.index.genesis.gas):
            self.ask(SlotBefore(ContractId(read.contract), read.slot, located.seq))


class LikelyWalk(_SliceWalk):
    """What is probably executed. `used`, `limits`: how much of their gas limits transactions used so far."""

    def __init__(self, facts: Facts, used: int, limits: int) -> None:
        super().__init__(facts)
        self._used, self._limits = (used, limits) if 0 < used <= limits else (1, 1)
        self.cached: dict[Seq, Gas] = {}
        """Outcomes that would be consulted and are known."""

    def scaled(self, limit: int) -> int:
        """The gas that is probably used of a limit."""
        return limit * self._used // self._limits

    def _visit(self, need: Wanted) -> None:
        if isinstance(need, OutcomeOf) and (known := self.facts.free(need.seq)) is not None:
            self.cached[need.seq] = Gas(known.gas_used)
        super()._visit(need)

    def _narrow(self, walk: Walk, amount: int) -> None:
        """The cheapest incomes that could suffice; own expenses last."""
        short = amount - walk.lower
        located = self.facts.located([posting.seq for posting in walk.unknown])
        gas = {one.seq: self.facts.gas_most(one) for one in located}
        for posting in sorted(walk.unknown, key=lambda posting: _dearness(posting, gas[posting.seq], short)):
            if short <= 0:
                break
            self.ask(OutcomeOf(posting.seq))
            short -= max(1, posting.credit_most + posting.debit_most)

    def _execute(self, located: Located) -> None:
        gas = self.facts.gas_most(located)
        if self.facts.observed(located.seq) is None and runs_code(located):
            gas = Gas(max(self.scaled(gas), 1))
        self.gas[located.seq] = gas
        if self._asked(located):
            return
        if located.transaction.general_value:
            self.ask(CoversBefore(located.sender, located.transaction.general_value, located.seq))
        if runs_code(located):
            for need in self._declared(located):
                self.ask(need)


def _dearness(posting: Posting, gas: Gas, short: int) -> tuple[bool, int, int]:
    useful = max(1, min(posting.credit_most + posting.debit_most, short))
    return posting.own, gas * 1_000_000 // useful, -posting.seq
