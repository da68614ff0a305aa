"""The statements of `execution`, each made once: SQLAlchemy takes longer to make one than Postgres to answer it."""

from typing import Any

import sqlalchemy as sa

from accountant.storage.job_tables import jobs
from accountant.storage.metric_tables import dear_hours, job_figures, job_parties, metric_points, tallies
from accountant.storage.observed_gas import BUCKET_BITS
from accountant.storage.tables import blocks, observed_gas, outcomes, postings, transactions

WALKED = 1_000
"""The latest transactions of a party, and the latest jobs, among which the dearest are looked for."""
REPEATED_MOST = 10
ANSWERS = {
    "answers": "anh_answers_gas_total",
    "gas_executed": "anh_answers_gas_total",
    "gas_everything": "anh_answers_everything_gas_total",
    "executed": "anh_answers_executed_total",
    "skipped": "anh_answers_skipped_total",
    "known": "anh_answers_known_total",
}

_NOW = sa.func.statement_timestamp()


def _sum_of(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.func.coalesce(sa.func.sum(column), 0)


_MOST = sa.bindparam("most", type_=sa.Integer)
_PARTY = sa.bindparam("party", type_=sa.Text)
_KEY = sa.bindparam("key", type_=sa.LargeBinary)
_SINCE, _UNTIL = (sa.bindparam(name, type_=sa.BigInteger) for name in ("since", "until"))
_HOURS = sa.and_(dear_hours.c.hour >= _SINCE, dear_hours.c.hour < _UNTIL)


def _within(column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    since, until = (sa.func.to_timestamp(sa.cast(one, sa.Double)) for one in (_SINCE, _UNTIL))
    return sa.and_(column >= since, column < until)


_taken = (
    sa.select(metric_points.c.metric, sa.func.sum(metric_points.c["count"]), sa.func.sum(metric_points.c.sum))
    .where(
        metric_points.c.metric.in_([sa.literal_column(f"'{name}'") for name in sorted(set(ANSWERS.values()))]),
        metric_points.c.resolution_s == sa.bindparam("resolution", type_=sa.Integer),
    )
    .group_by(metric_points.c.metric)
)
TAKEN = _taken.where(metric_points.c.at > sa.extract("epoch", _NOW) - sa.bindparam("seconds", type_=sa.Integer))
TAKEN_DURING = _taken.where(metric_points.c.at >= _SINCE, metric_points.c.at < _UNTIL)

LAST = sa.select(transactions.c.seq, transactions.c.gas_total).order_by(transactions.c.seq.desc()).limit(1)
KNOWN = sa.select(_sum_of(observed_gas.c.transactions), _sum_of(observed_gas.c.gas_used))
TALLIES = sa.select(tallies.c.name, tallies.c.value)

_more_than_once = outcomes.c.executions > sa.literal_column("1")
REPEATED_COUNT = sa.select(sa.func.count()).select_from(outcomes).where(_more_than_once)
_most_often = (
    sa.select(outcomes.c.seq, outcomes.c.executions, outcomes.c.gas_used)
    .where(_more_than_once)
    .order_by(outcomes.c.executions.desc(), outcomes.c.seq.desc())
    .limit(REPEATED_MOST)
    .subquery()
)
REPEATED = (
    sa.select(transactions.c.hash, _most_often.c.seq, _most_often.c.executions, _most_often.c.gas_used)
    .join_from(_most_often, transactions, transactions.c.seq == _most_often.c.seq)
    .order_by(_most_often.c.executions.desc(), _most_often.c.seq.desc())
)

NOW = sa.select(sa.cast(sa.func.floor(sa.extract("epoch", _NOW)), sa.BigInteger))
_gas, _runs = sa.func.sum(dear_hours.c.gas), sa.func.sum(dear_hours.c.runs)
DEAREST = (
    sa.select(dear_hours.c.key, _gas, _runs)
    .where(dear_hours.c.party == _PARTY, _HOURS)
    .group_by(dear_hours.c.key)
    .order_by(_gas.desc(), dear_hours.c.key)
    .limit(_MOST)
)
_sent = sa.select(_sum_of(dear_hours.c.gas)).where(dear_hours.c.party == sa.literal_column("'account'"), _HOURS)
_viewed = sa.select(_sum_of(job_figures.c.view_gas)).where(
    _within(job_figures.c.finished_at), job_figures.c.contract.is_not(None)
)
EVERYTHING = sa.select(_sent.scalar_subquery() + _viewed.scalar_subquery())
OF_PARTY = sa.select(_sum_of(dear_hours.c.gas), _sum_of(dear_hours.c.runs)).where(
    dear_hours.c.party == _PARTY, dear_hours.c.key == _KEY, _HOURS
)

_filed = (
    sa.select(postings.c.seq)
    .where(postings.c.key == _KEY, postings.c.kind == sa.bindparam("kind", type_=sa.Integer))
    .order_by(postings.c.seq.desc())
    .limit(WALKED)
    .subquery()
)
DEAR_TRANSACTIONS = (
    sa.select(
        *(transactions.c[name] for name in ("hash", "seq", "height", "sender", "gas_limit")),
        outcomes.c.gas_used,
        outcomes.c.executions.label("runs"),
        outcomes.c.observed_at,
    )
    .join_from(_filed, outcomes, outcomes.c.seq == _filed.c.seq)
    .join(transactions, transactions.c.seq == _filed.c.seq)
    .where(_within(outcomes.c.observed_at))
    .order_by(outcomes.c.gas_used.desc(), transactions.c.seq.desc())
    .limit(_MOST)
)

_of_jobs = (
    sa.select(job_parties.c.job_number, job_parties.c.gas, job_parties.c.runs)
    .where(job_parties.c.party == _PARTY, job_parties.c.key == _KEY)
    .order_by(job_parties.c.job_number.desc())
    .limit(WALKED)
    .subquery()
)
DEAR_JOBS = (
    sa.select(
        *(jobs.c[name] for name in ("id", "kind", "state", "finished_at")),
        _of_jobs.c.gas,
        _of_jobs.c.runs,
        jobs.c.gas_executed,
    )
    .join_from(_of_jobs, jobs, jobs.c.number == _of_jobs.c.job_number)
    .where(_within(jobs.c.finished_at))
    .order_by(_of_jobs.c.gas.desc(), jobs.c.number.desc())
    .limit(_MOST)
)

HEAD = sa.select(blocks.c.height).order_by(blocks.c.height.desc()).limit(1)
_ends = (
    sa.select(blocks.c.height, (blocks.c.first_seq + blocks.c["count"]).label("before"))
    .where(blocks.c.height == sa.any_(sa.bindparam("heights", type_=sa.ARRAY(sa.BigInteger))))
    .subquery()
)
_bits = sa.literal_column(str(BUCKET_BITS), sa.Integer)
_bucket = _ends.c.before.bitwise_rshift(_bits)
_named = "transactions", "gas_used", "gas_limits"
_full = (
    sa.select(*(_sum_of(observed_gas.c[name]).label(name) for name in _named))
    .where(observed_gas.c.bucket < _bucket)
    .lateral()
)
_sums = sa.func.count(), _sum_of(outcomes.c.gas_used), _sum_of(transactions.c.gas_limit)
_begun = (
    sa.select(*(total.label(name) for total, name in zip(_sums, _named, strict=True)))
    .join_from(outcomes, transactions, transactions.c.seq == outcomes.c.seq)
    .where(outcomes.c.seq >= _bucket.bitwise_lshift(_bits), outcomes.c.seq < _ends.c.before)
    .lateral()
)
_limits = (
    sa.select(transactions.c.gas_total)
    .where(transactions.c.seq < _ends.c.before)
    .order_by(transactions.c.seq.desc())
    .limit(1)
    .scalar_subquery()
)
COSTS = (
    sa.select(
        _ends.c.height,
        _ends.c.before,
        sa.func.coalesce(_limits, 0),
        *(_full.c[name] + _begun.c[name] for name in _named),
    )
    .select_from(_ends)
    .join(_full, sa.true())
    .join(_begun, sa.true())
    .order_by(_ends.c.height)
)
