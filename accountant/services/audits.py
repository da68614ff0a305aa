"""What audits leave behind: verdicts that later ones learn from, a history, and lists to read page by page."""

from collections.abc import Iterator
from typing import NamedTuple

import sqlalchemy as sa

from accountant.oath.audit_report import Audit, AuditedOath, OathVerdict, decode_audit
from accountant.primitives.errors import AccountantError
from accountant.primitives.types import Address, ContractId, Hash, Seq
from accountant.services.follow import get_job
from accountant.services.questions import Learn, QuestionKind
from accountant.storage.audit_history import AuditHistory, PastAudit
from accountant.storage.jobs import JobRow, JobState
from accountant.storage.verdicts import NewVerdict, Verdicts
from accountant.trust.knowledge import Knowledge


class NoAudit(AccountantError):
    """A job that is no audit, or none that has ended with a result."""

    code = "no_audit"


class OathPage(NamedTuple):
    """Oaths of an audit, each with its place in the audit, and whether there are more."""

    oaths: list[tuple[int, AuditedOath]]
    has_more: bool


def keep_audit(connection: sa.Connection, job_number: int, audit: Audit) -> None:
    """Keeps what an audit found, and what it knew: in the database transaction that ends its job."""
    Verdicts(connection).add(_verdicts_of(audit))
    AuditHistory(connection).add(job_number, audit)


def list_audits(
    connection: sa.Connection,
    key_prefix: str,
    contract: bytes | None,
    owner: bytes | None,
    before: int | None,
    limit: int,
) -> tuple[list[PastAudit], bool]:
    """Up to `limit` audits that this key asked for, latest first, and whether there are more.

    Of a contract, of all purses of an accountant, or of anybody's. `before`: only those with a smaller number.
    """
    found = AuditHistory(connection).page(key_prefix, contract, owner, before, limit + 1)
    return found[:limit], len(found) > limit


def learning(engine: sa.Engine) -> Learn:
    """What the stored verdicts teach, when an audit asks."""

    def learn(owner: Address) -> Knowledge:
        with engine.connect() as connection:
            return Verdicts(connection).knowledge([owner])

    return learn


def read_audited(
    connection: sa.Connection, key_prefix: str, job_id: str, verdict: OathVerdict | None, before: int | None, limit: int
) -> OathPage:
    """Up to `limit` oaths of a finished audit, latest first, of one verdict or all. Raises `UnknownJob`, `NoAudit`.

    `before`: a place in the audit; only earlier ones.
    """
    audit = audit_of(get_job(connection, key_prefix, job_id))
    last = len(audit.oaths) if before is None else min(before, len(audit.oaths))
    wanted = ((i, audit.oaths[i]) for i in reversed(range(last)) if verdict in (None, audit.oaths[i].verdict))
    found = [one for one, _ in zip(wanted, range(limit + 1), strict=False)]
    return OathPage(found[:limit], len(found) > limit)


def audit_of(row: JobRow) -> Audit:
    """The result of an audit's job. Raises `NoAudit`."""
    if row.kind != QuestionKind.AUDIT:
        raise NoAudit(f"job {row.id} is no audit")
    if row.state is not JobState.DONE or row.certificate is None:
        raise NoAudit(f"audit {row.id} is {row.state.value}: it has found nothing yet")
    return decode_audit(row.certificate)


def _verdicts_of(audit: Audit) -> Iterator[NewVerdict]:
    """One for each oath whose own purse showed whether it is true. What a look-alike does shows nothing."""
    if audit.flaws:
        return
    for oath in audit.oaths:
        if oath.score is not None and oath.verdict in (OathVerdict.KEPT, OathVerdict.SLASHED):
            yield NewVerdict(
                Seq(oath.seq),
                Hash(oath.transaction),
                ContractId(audit.contract),
                Address(oath.swearer),
                oath.score.features,
                oath.verdict is OathVerdict.SLASHED,
                oath.gas,
            )
