"""The selective executor: runs exactly what an answer depends on (paper, section II-B).

Every question is a generator that yields the `Need`s it meets; `execution.driver` drives them. A running contract
cannot be suspended, so it stops at the first touch of something unknown (`Unresolved`), which is resolved before it
runs again.
"""

from collections.abc import Sequence
from functools import partial
from typing import assert_never, cast

from accountant.chain.fees import insufficient_gas, intrinsic_gas
from accountant.chain.query import (
    AccountingQuery,
    Answer,
    BalanceAtLeast,
    Every,
    Income,
    Storage,
    TransactionSucceeded,
    View,
    ViewAnswer,
)
from accountant.chain.transaction import TransactionKind
from accountant.contracts.tensor_means import Means
from accountant.execution.batch import next_batch
from accountant.execution.certain import certain_reads
from accountant.execution.driver import Driver, Steps, Value, all_of
from accountant.execution.estimate import likely_reads
from accountant.execution.income import income_of
from accountant.execution.lazy_world import LazyWorld
from accountant.execution.lookups import look_up
from accountant.execution.narrowing import Narrowing
from accountant.execution.needs import (
    NO_SOURCE,
    AllOf,
    AnswerOf,
    Asked,
    BlobOf,
    BoundUnder,
    BudgetSpent,
    CodeOf,
    CoversBefore,
    MembersOf,
    Need,
    OutcomeOf,
    PublicationOf,
    SlotBefore,
    SourceOf,
    TargetOf,
    Unresolved,
)
from accountant.execution.outcome import Outcome, SlotWrite
from accountant.execution.port import ConflictingOutcome
from accountant.execution.queries import target_of
from accountant.execution.session import Inputs, Session
from accountant.execution.timeline import Walk, lower_bound_under
from accountant.execution.transition import runs_code, transition, without_funds
from accountant.execution.view import answer_of, run_view
from accountant.index.port import Located
from accountant.index.position import Place, place_of
from accountant.primitives.addresses import account_of
from accountant.primitives.types import ADDRESS_BYTES, AccountId, Address, Cid, ContractId, Gas, Seq

RUNS_MOST = 4
"""Starts of one transaction after which it waits for what it needs: who burns gas and then reads a thousand slots
that nobody looked at would otherwise be run a thousand times."""

SUSPENDED_MOST = 4
"""Contracts that may wait on the native stack at once; beyond, they stop and run again."""


