"""Withdrawing: a wrong outcome goes with everything that was computed from it, in one database transaction.

Whoever keeps an outcome, a checkpoint or an answer meanwhile waits, and finds afterwards that its work began in an
earlier epoch (`OutcomesWithdrawn`). Finished jobs whose answers rest on what went are marked and asked again.
"""

import uuid
from collections.abc import Iterator
from typing import NamedTuple, assert_never

import sqlalchemy as sa

from accountant.accounting.certificate import Certificate, QueryCertificate, ViewCertificate, decode_certificate
from accountant.accounting.observe import decode_observation
from accountant.accounting.outcome import decode_outcome_certificate
from accountant.accounting.proof.export import decode_exported
from accountant.accounting.proof.file import decode_certificate_file
from accountant.accounting.query import AnyQuery, ExactBalance, LowerBound, decode_any_query
from accountant.accounting.questions import ViewQuestion
from accountant.accounting.withdrawal import Dependents
from accountant.chain.block import Position
from accountant.chain.query import BalanceAtLeast, Every, Income, Storage, TransactionSucceeded, View
from accountant.index.port import ChainIndex
from accountant.index.position import resolve
from accountant.oath.audit_report import Audit, decode_audit
from accountant.primitives.addresses import account_of
from accountant.primitives.errors import AccountantError
from accountant.primitives.types import Hash, Height, Seq
from accountant.services.ask import JOB_ID_PREFIX
from accountant.services.questions import QuestionKind, decode_question
from accountant.storage.blob_rows import BlobRows
from accountant.storage.jobs import JobRow, Jobs, NewJob
from accountant.storage.verdicts import Verdicts
from accountant.storage.withdrawals import Withdrawals

JOBS_PAGE = 100
"""Finished jobs read at once."""


class NothingToWithdraw(AccountantError):
    """No outcome of this transaction is stored."""

    code = "nothing_to_withdraw"


class MarkedJob(NamedTuple):
    """A job whose answer was withdrawn, and the one that asks again. `sworn`: its answer stands on the chain."""

    job_id: str
    again: str
    sworn: bool


class Withdrawn(NamedTuple):
    """What a withdrawal took away. `seqs`: the transaction itself first."""

    epoch: int
    seqs: list[Seq]
    checkpoints: int
    jobs: list[MarkedJob]


def withdraw(engine: sa.Engine, index: ChainIndex, transaction: Hash, dry_run: bool = False) -> Withdrawn:
    """Takes a transaction's outcome away with everything computed from it; `dry_run` finds out what that is.

    Raises `NothingToWithdraw`.
    """
    seq = index.seq_of(transaction)
    if seq is None:
        raise NothingToWithdraw("no such transaction is on the chain")
    with engine.connect() as connection:
        withdrawn = _withdraw(connection, index, seq)
        if dry_run:
            connection.rollback()
        else:
            connection.commit()
    return withdrawn


def _withdraw(connection: sa.Connection, index: ChainIndex, seq: Seq) -> Withdrawn:
    store = Withdrawals(connection)
    number = store.begin()
    digest = store.digest(seq)
    if digest is None:
        raise NothingToWithdraw(
            f"no outcome of transaction {seq} is stored: nobody observed it, or it needs no execution"
        )
    dependents = Dependents(index.genesis.gas)
    dependents.withdraw(index.transaction(seq))
    for later, observed in store.stored_after(seq):
        if dependents.rests(observed):
            dependents.withdraw(index.transaction(later))
    seqs = list(dependents.withdrawn)
    store.delete(seqs)
    Verdicts(connection).forget(seqs)
    BlobRows(connection).forget_saved(seqs)
    checkpoints = store.delete_checkpoints(dependents.since)
    store.forget_from(Height(index.transaction(seq).height))
    marked = list(_mark(Jobs(connection), index, dependents, checkpoints > 0))
    store.record(number, seq, digest, len(seqs), checkpoints, len(marked))
    return Withdrawn(number, seqs, checkpoints, marked)


def _mark(jobs: Jobs, index: ChainIndex, dependents: Dependents, checkpoints: bool) -> Iterator[MarkedJob]:
    """Marks the finished jobs whose answers rest on what went, and asks each again as it was asked."""
    rests = _Answers(index, dependents, checkpoints).rests
    after = 0
    while page := jobs.standing(after, JOBS_PAGE):
        after = page[-1].number
        for row in filter(rests, page):
            again = _again(jobs, row).id
            jobs.withdraw(row.number, again)
            yield MarkedJob(row.id, again, row.oath is not None)
        if len(page) < JOBS_PAGE:
            return


