"""Jobs on the wire."""

from collections.abc import Sequence
from datetime import datetime
from math import isfinite
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from accountant.accounting.observe import ObservationQuestion
from accountant.accounting.outcome import OutcomeQuestion, OutcomeRecheck
from accountant.accounting.preparation import PreparationQuestion
from accountant.accounting.proof.export import ExportQuestion
from accountant.accounting.query import QueryQuestion
from accountant.accounting.questions import LowerBoundQuestion, PaymentQuestion, ViewQuestion
from accountant.api.audit_views import AuditView
from accountant.api.certificates import ResultView, ViewResultView, result_of
from accountant.api.export_views import ExportedView
from accountant.api.fields import AccountOut, AmountOut, GasOut, HashOut, HexOut, account_of, hex_of
from accountant.api.observation_views import ObservationView
from accountant.api.outcome_views import OutcomeResultView
from accountant.api.preparation_views import PreparationView, PreparedView
from accountant.api.query_views import QueryQuestionView, QueryResultView
from accountant.chain.values import text_of
from accountant.oath.audit_report import AuditQuestion
from accountant.oath.proof import OathProofQuestion
from accountant.services.questions import Question, QuestionKind, decode_question
from accountant.storage.jobs import JobRow
from accountant.storage.trainings import TrainingRow

_EXAMPLE_JOB = "job_7f0d3c3f0f6c4b0d9a4f1b6f0c9f8e21"

Kind = Literal[
    "payment_verification",
    "balance_lower_bound",
    "view",
    "outcome",
    "outcome_recheck",
    "transaction_preparation",
    "observation",
    "query",
    "audit",
    "certificate_export",
    "oath_proof",
]
Status = Literal["queued", "running", "waiting", "done", "failed", "cancelled"]


class QuestionView(BaseModel):
    """What was asked, positions resolved."""

    transaction: HashOut | None = None
    account: AccountOut | None = None
    contract: AccountOut | None = None
    function: str | None = None
    arguments: Annotated[list[str] | None, Field(description="Decimal digits or hex.")] = None
    gas_limit: GasOut | None = None
    previous_hash: HashOut | None = None
    index: int | None = None
    height: int | None = None
    target: AmountOut | None = None
    theta: list[HashOut] | None = None
    gas_budget: GasOut | None = None
    query: Annotated[HexOut | None, Field(description="The canonical query that a certificate is to prove.")] = None

    @classmethod
    def of(
        cls,
        question: PaymentQuestion
        | LowerBoundQuestion
        | ViewQuestion
        | OutcomeQuestion
        | OutcomeRecheck
        | ObservationQuestion
        | AuditQuestion
        | ExportQuestion,
    ) -> "QuestionView":
        """The view of a question."""
        budget = None if question.gas_budget is None else str(question.gas_budget)
        match question:
            case PaymentQuestion():
                return cls(transaction=hex_of(question.transaction), theta=_hashes(question.theta), gas_budget=budget)
            case ExportQuestion():
                return cls(query=hex_of(question.query), theta=_hashes(question.theta), gas_budget=budget)
            case OutcomeQuestion() | OutcomeRecheck():
                return cls(transaction=hex_of(question.transaction), gas_budget=budget)
            case ObservationQuestion():
                return cls(height=question.height, gas_budget=budget)
            case LowerBoundQuestion():
                return cls(
                    account=account_of(question.account),
                    previous_hash=hex_of(question.position.previous_hash),
                    index=question.position.index,
                    target=None if question.target is None else str(question.target),
                    theta=_hashes(question.theta),
                    gas_budget=budget,
                )
            case AuditQuestion():
                return cls(
                    contract=account_of(question.contract),
                    previous_hash=hex_of(question.position.previous_hash),
                    index=question.position.index,
                    gas_budget=budget,
                )
            case ViewQuestion():
                return cls(
                    contract=account_of(question.contract),
                    function=question.function,
                    arguments=[text_of(None, argument) for argument in question.arguments],
                    gas_limit=str(question.gas_limit),
                    previous_hash=hex_of(question.position.previous_hash),
                    index=question.position.index,
                    gas_budget=budget,
                )


def _hashes(theta: tuple[bytes, ...] | None) -> list[str] | None:
    return None if theta is None else [hex_of(member) for member in theta]


AnyQuestionView = QuestionView | QueryQuestionView | PreparationView


def _question_of(question: Question) -> AnyQuestionView:
    if isinstance(question, QueryQuestion):
        return QueryQuestionView.of(question)
    if isinstance(question, PreparationQuestion):
        return PreparationView.of(question)
    if isinstance(question, OathProofQuestion):
        return QuestionView(transaction=hex_of(question.transaction))
    return QuestionView.of(question)


AnyResultView = (
    ResultView
    | ViewResultView
    | QueryResultView
    | OutcomeResultView
    | PreparedView
    | ObservationView
    | AuditView
    | ExportedView
)


def _result_of(kind: QuestionKind, raw: bytes) -> AnyResultView:
    if kind in (QuestionKind.OUTCOME, QuestionKind.OUTCOME_RECHECK):
        return OutcomeResultView.of(raw)
    if kind in (QuestionKind.CERTIFICATE_EXPORT, QuestionKind.OATH_PROOF):
        return ExportedView.of(raw)
    if kind is QuestionKind.OBSERVATION:
        return ObservationView.of(raw)
    if kind is QuestionKind.AUDIT:
        return AuditView.of(raw)
    return PreparedView.of(raw) if kind is QuestionKind.TRANSACTION_PREPARATION else result_of(raw)


