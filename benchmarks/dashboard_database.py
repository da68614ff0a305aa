"""The database of `benchmarks.dashboard`: a chain of any length, many jobs, and a month of samples.

The chain is `benchmarks.economy`, imported as every chain is, by COPY. Some of its payments and balances are asked and
answered; those jobs, with all that is kept of them, are then copied within the database as often as is wanted.
"""

import random
import secrets
from collections.abc import Callable
from contextlib import closing

import sqlalchemy as sa

from accountant.accounting.questions import LowerBoundQuestion, PaymentQuestion
from accountant.chain.validator import ValidatedBlock
from accountant.execution.outcome import Observed, Outcome
from accountant.index.position import position_of
from accountant.primitives.types import Seq
from accountant.services.api_keys import ensure_first_key
from accountant.services.ask import ask
from accountant.services.attempt import Attempt
from accountant.services.policy import JobPolicy
from accountant.services.questions import Question, answering
from accountant.services.work import work
from accountant.storage.database import Database, engine_of, migrate
from accountant.storage.importer import Importer
from accountant.storage.index import PostgresIndex
from accountant.storage.outcomes import PostgresOutcomes
from accountant.storage.tables import SCHEMA
from benchmarks.economy import Economy

ASKED = 40
"""Jobs that are really answered, half of them about payments."""
MONTH_S = 30 * 86_400
LIVE, FAILED = 100, 25
"""Jobs that wait; and every so manyth of the others failed."""
BATCH = 5
"""Blocks in one database transaction."""
SERIES = (
    ("anh_jobs_ended_total", "kind=payment_verification,state=done"),
    ("anh_jobs", "kind=payment_verification,state=queued"),
    ("anh_gas_executed_total", ""),
    ("anh_chain_height", ""),
    ("anh_outbox_lag_seconds", ""),
)
RESOLUTIONS = ((10, 7_200), (300, 2 * 86_400), (7_200, 60 * 86_400))
"""Seconds of a bucket, and how many seconds of them are kept."""


def fill(url: str, transactions: int, jobs: int) -> None:
    """Fills an empty database."""
    migrate(url)
    engine = engine_of(url)
    with Database(url) as database:
        economy = _grow(database, transactions)
        index = PostgresIndex(database)
        key = ensure_first_key(engine)
        assert key is not None
        with closing(PostgresOutcomes(database)) as outcomes:
            answer = answering(index, outcomes)
            for question in _questions(index, economy):
                with engine.begin() as connection:
                    job = ask(connection, index, key.split("_")[1], question, False, JobPolicy()).id
                assert work(engine, answer, job, "benchmark", JobPolicy()) is Attempt.DONE
            free = next(Seq(seq) for seq in range(transactions) if outcomes.get(Seq(seq)) is None)
            outcomes.put(free, Observed(Outcome(failure=None, detail="", gas_used=1_000), (), (), ()))
    with engine.begin() as connection:
        tables = sa.MetaData(schema=SCHEMA)
        tables.reflect(connection)
        _copy_jobs(connection, tables, jobs)
        _copy_outcomes(connection, tables, free, jobs)
        _add_samples(connection, tables)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("vacuum analyze"))
    engine.dispose()


def _grow(database: Database, transactions: int) -> Economy:
    pending: list[ValidatedBlock] = []

    def take(block: ValidatedBlock, most: int = BATCH) -> None:
        pending.append(block)
        if len(pending) >= most:
            Importer(database).import_blocks(pending)
            pending.clear()

    economy = Economy(take)
    Importer(database).install(economy.chain.genesis, secrets.token_bytes(32))
    while economy.chain.next_seq < transactions:
        economy.grow()
    economy.chain.end_block()
    if pending:
        Importer(database).import_blocks(pending)
    return economy


