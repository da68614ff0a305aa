"""Questions of people without a key: a row of its own among the keys, a small gas budget, and few at once."""

import secrets

import sqlalchemy as sa

from accountant.accounting.questions import PaymentQuestion
from accountant.index.port import ChainIndex
from accountant.primitives.errors import AccountantError
from accountant.primitives.hashes import sha256
from accountant.primitives.types import Hash
from accountant.services.ask import ask
from accountant.services.export import export_question
from accountant.services.follow import get_job
from accountant.services.policy import JobPolicy
from accountant.storage.jobs import JobRow, Jobs
from accountant.storage.keys_store import PUBLIC_PREFIX, Keys

OPEN_MOST = 16
"""Public questions that wait or run at once; those who pay for a key are not to wait for them."""
LOOKED_AT = 64
"""The latest public questions, among which the open ones are counted."""


class Busy(AccountantError):
    """Too many public questions wait already."""

    code = "busy"

    def __init__(self) -> None:
        super().__init__("Too many questions without a key wait already. Ask again in a few seconds.")


def ask_publicly(
    connection: sa.Connection, index: ChainIndex, transaction: Hash, gas_budget: int, policy: JobPolicy
) -> JobRow:
    """The job that will say whether a payment settled. Raises `InvalidQuestion`, `Busy`; then nothing is stored."""
    _admit(connection)
    return ask(connection, index, PUBLIC_PREFIX, PaymentQuestion(transaction, None, gas_budget), False, policy)


def export_publicly(
    connection: sa.Connection, index: ChainIndex, job_id: str, gas_budget: int, policy: JobPolicy
) -> JobRow:
    """The job that makes a certificate of a public answer. Raises `UnknownJob`, `NothingToProve`, `Busy`."""
    question = export_question(public_job(connection, job_id), gas_budget)
    _admit(connection)
    return ask(connection, index, PUBLIC_PREFIX, question, False, policy)


def public_job(connection: sa.Connection, job_id: str) -> JobRow:
    """A public question as it stands. Raises `UnknownJob`, for everybody else's jobs too."""
    return get_job(connection, PUBLIC_PREFIX, job_id)


def _admit(connection: sa.Connection) -> None:
    """Raises `Busy`. Two at the same instant may both get in: the limit is there for the load, not for the count."""
    Keys(connection).ensure_public(sha256(secrets.token_bytes(32)))  # nobody knows the secret, so nobody has the key
    latest = Jobs(connection).page(PUBLIC_PREFIX, None, LOOKED_AT)
    if sum(job.state in ("queued", "running", "waiting") for job in latest) >= OPEN_MOST:
        raise Busy
