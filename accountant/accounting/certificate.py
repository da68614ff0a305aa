"""Certificates: an answer and everything that it rests on (DESIGN section 4)."""

from enum import StrEnum

from accountant.execution.needs import BlobUnavailable, Undecidable
from accountant.primitives.encoding import Decoder, Record
from accountant.primitives.errors import InvalidEncoding

CERTIFICATE_BYTES_MAX = 256 * 1024 * 1024


class Verdict(StrEnum):
    """How a question ended."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNDECIDED = "undecided"


class UndecidedReason(StrEnum):
    """Why a question is undecided."""

    THETA_INSUFFICIENT = "theta_insufficient"
    """This Θ does not show it (Algorithm 4, line 7)."""
    BUDGET_SPENT = "budget_spent"
    BLOB_UNAVAILABLE = "blob_unavailable"
    """A transaction loads a published file that nobody serves."""


class CertifiedIncome(Record, frozen=True):
    """One member of Θ: what it brought, and the gas that finding out took in this job."""

    transaction: bytes
    units: int
    gas: int


class ThetaChoice(Record, frozen=True):
    """How the accountant chose Θ: by its first plan, from what was known before that. Gas of all kinds is estimated.

    No set of the candidates that brings enough costs less than `lower_bound`, if executing takes what was estimated.
    """

    candidates: int
    """Incomes that were considered."""
    cost: int
    """Of the set that was chosen, each shared ancestor paid for once, observed ones free."""
    lower_bound: int
    additive_cost: int
    """Of the set that looks cheapest to whoever does not see what is shared."""
    plans: int
    """How often Θ was chosen: once, and again after each surprise."""

    @property
    def proved(self) -> bool:
        """Whether no set of the candidates is cheaper, under the estimates."""
        return self.cost == self.lower_bound


class MissingExecution(Record, frozen=True):
    """What had to be executed next when the budget was spent, and the most it costs."""

    transaction: bytes | None
    """None: the view that was asked for itself."""
    gas_most: int


class MissingBlob(MissingExecution, frozen=True):
    """The same where a file that the transaction loads was missing, rather than gas."""


def missing_of(stopped: Undecidable) -> MissingExecution:
    """What was missing where a piece of work could not go on."""
    kind = MissingBlob if isinstance(stopped, BlobUnavailable) else MissingExecution
    return kind(stopped.transaction, stopped.gas_most)


def reason_of(missing: MissingExecution) -> UndecidedReason:
    """Why what was just found to be missing leaves a question undecided."""
    return UndecidedReason.BLOB_UNAVAILABLE if isinstance(missing, MissingBlob) else UndecidedReason.BUDGET_SPENT


class Certificate(Record, frozen=True):
    """The answer to a question, and what it rests on.

    `query` and `answer` are canonical encodings, set when the answer can be sworn. `required`, `lower` and
    `upper` speak of the general balance G right before the position; the account owns `zero_balance` besides.
    """

    verdict: Verdict
    reason: UndecidedReason | None
    query: bytes | None
    answer: bytes | None
    account: bytes
    previous_hash: bytes
    index: int
    required: int | None
    """The G that was asked for; None if no amount was."""
    lower: int
    upper: int
    zero_balance: int
    theta: tuple[CertifiedIncome, ...]
    executed: tuple[bytes, ...]
    """Transactions executed for this answer, in order of execution."""
    gas_executed: int
    gas_everything: int
    """Gas limits of all earlier transactions together: the most that executing everything would take.
    2^63 − 1 if it is more."""
    cache_hits: int
    slice: tuple[bytes, ...]
    """Transactions whose outcomes were consulted, in chain order: executed now or known before.

    What a stored checkpoint of a balance was once computed from is not listed again."""
    missing: tuple[MissingExecution, ...] = ()


class PlannedCertificate(Certificate, frozen=True, kw_only=True):
    """The same, where the accountant chose Θ by more than the order of what each income costs alone."""

    choice: ThetaChoice


class ViewCertificate(Record, frozen=True):
    """What a contract's function returns at a position (paper, section II-B), and what that rests on.

    ACCEPTED: it returned. REJECTED: it failed. `query` (a `View`) is there in any case, `answer` (a `ViewAnswer`)
    unless it is undecided.
    """

    verdict: Verdict
    reason: UndecidedReason | None
    query: bytes
    answer: bytes | None
    executed: tuple[bytes, ...]
    """Transactions executed for this answer, in order of execution. The view's own run is none."""
    gas_executed: int
    """The view's own gas and that of all transactions executed."""
    gas_everything: int
    """The view's gas limit and those of all transactions before the position. 2^63 − 1 if it is more."""
    cache_hits: int
    slice: tuple[bytes, ...]
    """Transactions whose outcomes were consulted, in chain order: executed now or known before."""
    missing: tuple[MissingExecution, ...] = ()


class QueryCertificate(Record, frozen=True):
    """The answer of an accounting query, and what it rests on.

    ACCEPTED: the answer is yes, a number, bytes, or what a view returned. REJECTED: it is no, or the view failed.
    `lower` and `upper`: what is known of the number that was asked for, where it is one: the general balance G right
    before the position (the account owns `zero_balance` besides), or an income.
    """

    verdict: Verdict
    reason: UndecidedReason | None
    query: bytes
    answer: bytes | None
    """None while undecided. The answer of a lower bound can be raised where `missing` says so."""
    gas_budget: int | None
    lower: int | None
    upper: int | None
    zero_balance: int | None
    executed: tuple[bytes, ...]
    """Transactions executed for this answer, in order of execution."""
    gas_executed: int
    gas_everything: int
    """Gas limits of all transactions that could matter together: the most that executing everything would take.
    2^63 − 1 if it is more."""
    cache_hits: int
    slice: tuple[bytes, ...]
    """Transactions whose outcomes were consulted, in chain order: executed now or known before."""
    missing: tuple[MissingExecution, ...] = ()


class PlannedQueryCertificate(QueryCertificate, frozen=True, kw_only=True):
    """The same, where the accountant chose Θ by more than the order of what each income costs alone."""

    choice: ThetaChoice


AnyCertificate = Certificate | ViewCertificate | QueryCertificate

_certificates = Decoder(Certificate, CERTIFICATE_BYTES_MAX)
_views = Decoder(ViewCertificate, CERTIFICATE_BYTES_MAX)
_planned = Decoder(PlannedCertificate, CERTIFICATE_BYTES_MAX)
_planned_queries = Decoder(PlannedQueryCertificate, CERTIFICATE_BYTES_MAX)
_queries = Decoder(QueryCertificate, CERTIFICATE_BYTES_MAX)


def decode_certificate(raw: bytes) -> AnyCertificate:
    """The certificate that `raw` encodes; its number of fields tells the kinds apart. Raises `InvalidEncoding`."""
    for decoder in (_certificates, _planned, _views, _planned_queries):
        try:
            return decoder.decode(raw)
        except InvalidEncoding:
            continue
    return _queries.decode(raw)
