"""Tables of the service: jobs, their events, executions, the outbox, API keys, stored answers by idempotency key.

A job is its row: whatever Redis forgets is published again from here.
"""

import sqlalchemy as sa

from accountant.storage.tables import metadata

_NOW = sa.text("clock_timestamp()")
TRACE = "W3C Trace Context: what its spans belong to; null where nobody traces."
_ROOM = "Bytes of tensors that a worker must have room for."

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("prefix", sa.Text, primary_key=True, comment="The public part of the key; names it in logs."),
    sa.Column("secret_sha256", sa.LargeBinary, nullable=False, comment="SHA-256 of the whole key."),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
    sa.Column("revoked_at", sa.DateTime(timezone=True)),
)

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("number", sa.BigInteger, sa.Identity(always=True), primary_key=True, comment="Order of creation."),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("key_prefix", sa.Text, sa.ForeignKey("api_keys.prefix"), nullable=False, comment="Who asked."),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("request", sa.LargeBinary, nullable=False, comment="The question's canonical encoding."),
    sa.Column("queue", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False, server_default="queued"),
    sa.Column("gas_executed", sa.Numeric(40, 0), nullable=False, server_default="0"),
    sa.Column("why_waiting", sa.Text),
    sa.Column("lease_owner", sa.Text),
    sa.Column("lease_until", sa.DateTime(timezone=True)),
    sa.Column("fence", sa.BigInteger, nullable=False, server_default="0", comment="Goes up with every lease."),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0", comment="Counted before execution."),
    sa.Column("attempts_most", sa.Integer, nullable=False),
    sa.Column("publications", sa.Integer, nullable=False, server_default="0"),
    sa.Column("published_at", sa.DateTime(timezone=True)),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
    sa.Column("started_at", sa.DateTime(timezone=True), comment="The first attempt's beginning."),
    sa.Column("finished_at", sa.DateTime(timezone=True)),
    sa.Column("parks", sa.Integer, nullable=False, server_default="0", comment="Times that it waited for executions."),
    sa.Column("executions", sa.Integer, nullable=False, server_default="0", comment="Waited for in all."),
    sa.Column("executions_done", sa.Integer, nullable=False, server_default="0"),
    sa.Column("done_so_far", sa.LargeBinary, comment="What was executed for it, by whomever, until it last waited."),
    sa.Column("certificate", sa.LargeBinary, comment="The answer's canonical encoding; set when done."),
    sa.Column("error_code", sa.Text),
    sa.Column("error_detail", sa.Text),
    sa.Column("swear", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("oath", sa.LargeBinary, comment="Hash of the transaction that swears the answer."),
    sa.Column(
        "oath_batch",
        sa.Boolean,
        nullable=False,
        server_default=sa.false(),
        comment="Its answer may be sworn together with others.",
    ),
    sa.Column("oath_beneficiary", sa.LargeBinary, comment="Who gets what of the penalty is not burnt."),
    sa.Column(
        "epoch",
        sa.BigInteger,
        nullable=False,
        server_default="0",
        comment="Of what was known when its lease began.",
    ),
    sa.Column("room_least", sa.BigInteger, nullable=False, server_default="0", comment=_ROOM),
    sa.Column(
        "withdrawn_at",
        sa.DateTime(timezone=True),
        comment="When an outcome that its answer rests on was found to be wrong.",
    ),
    sa.Column("repeated_by", sa.Text, comment="The job that asks again what was withdrawn."),
    sa.Column(
        "repeats",
        sa.Text,
        sa.ForeignKey("jobs.id"),
        comment="The job with a withdrawn answer that it asks again.",
    ),
    sa.Column("traceparent", sa.Text, comment=TRACE),
    sa.CheckConstraint("state in ('queued', 'running', 'waiting', 'done', 'failed', 'cancelled')", name="state_known"),
    sa.CheckConstraint("(state = 'running') = (lease_owner is not null)", name="running_is_leased"),
    sa.CheckConstraint("(lease_owner is null) = (lease_until is null)", name="lease_has_deadline"),
    sa.CheckConstraint("(state = 'done') = (certificate is not null)", name="done_has_certificate"),
    sa.CheckConstraint("(state = 'failed') = (error_code is not null)", name="failed_has_error"),
    sa.CheckConstraint("(state in ('done', 'failed', 'cancelled')) = (finished_at is not null)", name="end_has_time"),
    sa.CheckConstraint("withdrawn_at is null or state = 'done'", name="withdrawn_was_done"),
    sa.CheckConstraint("attempts between 0 and attempts_most", name="attempts_bounded"),
    sa.Index("ix_jobs_key_prefix_number", "key_prefix", "number"),
    sa.Index("ix_jobs_queued", "published_at", postgresql_where=sa.text("state = 'queued'")),
    sa.Index("ix_jobs_leased", "lease_until", postgresql_where=sa.text("state = 'running'")),
    sa.Index("ix_jobs_live", "number", "kind", "state", postgresql_where=sa.text("finished_at is null")),
    sa.Index("ix_jobs_ended", "finished_at", postgresql_where=sa.text("finished_at is not null")),
    sa.Index("ix_jobs_created_at", "created_at"),
    sa.Index("ix_jobs_repeats", "repeats", postgresql_where=sa.text("repeats is not null")),
    sa.Index("ix_jobs_kind_state_number", "kind", "state", "number"),
    sa.Index("ix_jobs_to_swear", "number", postgresql_where=sa.text("state = 'done' and swear and oath is null")),
)

