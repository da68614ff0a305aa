"""A service's database in which every field that somebody outside can write holds markup.

A chain with a contract, calls, events and outcomes made of it; jobs in every state; users, sessions and actions. What
the services would keep out is written over with SQL afterwards: pages must be safe by themselves.
"""

import re
import secrets
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
import wasmtime
from sqlalchemy.dialects.postgresql import JSONB

from accountant.accounting.outcome import OutcomeQuestion
from accountant.accounting.questions import LowerBoundQuestion, PaymentQuestion, ViewQuestion
from accountant.chain.block import Position
from accountant.chain.envelope import ArgumentKind, FunctionEnvelope
from accountant.chain.footprint import Read, Write
from accountant.chain.genesis import Genesis
from accountant.chain.query import View, ViewAnswer
from accountant.chain.state import ChainState
from accountant.chain.transaction import Argument
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.outcome import LogEntry, Observed, Outcome, SlotWrite
from accountant.oath.oath import SWEAR
from accountant.primitives.encoding import encode
from accountant.primitives.types import UNITS_PER_TOKEN, Hash, Seq
from accountant.services.api_keys import ensure_first_key
from accountant.services.ask import ask
from accountant.services.attempt import Attempt
from accountant.services.policy import JobPolicy
from accountant.services.questions import Question, answering
from accountant.services.work import work
from accountant.storage.admins import Role
from accountant.storage.database import Database, engine_of, migrate
from accountant.storage.importer import Importer
from accountant.storage.index import PostgresIndex
from accountant.storage.job_tables import jobs
from accountant.storage.jobs import Jobs
from accountant.storage.outcomes import PostgresOutcomes
from accountant.storage.tables import SCHEMA, transactions
from tests.support.chains import (
    ALICE,
    BOB,
    CAROL,
    call,
    contract_id,
    extend,
    genesis_contract,
    open_envelope,
    transfer,
)
from tests.support.dashboard import add_user
from tests.support.service import BURNER, service_genesis

MARKED = "hurt"
MARKUP = f"""</script>"'><img id={MARKED} src onerror=alert(1)><b id={MARKED}>"""
"""Out of a script, of an attribute and of text, within the 64 bytes of a function's name."""

HOSTILE = contract_id("hostile")
_BYTES = MARKUP.encode()
_OURS = frozenset({"jobs.kind", "job_events.state", "executions.queue", "jobs.queue", "metric_points.labels"})
"""Words that our own code chooses from a list of its own, or that name a series."""
_ENTRY = frozenset({"admin_users", "admin_sessions", "admin_links", "api_keys"})
"""Those let people in."""
_SERIES = (
    ("anh_jobs_ended_total", "kind=payment_verification,state=done"),
    ("anh_jobs", "kind=payment_verification,state=queued"),
    ("anh_gas_executed_total", ""),
    ("anh_chain_height", ""),
)
"""Charts with a line."""
_JOBS = 60
"""More than a page of most lists."""
DAY_S = 86_400
_WITHDRAWN = sa.text(
    "update accountant.jobs set withdrawn_at = now(), repeated_by = :markup "
    "where number = (select min(number) from accountant.jobs)"
)
_YESTERDAYS = sa.text("update accountant.outcomes set observed_at = to_timestamp(:at) where seq = 3")


def _midnight() -> int:
    return int(time.time()) // DAY_S * DAY_S