class TrainingView(BaseModel):
    """A whole training within a transaction that is being executed."""

    transaction: HashOut
    step: Annotated[int, Field(description="The last step that was done, from 1.")]
    steps: int
    loss: Annotated[float | None, Field(description="After that step; null where it is no finite number.")]
    share_of_gas: Annotated[
        float, Field(description="Of the gas that the training costs, what is worked off, from 0 to 1.")
    ]
    resumed: Annotated[bool, Field(description="Whether this attempt went on from a state that an earlier one kept.")]
    started_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: TrainingRow) -> "TrainingView":
        """The view of a stored training. Each of its steps costs the same gas but for the last of an epoch."""
        return cls(
            transaction="0x" + row.transaction.hex(),
            step=row.step,
            steps=row.steps,
            loss=row.loss if isfinite(row.loss) else None,
            share_of_gas=round(row.step / row.steps, 4),
            resumed=row.first_step > 1,
            started_at=row.started_at,
            updated_at=row.updated_at,
        )


class ProgressView(BaseModel):
    """How far the work has come."""

    gas_executed: GasOut
    executions: Annotated[int, Field(description="Executions that the job has waited for, or does.")]
    executions_done: Annotated[int, Field(description="Those of them that have ended.")]
    trainings: Annotated[
        list[TrainingView], Field(description="Networks that are being trained for it, the one told of last first.")
    ]


class JobErrorView(BaseModel):
    """Why a job failed. `code` is stable."""

    code: str = Field(examples=["attempts_exhausted"])
    detail: str


class SwearOptionsView(BaseModel):
    """How the answer is sworn."""

    together: bool
    beneficiary: Annotated[AccountOut | None, Field(description="Null: all of the penalty is burnt.")]


class JobView(BaseModel):
    """A question and how far its answer has come."""

    id: str = Field(examples=[_EXAMPLE_JOB])
    kind: Kind
    status: Status
    question: AnyQuestionView
    progress: ProgressView
    why_waiting: Annotated[str | None, Field(examples=["for a free cpu worker"])]
    attempts: int
    attempts_most: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    result: AnyResultView | None
    error: JobErrorView | None
    swear: bool
    swear_options: Annotated[SwearOptionsView | None, Field(description="Null where the answer is not to be sworn.")]
    oath: Annotated[HashOut | None, Field(description="The transaction that swears the answer.")]
    withdrawn_at: Annotated[
        datetime | None,
        Field(description="When an outcome that the answer rests on was found to be wrong: do not rely on it."),
    ]
    repeated_by: Annotated[str | None, Field(description="The job that asks again what was withdrawn.")]
    repeats: Annotated[str | None, Field(description="The job with a withdrawn answer that this one asks again.")]

    @classmethod
    def of(cls, row: JobRow, trainings: Sequence[TrainingRow] = ()) -> "JobView":
        """The view of a stored job, and of what is trained for it now."""
        kind = QuestionKind(row.kind)
        failed = row.error_code is not None and row.error_detail is not None
        return cls(
            id=row.id,
            kind=kind.value,
            status=row.state.value,
            question=_question_of(decode_question(kind, row.request)),
            progress=ProgressView(
                gas_executed=str(row.gas_executed),
                executions=row.executions,
                executions_done=row.executions_done,
                trainings=[TrainingView.of(training) for training in trainings],
            ),
            why_waiting=row.why_waiting,
            attempts=row.attempts,
            attempts_most=row.attempts_most,
            created_at=row.created_at,
            started_at=row.started_at,
            finished_at=row.finished_at,
            result=None if row.certificate is None else _result_of(kind, row.certificate),
            error=JobErrorView(code=str(row.error_code), detail=str(row.error_detail)) if failed else None,
            swear=row.swear,
            swear_options=SwearOptionsView(
                together=row.oath_batch,
                beneficiary=None if row.oath_beneficiary is None else account_of(row.oath_beneficiary),
            )
            if row.swear
            else None,
            oath=None if row.oath is None else hex_of(row.oath),
            withdrawn_at=row.withdrawn_at,
            repeated_by=row.repeated_by,
            repeats=row.repeats,
        )


class JobSummaryView(BaseModel):
    """A job in a list: without its question and result."""

    id: str = Field(examples=[_EXAMPLE_JOB])
    kind: Kind
    status: Status
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, row: JobRow) -> "JobSummaryView":
        """The view of a stored job."""
        return cls(
            id=row.id,
            kind=QuestionKind(row.kind).value,
            status=row.state.value,
            created_at=row.created_at,
            finished_at=row.finished_at,
        )


class JobListView(BaseModel):
    """A page of jobs, latest first."""

    items: list[JobSummaryView]
    has_more: bool
    next_cursor: str | None


class TrainingEventView(BaseModel):
    """How far the trainings of a job are, as server-sent events named `training` carry it."""

    trainings: list[TrainingView]


class JobEventView(BaseModel):
    """A change of a job, as server-sent events carry it."""

    status: Status
    gas_executed: GasOut
    executions: int
    executions_done: int
    why_waiting: str | None
    at: datetime