class Selective:
    """Answers questions about the past by executing what they depend on, and nothing else."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.consulted = Inputs()
        self._driver = Driver(session, self._begin, self.consulted)
        self._suspended = 0

    # Questions

    def outcome(self, seq: Seq) -> Outcome:
        """What a transaction did. Raises `BudgetSpent`."""
        return cast(Outcome, self._driver.resolve(OutcomeOf(seq)))

    def outcomes(self, seqs: Sequence[Seq]) -> None:
        """Find several outcomes, none of which waits for another. Raises `BudgetSpent`, `Parked`."""
        for seq in seqs:
            self.session.spend(seq, Gas(0))
        self._driver.resolve(AllOf(tuple(OutcomeOf(seq) for seq in seqs)))

    def slot(self, contract: ContractId, slot: bytes, before: Seq) -> bytes:
        """A slot's value right before a transaction. Raises `BudgetSpent`."""
        return cast(bytes, self._driver.resolve(SlotBefore(contract, slot, before)))

    def covers(self, account: AccountId, amount: int, before: Seq) -> bool:
        """Whether G of the account is at least `amount` right before a transaction. Raises `BudgetSpent`."""
        return cast(bool, self._driver.resolve(CoversBefore(account, amount, before)))

    def bound(self, account: AccountId, theta: tuple[Seq, ...], before: Seq) -> int:
        """G's lower bound under exactly the incomes Θ (Lemma 1, restarted). Raises `BudgetSpent`."""
        return cast(int, self._driver.resolve(BoundUnder(account, theta, before)))

    def answer(self, query: AccountingQuery) -> Answer | None:
        """The answer of a query; None if it names nothing on the chain. Raises `BudgetSpent`."""
        if target_of(self.session.index, query) is None:
            return None
        return cast(Answer, self._driver.resolve(AnswerOf(query, paid=False)))

    def find(self, need: Need) -> Value:
        """What any need asks for: as a run's `LazyWorld` has it. Raises `BudgetSpent`."""
        return self._driver.resolve(need)

    def interval(self, account: AccountId, before: Seq) -> Walk:
        """[L, U] of G right before a transaction, from what is known, executing nothing."""
        self.consulted.add_balance(account, before)
        return self.session.walk(account, before)

    def glance(self, account: AccountId, before: Seq) -> Walk:
        """Like `interval`, but without a walk: one look-up, and perhaps wider."""
        self.consulted.add_balance(account, before)
        return self.session.glance(account, before)

    # Needs

    def _begin(self, need: Need | AllOf, inputs: Inputs) -> Steps[Value]:
        match need:
            case OutcomeOf(seq):
                return self._outcome(seq, inputs)
            case SlotBefore(contract, slot, before):
                return self._slot(contract, slot, before)
            case CoversBefore(account, amount, before):
                return self._covers(account, amount, before, inputs)
            case BoundUnder(account, theta, before):
                return self._bound(account, theta, before)
            case AnswerOf(query, paid):
                return self._answer(query, paid, inputs)
            case SourceOf(contract, slot, before):
                return self._source(contract, slot, before)
            case BlobOf(cid, source):
                return self._blob(cid, source, inputs)
            case AllOf(needs):
                return all_of(needs)
        assert_never(need)

    # Outcomes

    def _outcome(self, seq: Seq, inputs: Inputs) -> Steps[Value]:
        located = self.session.index.transaction(seq)
        if self.session.leaves(located):
            self._driver.wait_for(seq)
        transaction, genesis = located.transaction, self.session.index.genesis
        if transaction.general_value:
            funded = yield CoversBefore(located.sender, transaction.general_value, seq)
            if not funded:
                self._afford(located, insufficient_gas(transaction, genesis.gas))
                return self._keep(seq, inputs, without_funds(located, genesis), ran_code=False)
        if not runs_code(located):
            self._afford(located, intrinsic_gas(transaction, genesis.gas))
            return self._keep(
                seq, inputs, self._run(located, LazyWorld(self.session, place_of(located), {}, inputs)), False
            )
        record = self.session.records(seq)
        if record is not None and record.needs is not None:
            yield from self._ask_again(record.needs, inputs)
            self._afford(located, record.outcome.gas_used)
            return self._keep(seq, inputs, record.outcome, ran_code=True)
        answers = yield from self._certain(located, inputs)
        reads = likely_reads(located)
        means, saved = self.session.means(seq), dict[Cid, bytes]()
        runs = 0
        while True:
            try:
                with self.session.store.single_flight(seq):
                    known = self.session.known(seq)
                    if known is not None:
                        return known
                    inside = partial(self._resolve_inside, inputs) if self._may_suspend(runs) else None
                    world = LazyWorld(
                        self.session, place_of(located), answers, inputs, inside, reads if not runs else ()
                    )
                    runs += 1
                    outcome = self._run(located, world, means, saved)
                    self._keep_files(saved)
                    return self._keep(seq, inputs, outcome, ran_code=True)
            except Unresolved as unresolved:
                need = unresolved.need
            answers[need] = yield need

    def _ask_again(self, needs: tuple[Asked, ...], inputs: Inputs) -> Steps[None]:
        """What a run asked for, in its order. What a view asked for stands beside it, so it need not run.

        A contract's balance is looked at before it is asked for, as a run does: a look narrows later ones.
        """
        for asked in needs:
            inputs.asked(asked)
            match asked:
                case CodeOf() | MembersOf() | TargetOf() | PublicationOf():
                    look_up(self.session.index, asked)
                case BlobOf(source=source):
                    if source is not None:
                        yield OutcomeOf(source)
                case AnswerOf(View()):
                    pass
                case CoversBefore(account, amount, before):
                    if len(account) == ADDRESS_BYTES:
                        continue  # the sender's, which is known already
                    if self.session.covers(account, amount, before) is None:
                        yield asked
                    else:
                        inputs.add_balance(account, before)
                case _:
                    yield asked

    def _may_suspend(self, runs: int) -> bool:
        """Whether a run that was started `runs` times before may wait, rather than stop, for what it needs."""
        return runs >= RUNS_MOST and self._suspended < SUSPENDED_MOST

    def _resolve_inside(self, inputs: Inputs, need: Need) -> Value:
        """Resolve while a contract waits on the native stack: a few deep, so that the stack is bounded."""
        self._suspended += 1
        try:
            return self._driver.resolve(need, inputs)
        finally:
            self._suspended -= 1

    def _certain(self, located: Located, inputs: Inputs) -> Steps[dict[Need, Value]]:
        """What the run surely needs: its code, and the reads that its template marks as certain."""
        answers: dict[Need, Value] = {}
        if located.transaction.kind != TransactionKind.CALL:
            return answers
        contract = ContractId(located.transaction.to)
        world = LazyWorld(self.session, place_of(located), {}, inputs)
        try:
            code = world.code(contract)
        except Unresolved as unresolved:
            answers[unresolved.need] = yield unresolved.need
            code = world.code(contract)
        certain = certain_reads(located, code, self.session.index.genesis.gas)
        reads = tuple(SlotBefore(ContractId(read.contract), read.slot, located.seq) for read in certain)
        if reads:
            values = cast(tuple[Value, ...], (yield AllOf(reads)))
            answers.update(zip(reads, values, strict=True))
        return answers

    def _run(
        self, located: Located, world: LazyWorld, means: Means | None = None, saved: dict[Cid, bytes] | None = None
    ) -> Outcome:
        index = self.session.index
        block = index.block(located.height)
        assert block is not None
        left = self.session.gas_left
        if left is None or not runs_code(located):
            return transition(located, block, index.genesis, world, means=means, saved=saved)
        intrinsic = intrinsic_gas(located.transaction, index.genesis.gas)
        self._afford(located, intrinsic)
        gas_most = Gas(left - intrinsic)
        outcome = transition(located, block, index.genesis, world, gas_most, means, saved)
        self._afford(located, outcome.gas_used)  # what it waited for may have spent the rest meanwhile
        # Traps and exhausted gas use up all there is, so a run that failed so on less than its own gas says nothing.
        exhausted = outcome.gas_used - intrinsic >= gas_most and not outcome.succeeded
        if exhausted and located.transaction.gas_limit - intrinsic > gas_most:
            raise BudgetSpent(located.hash, Gas(located.transaction.gas_limit))
        return outcome

    def _afford(self, located: Located, gas: int) -> None:
        left = self.session.gas_left
        if left is not None and gas > left:
            raise BudgetSpent(located.hash, Gas(located.transaction.gas_limit))

    def _keep(self, seq: Seq, inputs: Inputs, outcome: Outcome, ran_code: bool) -> Outcome:
        self.session.found(seq, inputs, outcome, ran_code)
        return outcome

    # Files

    def _source(self, contract: ContractId, slot: bytes, before: Seq) -> Steps[Value]:
        write = yield from self._written(contract, slot, before)
        return NO_SOURCE if write is None or write.source is None else write.source

    def _blob(self, cid: Cid, source: Seq | None, inputs: Inputs) -> Steps[Value]:
        """A file that is held here; of one that a contract saved, executing that again gives the bytes again."""
        files = self.session.store.blobs
        data = files.get(cid)
        if data is not None:
            return data
        if source is None:
            raise self.session.lacking(cid)
        outcome = yield from self._observe(source)
        data = files.get(cid)
        if data is None:
            saved = yield from self._saved_again(source, outcome, inputs)
            data = saved[cid]
        return data

    def _saved_again(self, seq: Seq, known: Outcome, inputs: Inputs) -> Steps[dict[Cid, bytes]]:
        """The files that a transaction saved, whose outcome is known. Its gas counts as executed once more."""
        located = self.session.index.transaction(seq)
        self._afford(located, known.gas_used)
        answers = yield from self._certain(located, inputs)
        means, saved = self.session.means(seq), dict[Cid, bytes]()
        while True:
            try:
                outcome = self._run(located, LazyWorld(self.session, place_of(located), answers, inputs), means, saved)
            except Unresolved as unresolved:
                answers[unresolved.need] = yield unresolved.need
                continue
            if outcome != known:
                raise ConflictingOutcome(seq)
            self.session.looked(Gas(outcome.gas_used))
            self._keep_files(saved)
            return saved

    def _keep_files(self, saved: dict[Cid, bytes]) -> None:
        for data in saved.values():
            self.session.store.blobs.put(data)

    # Views

    def _view(self, view: View, place: Place, paid: bool, inputs: Inputs) -> Steps[ViewAnswer]:
        answers: dict[Need, Value] = {}
        means = self.session.means()
        runs = 0
        while True:
            try:
                inside = partial(self._resolve_inside, inputs) if self._may_suspend(runs) else None
                runs += 1
                world = LazyWorld(self.session, place, answers, inputs, inside)
                return self._look(view, place, world, paid, means)
            except Unresolved as unresolved:
                need = unresolved.need
            answers[need] = yield need

    def _look(self, view: View, place: Place, world: LazyWorld, paid: bool, means: Means) -> ViewAnswer:
        """One run of a view. What uses up less than the view's own gas, for want of budget, says nothing."""
        index, limit = self.session.index, Gas(view.gas_limit)
        left = None if paid else self.session.gas_left
        gas = limit if left is None else min(limit, left)
        result = run_view(view, place, index, world, gas, means)
        if paid:
            return answer_of(result)
        left = self.session.gas_left  # what it waited for may have spent some meanwhile
        exhausted = result.failure is not None and result.gas_used >= gas < limit
        if exhausted or (left is not None and result.gas_used > left):
            raise BudgetSpent(None, limit)
        self.session.looked(result.gas_used)
        return answer_of(result)

    # Slots

    def _slot(self, contract: ContractId, slot: bytes, before: Seq) -> Steps[Value]:
        write = yield from self._written(contract, slot, before)
        return self.session.genesis.slot(contract, slot) if write is None else write.value

    def _written(self, contract: ContractId, slot: bytes, before: Seq) -> Steps[SlotWrite | None]:
        """Walk the declared writers from the latest backwards until one really wrote; None if none did."""
        while True:
            writers = self.session.index.writers(contract, slot, before, self.session.writers_page)
            for writer in writers:
                outcome = cast(Outcome, (yield OutcomeOf(writer)))
                write = outcome.write_of(contract, slot)
                if write is not None:
                    return write
            if len(writers) < self.session.writers_page:
                return None
            before = writers[-1]

    # Balances

    def _covers(self, account: AccountId, amount: int, before: Seq, inputs: Inputs) -> Steps[Value]:
        """Narrow [L, U] until it says yes or no, executing the most promising income first."""
        if amount <= 0:
            return True
        inputs.add_balance(account, before)
        narrowing = Narrowing(self.session, account, amount, before)
        while chosen := narrowing.next():
            batch = next_batch(self.session, narrowing.walk, amount, chosen)
            yield AllOf(tuple(OutcomeOf(seq) for seq in batch))
        assert narrowing.covered is not None
        return narrowing.covered

    def _bound(self, account: AccountId, theta: tuple[Seq, ...], before: Seq) -> Steps[Value]:
        members = cast(tuple[Outcome, ...], (yield AllOf(tuple(OutcomeOf(seq) for seq in theta))))
        outcomes = dict(zip(theta, members, strict=True))
        events = self.session.index.events(account, Seq(-1), before)
        return lower_bound_under(account, self.session.genesis.general(account), events, outcomes.get)

    # Queries

    def _answer(self, query: AccountingQuery, paid: bool, inputs: Inputs) -> Steps[Value]:
        target = target_of(self.session.index, query)
        assert target is not None
        match query:
            case BalanceAtLeast(account=raw, amount=amount):
                assert target.place
                account = account_of(raw)
                zero = 0
                if len(account) == ADDRESS_BYTES:
                    zero = self.session.index.zero_balance(Address(account), target.place.moment)
                return (yield CoversBefore(account, amount - zero, target.place.seq))
            case Storage(contract=contract, slot=slot):
                assert target.place
                return (yield SlotBefore(ContractId(contract), slot, target.place.seq))
            case TransactionSucceeded():
                assert target.seq is not None
                return (yield from self._observe(target.seq)).succeeded
            case Income(account=raw):
                assert target.seq is not None
                outcome = yield from self._observe(target.seq)
                return income_of(self.session.index.transaction(target.seq), outcome, account_of(raw))
            case View():
                assert target.place
                return (yield from self._view(query, target.place, paid, inputs))
            case Every(queries=queries):
                return (yield AllOf(tuple(AnswerOf(part, paid) for part in queries)))
        assert_never(query)

    def _observe(self, seq: Seq) -> Steps[Outcome]:
        return cast(Outcome, (yield OutcomeOf(seq)))