def fill(database_url: str) -> None:
    """Fills an empty database."""
    migrate(database_url)
    engine = engine_of(database_url)
    key = ensure_first_key(engine)
    assert key is not None
    with Database(database_url) as database:
        importer = Importer(database)
        importer.install(_genesis(), secrets.token_bytes(32))
        state = ChainState.at_genesis(_genesis())
        importer.import_blocks([extend(state, part) for part in _transactions()])
        index = PostgresIndex(database)
        _ask(engine, index, key.split("_")[1])
        with closing(PostgresOutcomes(database)) as outcomes:
            for seq in range(4):
                outcomes.put(Seq(seq), Observed(_outcome(), (), (), ()))
    for role in Role:
        add_user(engine, role.word, role)
    with engine.begin() as connection:
        _write_over(connection)
        connection.execute(_WITHDRAWN, {"markup": MARKUP + "jobs.repeated_by"})
        connection.execute(_YESTERDAYS, {"at": _midnight() - DAY_S // 2})
    engine.dispose()


def free_columns(connection: sa.Connection) -> set[str]:
    """The columns that any text fits in, as `table.column`. `fill` writes markup and this name into each."""
    return {f"{table.name}.{column.name}" for table, columns in _free(connection) for column in columns}


def _genesis() -> Genesis:
    """The services' usual chain with one more contract, whose functions are markup too."""
    swear = (ArgumentKind.BYTES, ArgumentKind.BYTES, ArgumentKind.INT, ArgumentKind.ADDRESS)
    envelope = open_envelope(
        FunctionEnvelope(MARKUP, (ArgumentKind.BYTES,), (), complete=False),
        FunctionEnvelope(SWEAR, swear, (), complete=False),
    )
    usual = service_genesis()
    exported = MARKUP.replace('"', "\\22")
    code = bytes(wasmtime.wat2wasm(f'(module (func (export "{exported}")) (func (export "{SWEAR}")))'))
    hostile = genesis_contract("hostile", envelope, code=code)
    return msgspec.structs.replace(usual, contracts=(*usual.contracts, hostile))


def _transactions() -> list[list[bytes]]:
    """By block: payments that settle and not, calls of the hostile contract, and some more."""
    slots = (Read(HOSTILE, _BYTES), Write(HOSTILE, _BYTES))
    return [
        [
            transfer(ALICE, 0, CAROL.address, zero=5 * UNITS_PER_TOKEN, gas_limit=50_000),
            transfer(ALICE, 1, BOB.address, general=10_000),
            transfer(BOB, 0, CAROL.address, general=99_000),
            call(CAROL, 0, HOSTILE, MARKUP, (_BYTES,), slots),
            call(CAROL, 1, BURNER, "burn", (1_000,)),
        ],
        [transfer(ALICE, nonce, BOB.address, zero=1) for nonce in range(2, 62)],
        [call(CAROL, 2, HOSTILE, MARKUP, (_BYTES,), slots), call(CAROL, 3, HOSTILE, SWEAR, _sworn())],
    ]


def _sworn() -> tuple[Argument, ...]:
    """An oath that counts for nothing, and whose question is markup."""
    query = View(HOSTILE, MARKUP, (_BYTES,), 100_000, Position(Hash(bytes(32)), 0))
    return encode(query), encode(ViewAnswer(MARKUP, None)), 5, ALICE.address


def _outcome() -> Outcome:
    """As no honest execution of this chain has it."""
    return Outcome(
        failure=None,
        detail="",
        gas_used=1_234,
        return_value=_BYTES,
        logs=(LogEntry(HOSTILE, _BYTES, _BYTES),),
        writes=(SlotWrite(HOSTILE, _BYTES, _BYTES),),
    )


def _ask(engine: sa.Engine, index: PostgresIndex, key_prefix: str) -> None:
    """Jobs of several kinds in every state."""
    head = index.head()
    end = Position(head.hash, 0)
    hashes = [_hash(engine, seq) for seq in range(5)]
    answered: list[Question] = [
        *(PaymentQuestion(one) for one in hashes[1:3]),
        *(LowerBoundQuestion(one.address, end) for one in (ALICE, BOB)),
        *(OutcomeQuestion(one) for one in hashes),
        ViewQuestion(HOSTILE, MARKUP, (_BYTES,), 100_000, end),
    ]
    answer = answering(index, MemoryOutcomes())
    for question in answered:
        job = _asked(engine, index, key_prefix, question)
        assert work(engine, answer, job, MARKUP, JobPolicy()) is Attempt.DONE
    left = [_asked(engine, index, key_prefix, PaymentQuestion(hashes[1])) for _ in range(_JOBS)]
    with engine.begin() as connection:
        rows = Jobs(connection)
        for job in left[:20]:
            lease = rows.take(job, MARKUP, 3_600)
            assert lease is not None
            if job in left[:10]:
                rows.fail(lease, "worker_failed", MARKUP)
            elif job in left[10:15]:
                rows.retry(lease, MARKUP, 3_600)
        for number in connection.scalars(sa.select(jobs.c.number).where(jobs.c.id.in_(left[20:25]))).all():
            rows.cancel(number)


def _asked(engine: sa.Engine, index: PostgresIndex, key_prefix: str, question: Question) -> str:
    with engine.begin() as connection:
        return ask(connection, index, key_prefix, question, False, JobPolicy()).id


def _hash(engine: sa.Engine, seq: int) -> Hash:
    with engine.connect() as connection:
        return Hash(connection.scalars(sa.select(transactions.c.hash).where(transactions.c.seq == seq)).one())


def _write_over(connection: sa.Connection) -> None:
    """Adds rows of what no test of pages makes otherwise, and puts markup into each text that no constraint holds.

    Tables are read from the database, so those that come later are covered too.
    """
    tables = sa.MetaData(schema=SCHEMA)
    tables.reflect(connection)
    for name, rows in _rows(connection).items():
        table = tables.tables.get(f"{SCHEMA}.{name}")
        if table is not None:
            connection.execute(sa.insert(table), rows)
    for table, columns in _free(connection):
        connection.execute(sa.update(table).values({column.name: _markup(column) for column in columns}))


def _free(connection: sa.Connection) -> list[tuple[sa.Table, list[sa.Column[Any]]]]:
    tables = sa.MetaData(schema=SCHEMA)
    tables.reflect(connection)
    inspector = sa.inspect(connection)
    found = []
    for table in tables.sorted_tables:
        checks = " ".join(one["sqltext"] for one in inspector.get_check_constraints(table.name, SCHEMA))
        columns = [column for column in table.columns if _is_free(table, column, checks)]
        if columns:
            found.append((table, columns))
    return found


def _rows(connection: sa.Connection) -> dict[str, list[dict[str, object]]]:
    """By table. Those of monitoring are about now: pages show no older ones."""
    hour = int(time.time()) // 3_600 * 3_600
    raw = connection.execute(sa.text(f"select hash, raw from {SCHEMA}.transactions where seq = 0")).one()
    said = {MARKUP: MARKUP}
    alive = {"beat_at": datetime.now(UTC) + timedelta(hours=1)}  # what a worker computes is shown while it lives
    worker = {"host": MARKUP, "queue": "cpu", "parent_pid": 1, "doing": MARKUP, "memory_bytes": 2**30, **alive}
    operation = {"device": "cpu", "operation": MARKUP, "operation_gas": 10**9, "operation_at": datetime.now(UTC)}
    deposit = {"signer": ALICE.address, "nonce": 0, "purpose": "deposit", "purse": HOSTILE, "units": 1, "cost": 1}
    return {
        "admin_actions": [{"user_name": MARKUP, "action": MARKUP, "target": MARKUP, "before": said, "after": said}],
        "signed_transactions": [{**deposit, "hash": raw.hash, "raw": raw.raw, "refusal": MARKUP}],
        "oaths": [{"id": "oath_1", "job_number": 1, "declined": MARKUP}],
        "publishing": [
            {"signer": ALICE.address, "stopped": MARKUP, "detail": MARKUP, "low": True, "left": 1, "alarm": 2}
        ],
        "bounties": [{"contract": HOSTILE, "seq": 3, "reward": 5, "reason": MARKUP, "detail": MARKUP}],
        "workers": [{**worker, "pid": pid, **operation} for pid in (2, 3)],
        "trainings": [
            {"seq": seq, "job_number": 1, "first_step": 1, "step": 800, "steps": 1_000, "loss": 0.25, "gas": 10**12}
            for seq in (2, 3)
        ],
        "training_losses": [
            {"seq": 2, "part": part, "steps": 1_000, "step": 4 * part + 3, "loss": 2.5 / (1 + part / 8) + part % 7 / 50}
            for part in range(200)
        ],
        "devices": [
            {"host": MARKUP, "device": device, "name": MARKUP, "memory_bytes": 2**35, "used_bytes": 2**33, "share": 0.5}
            for device in ("cpu", "gpu 0")
        ],
        "measured_gas": [
            {"device": "cpu", "kind": kind, "operations": 12_345, "gas": 10**9, "seconds": seconds}
            for kind, seconds in (("", 11.0), ("fit", 12.5), ("matmul8", 7.0), (MARKUP, 40.0))
        ],
        "beats": [
            {"service": service, "host": MARKUP, "pid": 4, "trouble": MARKUP, "figures": said}
            for service in ("dispatcher", "publisher")
        ],
        "metric_points": [
            {"metric": metric, "labels": labels, "resolution_s": 10, "at": at, "count": 1, "sum": at % 700, "max": 700}
            for metric, labels in _SERIES
            for at in range(hour - 3_600, hour + 3_600, 10)
            if at <= time.time()
        ],
        "sampling": [{"only": 1, "closed_before": hour, "sampled_at": datetime.now(UTC), "seconds": 0.1}],
        "dear_hours": [
            {"hour": hour, "party": party, "key": key, "gas": 1_000_000, "runs": 3}
            for party, key in (("contract", HOSTILE), ("contract", BURNER), ("account", CAROL.address))
        ]
        + [
            {"hour": _midnight() - DAY_S // 2, "party": party, "key": key, "gas": gas, "runs": 1}
            for party, key, gas in (
                ("contract", HOSTILE, 7_000_000),
                ("contract", BURNER, 2_000_000),
                ("account", CAROL.address, 9_000_000),
            )
        ],
        "executions": [
            {
                "seq": 5,
                "transaction": raw.hash,
                "gas_limit": 1,
                "queue": "cpu",
                "state": "failed",
                "attempts_most": 5,
                "error_code": "worker_failed",
                "error_detail": MARKUP,
                "finished_at": datetime.now(UTC),
            }
        ],
    }


def _markup(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    text = f"{MARKUP}{column.table.name}.{column.name}"
    value = sa.literal({MARKUP: text}, JSONB) if isinstance(column.type, JSONB) else sa.literal(text)
    return sa.case((column.is_not(None), value), else_=sa.null())


def _is_free(table: sa.Table, column: sa.Column[Any], checks: str) -> bool:
    """Whether any text fits there."""
    if not isinstance(column.type, sa.Text | JSONB) or column.primary_key or column.foreign_keys:
        return False
    if (table.name in _ENTRY and column.name != "agent") or f"{table.name}.{column.name}" in _OURS:
        return False
    unique = [set(one.columns.keys()) for one in table.indexes if one.unique]
    unique += [set(one.columns.keys()) for one in table.constraints if isinstance(one, sa.UniqueConstraint)]
    return not any(column.name in names for names in unique) and not re.search(rf"\b{column.name}\b", checks)
