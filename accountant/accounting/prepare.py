"""Making a transaction that somebody means to sign: footprint, gas limit, fee, and whether a block would take it.

What the function's template leaves open is found by a simulated run on the state at the head, of which only what
somebody observed is known: nothing earlier is executed. So an entry that only the simulation found is a guess.
"""

from collections.abc import Iterable

from accountant.accounting.preparation import (
    EntrySource,
    FailedReport,
    PreparationQuestion,
    Prepared,
    PreparedEntry,
    Prospect,
    SimulationReport,
    TracePlace,
    check_preparation,
)
from accountant.chain.block import Position
from accountant.chain.draft import (
    BLANK,
    GAS_MARGIN,
    DraftEntry,
    blobs_of,
    can_be_declared,
    contracts_of,
    merged,
    refusal_of,
    renamed,
    sized,
    widened,
)
from accountant.chain.envelope import CONSTRUCTOR
from accountant.chain.fees import fee_of, intrinsic_gas
from accountant.chain.footprint import Debit, Entry, Memory, entry_order
from accountant.chain.state import Account, ChainState
from accountant.chain.transaction import (
    VERSION,
    DeployPayload,
    Transaction,
    TransactionKind,
    deployed_contract,
    signing_hash,
)
from accountant.contracts.entry_text import missing_entry
from accountant.contracts.module import check_module
from accountant.contracts.simulate import Simulation, simulate
from accountant.contracts.world import ContractCode, Run
from accountant.execution.guess import Guesses
from accountant.execution.needs import BlobUnavailable
from accountant.execution.port import Heartbeat, OutcomeStore
from accountant.execution.session import Session
from accountant.index.directory import account_at, partial_state
from accountant.index.port import ChainIndex, Located
from accountant.index.position import resolve
from accountant.primitives.encoding import encode
from accountant.primitives.errors import AccountantError
from accountant.primitives.types import Address, Amount, Cid, ContractId, Gas, Hash, Height

SIMULATION_GAS_MOST = Gas(100_000_000)
"""The most gas of one simulated run, whatever the call may use: nobody pays for it."""

GAS_UNKNOWN = 1_000_000
"""Gas for code where no simulation says how much is used, and nobody asked for more or less."""

_ORDER = tuple(EntrySource)
_TEMPLATE, _FAILED, _SIMULATION = range(3)


def prepare(
    index: ChainIndex,
    outcomes: OutcomeStore,
    question: PreparationQuestion,
    now: int,
    heartbeat: Heartbeat | None = None,
) -> Prepared:
    """The transaction, as of the head. `now`: Unix seconds, the time that a simulated run sees at least.

    Raises `InvalidQuestion`, and whatever the heartbeat raises.
    """
    return _Making(index, outcomes, question, now, heartbeat).made()