def _questions(index: PostgresIndex, economy: Economy) -> list[Question]:
    draw = random.Random(1)
    payments = draw.choices(economy.payments, k=ASKED // 2)
    position = position_of(index, Seq(index.head().next_seq - 1))
    balances = draw.choices(economy.people, k=ASKED // 2)
    return [
        *(PaymentQuestion(index.transaction(seq).hash, gas_budget=10**9) for seq in payments),
        *(LowerBoundQuestion(account, position, target=1, gas_budget=10**9) for account in balances),
    ]


def _copy_jobs(connection: sa.Connection, tables: sa.MetaData, count: int) -> None:
    """Copies whole jobs, spread over a month that ends now; the latest of them wait."""
    asked: int = connection.scalar(sa.text(f"select max(number) from {SCHEMA}.jobs")) or 0
    ago = f"clock_timestamp() - interval '1 s' * ({MONTH_S}::float8 * g / {count})"
    live, failed = f"g <= {min(LIVE, count)}", f"mod(g, {FAILED}) = 0"
    ended = f"case when {live} then null else {ago} + interval '1 s' * (1 + mod(g * 7919, 1000) / 250.0) end"
    changes = {
        "number": f"{asked} + g",
        "id": "'job_' || md5(g::text)",
        "state": f"case when {live} then 'queued' when {failed} then 'failed' else t.state end",
        "created_at": ago,
        "started_at": f"case when {live} then null else {ago} + interval '0.5 s' end",
        "finished_at": ended,
        "certificate": f"case when {live} or {failed} then null else t.certificate end",
        "error_code": f"case when {failed} and not {live} then 'worker_failed' end",
    }
    _copy(connection, tables, "jobs", count, f"t.number = 1 + mod(g, {asked})", changes)
    of_job = {"job_number": f"{asked} + g"}
    events = {**of_job, "at": f"{ago} + interval '0.5 s' * (t.number - t.job_number)"}
    _copy(connection, tables, "job_events", count, f"t.job_number = 1 + mod(g, {asked})", events)
    done = f"t.job_number = 1 + mod(g, {asked}) and not ({live} or {failed})"
    _copy(connection, tables, "job_figures", count, done, {**of_job, "finished_at": ended})
    connection.execute(sa.text(f"select setval(pg_get_serial_sequence('{SCHEMA}.jobs', 'number'), {asked + count})"))


def _copy(
    connection: sa.Connection, tables: sa.MetaData, name: str, count: int, where: str, changes: dict[str, str]
) -> None:
    """Copies rows `t` of a table for g = 1, 2, … `count`, with some columns changed. What numbers itself goes on to."""
    table = tables.tables.get(f"{SCHEMA}.{name}")
    if table is None:
        return
    columns = [column.name for column in table.columns if column.identity is None or column.name in changes]
    quoted = ", ".join(f'"{column}"' for column in columns)
    chosen = ", ".join(changes.get(column, f't."{column}"') for column in columns)
    connection.execute(
        sa.text(
            f"insert into {SCHEMA}.{name} ({quoted}) overriding system value "
            f"select {chosen} from generate_series(1, {count}) g join {SCHEMA}.{name} t on {where}"
        )
    )


def _copy_outcomes(connection: sa.Connection, tables: sa.MetaData, of: Seq, most: int) -> None:
    """Gives the last transactions an outcome where they have none."""
    table = tables.tables[f"{SCHEMA}.outcomes"]
    own = {"seq": "x.seq", "index": 'x."index"', "block_hash": "b.hash"}
    columns = [column.name for column in table.columns]
    quoted = ", ".join(f'"{column}"' for column in columns)
    chosen = ", ".join(own.get(column, f't."{column}"') for column in columns)
    connection.execute(
        sa.text(
            f"insert into {SCHEMA}.outcomes ({quoted}) select {chosen} from {SCHEMA}.outcomes t "
            f"join (select * from {SCHEMA}.transactions order by seq desc limit {most}) x on t.seq = {of} "
            f"join {SCHEMA}.blocks b on b.height = x.height on conflict do nothing"
        )
    )


def _add_samples(connection: sa.Connection, tables: sa.MetaData) -> None:
    """Series at each resolution, and who was dear in each hour of the month."""

    def insert(name: str, rows: Callable[[], str]) -> None:
        if f"{SCHEMA}.{name}" in tables.tables:
            connection.execute(sa.text(f"insert into {SCHEMA}.{name} {rows()}"))

    now = "floor(extract(epoch from clock_timestamp()))::int8"
    for metric, labels in SERIES:
        for step, kept in RESOLUTIONS:
            point = f"'{metric}', '{labels}', {step}, {now} / {step} * {step} - g * {step}, 1, 1000 - g, 1000 - g"
            insert(
                "metric_points",
                lambda point=point, step=step, kept=kept: (  # type: ignore[misc]
                    f"(metric, labels, resolution_s, at, count, sum, max) select {point}"
                    f" from generate_series(0, {kept // step}) g"
                ),
            )
    insert("sampling", lambda: f"select 1, {now}, clock_timestamp(), 0.1")
    insert(
        "dear_hours",
        lambda: (
            f"select {now} / 3600 * 3600 - h * 3600, p.party, sha256(p.party::bytea || k::text::bytea), 1000 * k, k"
            " from generate_series(0, 719) h, generate_series(1, 50) k, (values ('contract'), ('account')) p(party)"
        ),
    )
