"""What a transaction did: its outcome, found selectively, with the place of a failure and all that it rests on.

Whether it settled can be sworn: `accounting.pay` asks that. Nothing here is sworn.
"""

from accountant.accounting.certificate import MissingExecution, UndecidedReason, Verdict, missing_of, reason_of
from accountant.accounting.certify import rests_on
from accountant.accounting.preparation import TracePlace
from accountant.accounting.questions import InvalidQuestion, check_budget
from accountant.execution.memory import MemoryBlobs, MemoryOutcomes
from accountant.execution.needs import Undecidable
from accountant.execution.outcome import OUTCOME_BYTES_MAX, Outcome
from accountant.execution.port import Blobs, Heartbeat, OutcomeStore
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.execution.trace import trace_of
from accountant.index.port import ChainIndex
from accountant.primitives.encoding import Decoder, Record
from accountant.primitives.types import AMOUNT_MAX, Gas, Hash, Seq


class OutcomeQuestion(Record, frozen=True):
    """What did this transaction do?"""

    transaction: bytes
    gas_budget: int | None = None


class OutcomeRecheck(Record, frozen=True):
    """What did this transaction do, found anew: as if nobody had ever observed anything."""

    transaction: bytes
    gas_budget: int | None = None


class OutcomeCertificate(Record, frozen=True):
    """What a transaction did, and what that rests on. ACCEPTED: it succeeded. REJECTED: it failed."""

    verdict: Verdict
    reason: UndecidedReason | None
    transaction: bytes
    outcome: Outcome | None
    """None while it is undecided."""
    trace: tuple[TracePlace, ...]
    """Where it failed, innermost first; empty where the budget had too little left for running it again."""
    executed: tuple[bytes, ...]
    """Transactions executed for this answer, in order of execution."""
    gas_executed: int
    gas_everything: int
    """Gas limits of this transaction and all earlier ones together. 2^63 − 1 if it is more."""
    cache_hits: int
    slice: tuple[bytes, ...]
    """Transactions whose outcomes were consulted, in chain order: executed now or known before."""
    missing: tuple[MissingExecution, ...] = ()


_certificates = Decoder(OutcomeCertificate, 2 * OUTCOME_BYTES_MAX)


def decode_outcome_certificate(raw: bytes) -> OutcomeCertificate:
    """The certificate that `raw` encodes. Raises `InvalidEncoding`."""
    return _certificates.decode(raw)


def check_outcome(index: ChainIndex, question: OutcomeQuestion | OutcomeRecheck) -> None:
    """Refuse what the chain's bytes alone show to be wrong. Raises `InvalidQuestion`; executes nothing."""
    _checked(index, question)


def find_outcome(
    index: ChainIndex, outcomes: OutcomeStore, question: OutcomeQuestion, heartbeat: Heartbeat | None = None
) -> OutcomeCertificate:
    """The outcome, which is kept for everybody. Raises `InvalidQuestion`, and whatever the heartbeat raises."""
    seq = _checked(index, question)
    budget = None if question.gas_budget is None else Gas(question.gas_budget)
    selective = Selective(Session(index, outcomes, heartbeat, budget))
    outcome: Outcome | None = None
    missing: tuple[MissingExecution, ...] = ()
    try:
        outcome = selective.outcome(seq)
    except Undecidable as stopped:
        missing = (missing_of(stopped),)
    trace = () if outcome is None else _trace(selective, seq, outcome)
    session, hashes = selective.session, rests_on(selective)
    return OutcomeCertificate(
        verdict=_verdict(outcome),
        reason=reason_of(missing[0]) if missing else None,
        transaction=question.transaction,
        outcome=outcome,
        trace=trace,
        executed=tuple(hashes[executed] for executed in session.executed),
        gas_executed=session.gas_executed,
        gas_everything=min(index.gas_limits(Seq(seq + 1)), AMOUNT_MAX),
        cache_hits=len(session.cached),
        slice=tuple(hashes.values()),
        missing=missing,
    )


def recheck_outcome(
    index: ChainIndex, question: OutcomeRecheck, heartbeat: Heartbeat | None = None, blobs: Blobs | None = None
) -> OutcomeCertificate:
    """The outcome, from no stored outcome, and kept nowhere: it costs its whole slice. `blobs`: published files.

    So it tells who is right where two accountants differ. Raises `InvalidQuestion`, and whatever the heartbeat raises.
    """
    cold = OutcomeQuestion(question.transaction, question.gas_budget)
    return find_outcome(index, MemoryOutcomes(MemoryBlobs(beneath=blobs)), cold, heartbeat)


def _checked(index: ChainIndex, question: OutcomeQuestion | OutcomeRecheck) -> Seq:
    seq = index.seq_of(Hash(question.transaction))
    if seq is None:
        raise InvalidQuestion("unknown_transaction", "no such transaction on the chain")
    check_budget(question.gas_budget)
    return seq


def _verdict(outcome: Outcome | None) -> Verdict:
    if outcome is None:
        return Verdict.UNDECIDED
    return Verdict.ACCEPTED if outcome.succeeded else Verdict.REJECTED


def _trace(selective: Selective, seq: Seq, outcome: Outcome) -> tuple[TracePlace, ...]:
    """The place of a failure. A budget that the outcome alone leaves too small for it is not exceeded."""
    left = selective.session.gas_left
    if outcome.succeeded or (left is not None and left < outcome.gas_used):
        return ()
    try:
        return tuple(TracePlace(*frame) for frame in trace_of(selective, seq))
    except Undecidable:
        return ()