class _Making:
    """One transaction in the making."""

    def __init__(
        self,
        index: ChainIndex,
        outcomes: OutcomeStore,
        question: PreparationQuestion,
        now: int,
        heartbeat: Heartbeat | None,
    ) -> None:
        self.index, self.question, self.now = index, question, now
        self.genesis, self.head = index.genesis, index.head()
        self.prospect: Prospect = check_preparation(index, question)
        self.session = Session(index, outcomes, heartbeat)
        self.guesses = Guesses(self.session)
        self.sender = Address(question.sender)
        self.account = account_at(index, self.sender, self.head)

    def made(self) -> Prepared:
        """All steps, each of which needs the ones before."""
        failed, lacked = self._failed()
        simulation, gas_most = self._simulated()
        known = self._sized(merged([*self._templated(), *failed, *self._touched(simulation)]), simulation)
        footprint = sorted(known, key=lambda draft: entry_order(draft.entry))
        report = None if simulation is None else self._report(simulation, gas_most)
        transaction = self._unsigned(tuple(draft.entry for draft in footprint), self._gas_limit(report), self._nonce())
        raw = encode(transaction)
        fee = fee_of(transaction, len(raw), self.genesis.fees)
        makes_sense = report is None or report.failure is None or self._complete or bool(failed)
        refusal = refusal_of(transaction, self.sender, self._state(transaction), check_module) if makes_sense else None
        return Prepared(
            height=self.head.height,
            previous_hash=self.head.hash,
            contract=self.prospect.contract,
            next_nonce=self.account.nonce,
            complete=self._complete,
            entries=tuple(PreparedEntry(entry, _ORDER[order], mark) for entry, order, mark in footprint),
            transaction=raw if makes_sense else None,
            signing_hash=signing_hash(raw) if makes_sense else None,
            fee=fee,
            zero_needed=fee + transaction.zero_value,
            zero_balance=self.account.zero,
            covered=self._covered(),
            refusal=None if refusal is None else refusal.kind.value,
            refusal_detail="" if refusal is None else refusal.detail,
            simulation=report,
            failed=lacked,
        )

    @property
    def _complete(self) -> bool:
        function = self.prospect.function
        return function is None or function.complete

    def _nonce(self) -> int:
        return self.account.nonce if self.question.nonce is None else self.question.nonce

    def _unsigned(self, footprint: tuple[Entry, ...], gas_limit: int, nonce: int) -> Transaction:
        question = self.question
        price = self.genesis.fees.gas_price_least if question.gas_price is None else question.gas_price
        return Transaction(
            version=VERSION,
            chain_id=self.genesis.chain_id,
            nonce=nonce,
            kind=question.kind,
            to=question.to,
            zero_value=question.zero_value,
            general_value=question.general_value,
            gas_limit=gas_limit,
            gas_price=price,
            tip=question.tip,
            payload=question.payload,
            footprint=footprint,
            signature=BLANK,
        )

    # Entries

    def _templated(self) -> list[DraftEntry]:
        return [DraftEntry(entry, _TEMPLATE, 0) for entry in self.prospect.template]

    def _touched(self, simulation: Simulation | None) -> list[DraftEntry]:
        """What the simulation found, caps with their margin. A complete template already says it all but the memory."""
        if simulation is None:
            return []
        if self._complete:
            kept = [touch for touch in simulation.touched if isinstance(touch.entry, Memory)]
            return [DraftEntry(entry, _SIMULATION, mark) for entry, mark in kept]
        touched = [touch.entry for touch in simulation.touched]
        state = self._state_of({self.prospect.contract, *contracts_of(touched)}, self.account)
        caps = {entry.contract: entry.cap for entry in self.prospect.template if isinstance(entry, Debit)}
        return [
            DraftEntry(widened(entry, caps, state) if isinstance(entry, Debit) else entry, _SIMULATION, mark)
            for entry, mark in simulation.touched
        ]

    def _sized(self, drafts: list[DraftEntry], simulation: Simulation | None) -> list[DraftEntry]:
        """With the sizes of the blobs that are published.

        One that is not published is left out if a run succeeded, which then found it through a slot or did not load
        it; else the refusal tells.
        """
        state = self._state_of(set(), self.account, blobs_of(draft.entry for draft in drafts))
        found = [draft._replace(entry=sized(draft.entry, state)) for draft in drafts]
        if simulation is None or simulation.result.failure is not None:
            return found
        return [draft for draft in found if can_be_declared(draft.entry)]

    def _failed(self) -> tuple[list[DraftEntry], FailedReport | None]:
        """The entries of the earlier transaction, the one that it lacked among them, and what came of it."""
        if self.question.failed is None:
            return [], None
        seq = self.index.seq_of(Hash(self.question.failed))
        assert seq is not None, "checked"
        located, outcome = self.index.transaction(seq), self.session.known(seq)
        missing = None if outcome is None else missing_entry(outcome.failure, outcome.detail)
        report = FailedReport(
            transaction=located.hash,
            observed=outcome is not None,
            failure=None if outcome is None else outcome.failure,
            detail="" if outcome is None else outcome.detail,
            missing=missing,
        )
        if self._complete:
            return [], report
        entries = [*located.transaction.footprint, *([] if missing is None else [missing])]
        old = self._old_contract(located)
        return [DraftEntry(renamed(entry, old, self.prospect.contract), _FAILED, 0) for entry in entries], report

    def _old_contract(self, located: Located) -> ContractId:
        if located.transaction.kind is TransactionKind.DEPLOY:
            return deployed_contract(located.sender, located.transaction)
        return self.prospect.contract

    # Running

    def _simulated(self) -> tuple[Simulation | None, Gas]:
        """A run at the end of the head; None where no code would run or may, or a file that it loads is missing."""
        prospect, question = self.prospect, self.question
        most = self._gas_for_code()
        if prospect.function is None:
            return None, most
        deploying = None
        if isinstance(prospect.payload, DeployPayload):
            deploying = ContractCode(prospect.payload.code, prospect.payload.envelope, self.sender)
            if not _may_run(deploying, self.index):
                return None, most
        place = resolve(self.index, Position(self.head.hash, 0))
        block = self.index.block(self.head.height)
        assert place is not None and block is not None
        run = Run(
            contract=prospect.contract,
            function=CONSTRUCTOR if deploying else prospect.function.name,
            arguments=prospect.payload.arguments,
            sender=self.sender,
            value=Amount(question.zero_value + question.general_value),
            footprint=(),
            height=Height(self.head.height + 1),
            index=0,
            previous_hash=self.head.hash,
            time=max(block.time, self.now),
            schedule=self.genesis.gas,
            limits=self.genesis.limits,
            deploying=deploying,
        )
        guesses = self.guesses
        try:
            simulation = simulate(
                run, guesses.world(place), most, lambda: len(guesses.unobserved), self.session.means()
            )
        except BlobUnavailable:  # what it holds cannot be guessed, so the run says nothing
            return None, most
        self.session.looked(simulation.result.gas_used)
        return simulation, most

    def _report(self, simulation: Simulation, gas_most: Gas) -> SimulationReport:
        result = simulation.result
        return SimulationReport(
            failure=result.failure,
            detail=result.detail,
            gas_used=result.gas_used,
            gas_most=gas_most,
            return_value=result.return_value,
            touched=len(simulation.touched),
            rests_on_unobserved=len(self.guesses.unobserved),
            trace=tuple(TracePlace(*frame) for frame in simulation.trace),
        )

    # Gas and money

    def _intrinsic(self) -> int:
        return intrinsic_gas(self._unsigned((), 0, 0), self.genesis.gas)

    def _gas_limit_most(self) -> int:
        function = self.prospect.function
        most = self.genesis.limits.gas_limit_most
        return most if function is None else min(most, function.gas_most)

    def _gas_for_code(self) -> Gas:
        limit = self._gas_limit_most() if self.question.gas_limit is None else self.question.gas_limit
        return Gas(max(0, min(limit - self._intrinsic(), SIMULATION_GAS_MOST)))

    def _gas_limit(self, report: SimulationReport | None) -> int:
        """What was asked for; else what the simulation used and a margin, within what validators take."""
        if self.question.gas_limit is not None:
            return self.question.gas_limit
        intrinsic, function = self._intrinsic(), self.prospect.function
        if function is None:
            return intrinsic
        code = GAS_UNKNOWN
        if report is not None and report.failure is None:
            code = report.gas_used + report.gas_used // GAS_MARGIN
        return min(max(intrinsic + code, function.gas_least), self._gas_limit_most())

    def _covered(self) -> bool | None:
        value, before = self.question.general_value, self.head.next_seq
        if not value:
            return True
        return self.session.covers(self.sender, value, before)

    # Validators

    def _state(self, transaction: Transaction) -> ChainState:
        """The state that validators would ask; an own later nonce counts as if its predecessors were in blocks."""
        account = self.account._replace(nonce=max(self.account.nonce, transaction.nonce))
        contracts = {self.prospect.contract, *contracts_of(transaction.footprint)}
        return self._state_of(contracts, account, blobs_of(transaction.footprint))

    def _state_of(self, contracts: set[ContractId], account: Account, blobs: Iterable[Cid] = ()) -> ChainState:
        return partial_state(self.index, self.head, [(self.sender, account)], sorted(contracts), sorted(blobs))


def _may_run(deploying: ContractCode, index: ChainIndex) -> bool:
    """Whether the module keeps to the structural limits, without which no code is ever run."""
    try:
        check_module(deploying.code, deploying.envelope, index.genesis.limits)
    except AccountantError:
        return False
    return True