job_events = sa.Table(
    "job_events",
    metadata,
    sa.Column("number", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("job_number", sa.BigInteger, sa.ForeignKey("jobs.number", ondelete="CASCADE"), nullable=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("gas_executed", sa.Numeric(40, 0), nullable=False),
    sa.Column("executions", sa.Integer, nullable=False, server_default="0"),
    sa.Column("executions_done", sa.Integer, nullable=False, server_default="0"),
    sa.Column("why_waiting", sa.Text),
    sa.Index("ix_job_events_job_number_number", "job_number", "number"),
)

PASSING = job_events.c.state.in_([sa.literal_column(f"'{state}'") for state in ("queued", "running", "waiting")])
"""An event that another one followed, or will: streams of a job end with how it ended, however late they ask."""

sa.Index(
    "ix_job_events_passing_at", job_events.c.at, postgresql_where=sa.text("state in ('queued', 'running', 'waiting')")
)

executions = sa.Table(
    "executions",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False, comment="The transaction's number."),
    sa.Column("transaction", sa.LargeBinary, nullable=False, comment="Its hash."),
    sa.Column("gas_limit", sa.Numeric(40, 0), nullable=False),
    sa.Column("queue", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False, server_default="queued"),
    sa.Column("gas_executed", sa.Numeric(40, 0), nullable=False, server_default="0"),
    sa.Column("lease_owner", sa.Text),
    sa.Column("lease_until", sa.DateTime(timezone=True)),
    sa.Column("fence", sa.BigInteger, nullable=False, server_default="0", comment="Goes up with every lease."),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0", comment="Counted before execution."),
    sa.Column("attempts_most", sa.Integer, nullable=False),
    sa.Column("parks", sa.Integer, nullable=False, server_default="0", comment="Times that it waited for others."),
    sa.Column("done_so_far", sa.LargeBinary, comment="What was executed for it, by whomever."),
    sa.Column("room_least", sa.BigInteger, nullable=False, server_default="0", comment=_ROOM),
    sa.Column("publications", sa.Integer, nullable=False, server_default="0"),
    sa.Column("published_at", sa.DateTime(timezone=True)),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
    sa.Column("started_at", sa.DateTime(timezone=True), comment="The first attempt's beginning."),
    sa.Column("resumed_at", sa.DateTime(timezone=True), comment="The latest attempt's beginning."),
    sa.Column("finished_at", sa.DateTime(timezone=True)),
    sa.Column("error_code", sa.Text),
    sa.Column("error_detail", sa.Text),
    sa.Column("traceparent", sa.Text, comment=TRACE),
    sa.CheckConstraint("state in ('queued', 'running', 'waiting', 'done', 'failed', 'cancelled')", name="state_known"),
    sa.CheckConstraint("(state = 'running') = (lease_owner is not null)", name="running_is_leased"),
    sa.CheckConstraint("(lease_owner is null) = (lease_until is null)", name="lease_has_deadline"),
    sa.CheckConstraint("(state = 'failed') = (error_code is not null)", name="failed_has_error"),
    sa.CheckConstraint("(state in ('done', 'failed', 'cancelled')) = (finished_at is not null)", name="end_has_time"),
    sa.CheckConstraint("attempts between 0 and attempts_most", name="attempts_bounded"),
    sa.Index("ix_executions_queued", "published_at", postgresql_where=sa.text("state = 'queued'")),
    sa.Index("ix_executions_leased", "lease_until", postgresql_where=sa.text("state = 'running'")),
    sa.Index("ix_executions_live", "seq", postgresql_where=sa.text("finished_at is null")),
    sa.Index("ix_executions_ended", "finished_at", postgresql_where=sa.text("finished_at is not null")),
)

execution_waits = sa.Table(
    "execution_waits",
    metadata,
    sa.Column("number", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("seq", sa.BigInteger, sa.ForeignKey("executions.seq"), nullable=False, comment="What is waited for."),
    sa.Column("job_number", sa.BigInteger, sa.ForeignKey("jobs.number"), comment="The job that waits."),
    sa.Column("by_seq", sa.BigInteger, sa.ForeignKey("executions.seq"), comment="Or the execution that waits."),
    sa.Column("behind", sa.BigInteger, comment="The outcome that the waiter itself asked for and that needs this one."),
    sa.Column("charged", sa.Boolean, nullable=False, comment="Whether what is executed counts as the waiter's."),
    sa.CheckConstraint("num_nonnulls(job_number, by_seq) = 1", name="one_waiter"),
    sa.CheckConstraint("seq < by_seq", name="points_backwards"),
    sa.Index("ix_execution_waits_seq", "seq"),
    sa.Index("ix_execution_waits_job_number_seq", "job_number", "seq", unique=True),
    sa.Index("ix_execution_waits_by_seq_seq", "by_seq", "seq", unique=True),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("number", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column(
        "job_number",
        sa.BigInteger,
        sa.ForeignKey("jobs.number", ondelete="CASCADE"),
        unique=True,
        comment="One unpublished message for each job.",
    ),
    sa.Column(
        "execution_seq",
        sa.BigInteger,
        sa.ForeignKey("executions.seq", ondelete="CASCADE"),
        unique=True,
        comment="Or for each execution.",
    ),
    sa.Column("not_before", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
    sa.CheckConstraint("num_nonnulls(job_number, execution_seq) = 1", name="one_task"),
    sa.Index("ix_outbox_not_before_number", "not_before", "number"),
)

trainings = sa.Table(
    "trainings",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False, comment="Of the transaction that trains."),
    sa.Column(
        "job_number", sa.BigInteger, sa.ForeignKey("jobs.number", ondelete="CASCADE"), comment="Whose work it is."
    ),
    sa.Column("by_seq", sa.BigInteger, sa.ForeignKey("executions.seq", ondelete="CASCADE"), comment="Or which one's."),
    sa.Column("first_step", sa.BigInteger, nullable=False, comment="The first step of the latest attempt, from 1."),
    sa.Column("step", sa.BigInteger, nullable=False, comment="The last one that was done."),
    sa.Column("steps", sa.BigInteger, nullable=False),
    sa.Column("loss", sa.Double, nullable=False, comment="After that step."),
    sa.Column("gas", sa.BigInteger, comment="What all its steps were priced."),
    sa.Column("started_at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
    sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
    sa.CheckConstraint("num_nonnulls(job_number, by_seq) = 1", name="one_worker"),
    sa.CheckConstraint("first_step <= step and step <= steps", name="steps_in_order"),
    sa.Index("ix_trainings_job_number", "job_number"),
    sa.Index("ix_trainings_by_seq", "by_seq"),
    sa.Index("ix_trainings_updated_at", "updated_at"),
)

CURVE_PARTS = 256
"""Of a training's curve: so many points are kept of it, however long it is."""

training_losses = sa.Table(
    "training_losses",
    metadata,
    sa.Column("seq", sa.BigInteger, sa.ForeignKey("trainings.seq", ondelete="CASCADE"), nullable=False),
    sa.Column("part", sa.SmallInteger, nullable=False, comment="Of the training's steps, which are cut evenly."),
    sa.Column("steps", sa.BigInteger, nullable=False, comment="Of the training: another has other parts."),
    sa.Column("step", sa.BigInteger, nullable=False, comment="The last one that was done in this part."),
    sa.Column("loss", sa.Double, nullable=False),
    sa.PrimaryKeyConstraint("seq", "part"),
    sa.CheckConstraint(f"part between 0 and {CURVE_PARTS - 1}", name="part_bounded"),
)

idempotent_answers = sa.Table(
    "idempotent_answers",
    metadata,
    sa.Column("key_prefix", sa.Text, sa.ForeignKey("api_keys.prefix"), primary_key=True),
    sa.Column("idempotency_key", sa.Text, primary_key=True),
    sa.Column("request_sha256", sa.LargeBinary, nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("location", sa.Text),
    sa.Column("body", sa.LargeBinary, nullable=False, comment="As it was sent, byte for byte."),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
    sa.Index("ix_idempotent_answers_created_at", "created_at"),
)
