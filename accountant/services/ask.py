"""Asking: a question that passes its checks becomes a job and a message, in one transaction."""

import uuid
from typing import NamedTuple

import sqlalchemy as sa

from accountant.index.port import ChainIndex
from accountant.primitives.encoding import encode
from accountant.primitives.types import Address
from accountant.services.policy import JobPolicy
from accountant.services.questions import Question, check, kind_of
from accountant.storage.jobs import JobRow, Jobs, NewJob
from accountant.tracing.spans import Kind, span

JOB_ID_PREFIX = "job_"


class OathWish(NamedTuple):
    """How a client wants its answer sworn."""

    together: bool = False
    """With other answers, under one penalty."""
    beneficiary: Address | None = None
    """Who gets what of the penalty is not burnt; None: all of it is burnt."""


NO_WISH = OathWish()


def ask(
    connection: sa.Connection,
    index: ChainIndex,
    key_prefix: str,
    question: Question,
    swear: bool,
    policy: JobPolicy,
    wish: OathWish = NO_WISH,
) -> JobRow:
    """The queued job that will answer the question. Raises `InvalidQuestion`; then nothing is stored."""
    check(index, question)
    new = NewJob(
        id=JOB_ID_PREFIX + uuid.uuid4().hex,
        key_prefix=key_prefix,
        kind=kind_of(question),
        request=encode(question),
        swear=swear,
        attempts_most=policy.attempts_most,
        oath_batch=wish.together,
        oath_beneficiary=wish.beneficiary,
    )
    return accept(Jobs(connection), new)


def accept(jobs: Jobs, new: NewJob) -> JobRow:
    """Stores a job and its message. All that is ever done for it belongs to the trace of whoever asks."""
    with span("job.accept", Kind.PRODUCER, job=new.id, question=new.kind, swear=new.swear) as own:
        return jobs.add(new._replace(traceparent=own.traceparent))