def _again(jobs: Jobs, row: JobRow) -> JobRow:
    return jobs.add(
        NewJob(
            id=JOB_ID_PREFIX + uuid.uuid4().hex,
            key_prefix=jobs.key_prefix(row.number),
            kind=row.kind,
            request=row.request,
            swear=row.swear,
            attempts_most=row.attempts_most,
            queue=row.queue,
            repeats=row.id,
            oath_batch=row.oath_batch,
            oath_beneficiary=row.oath_beneficiary,
            traceparent=row.traceparent,
        )
    )


class _Answers:
    """Tells which answers rest on what goes.

    A certificate lists the outcomes that were consulted; those that a stored checkpoint of a balance was computed
    from it does not list. For the account that it speaks of the chain tells; a view may have met any account's, so
    where checkpoints go, every later view goes too.
    """

    def __init__(self, index: ChainIndex, dependents: Dependents, checkpoints: bool) -> None:
        self._index = index
        self._dependents = dependents
        self._checkpoints = checkpoints
        self._hashes = frozenset(dependents.withdrawn.values())
        self._first = next(iter(dependents.withdrawn))

    def rests(self, row: JobRow) -> bool:
        """Whether a finished job's answer rests on what goes."""
        assert row.certificate is not None
        kind = QuestionKind(row.kind)
        match kind:
            case (
                QuestionKind.PAYMENT_VERIFICATION
                | QuestionKind.BALANCE_LOWER_BOUND
                | QuestionKind.VIEW
                | QuestionKind.QUERY
            ):
                return self._certified(row, row.certificate)
            case QuestionKind.AUDIT:
                return self._audited(decode_audit(row.certificate))
            case QuestionKind.OUTCOME:
                return not self._hashes.isdisjoint(decode_outcome_certificate(row.certificate).slice)
            case QuestionKind.OUTCOME_RECHECK:
                return False  # it rests on no stored outcome
            case QuestionKind.CERTIFICATE_EXPORT:
                outcomes = decode_certificate_file(decode_exported(row.certificate).file).statement.outcomes
                return not self._hashes.isdisjoint(outcome.transaction for outcome in outcomes)
            case QuestionKind.OATH_PROOF:
                return False  # nothing is executed for it
            case QuestionKind.OBSERVATION:
                return self._first < decode_observation(row.certificate).transactions
            case QuestionKind.TRANSACTION_PREPARATION:
                return False  # a guess about a head that is past; its transaction says for itself what it did
        assert_never(kind)

    def _audited(self, audit: Audit) -> bool:
        """What an oath is about may have met any account's checkpoint."""
        position = Position(audit.previous_hash, audit.index)
        return not self._hashes.isdisjoint(audit.slice) or (self._checkpoints and self._first < self._seq(position))

    def _certified(self, row: JobRow, raw: bytes) -> bool:
        certificate = decode_certificate(raw)
        if not self._hashes.isdisjoint(certificate.slice):
            return True
        match certificate:
            case Certificate():
                position = Position(certificate.previous_hash, certificate.index)
                return self._dependents.moves(account_of(certificate.account), self._seq(position))
            case ViewCertificate():
                question = decode_question(QuestionKind.VIEW, row.request)
                assert isinstance(question, ViewQuestion)
                return self._checkpoints and self._first < self._seq(question.position)
            case QueryCertificate():
                return self._queried(decode_any_query(certificate.query))

    def _queried(self, query: AnyQuery) -> bool:
        match query:
            case BalanceAtLeast() | LowerBound() | ExactBalance():
                return self._dependents.moves(account_of(query.account), self._seq(query.position))
            case Storage() | View():
                return self._checkpoints and self._first < self._seq(query.position)
            case TransactionSucceeded() | Income():
                seq = self._index.seq_of(Hash(query.transaction))
                assert seq is not None
                return self._checkpoints and self._first < seq
            case Every(queries=queries):
                return any(self._queried(part) for part in queries)

    def _seq(self, position: Position) -> Seq:
        place = resolve(self._index, position)
        assert place is not None
        return place.seq
