"""A seeded database for pages whose every stored text is hostile, and reading pages back."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from typing import Any

import sqlalchemy as sa

from accountant.accounting.certificate import Verdict, ViewCertificate
from accountant.dashboard.resources import DashboardResources
from accountant.monitoring.probes import Probed
from accountant.monitoring.sampler import sample
from accountant.primitives.encoding import encode
from accountant.primitives.hashes import sha256
from accountant.storage.admins import Role
from tests.support.dashboard import Visitor, add_user, dashboard
from tests.support.metrics import fill

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7331 * 7331 }}"
"""Markup, an end of an attribute, and a template's expression."""

SLICE = [sha256(str(seq).encode()) for seq in range(15)]
EXECUTED = SLICE[3:9]

_HOSTILE_STATEMENTS = (
    "insert into accountant.api_keys (prefix, secret_sha256) values (:hostile, '\\x00')",
    "insert into accountant.jobs (id, key_prefix, kind, request, queue, attempts_most, state, why_waiting) "
    "values ('hostile_waiting', :hostile, 'query', '\\x00', 'cpu', 5, 'waiting', :hostile)",
    "insert into accountant.jobs (id, key_prefix, kind, request, queue, attempts_most, attempts, state, lease_owner, "
    "lease_until, created_at, started_at) values ('hostile_running', :hostile, 'view', '\\x00', 'cpu', 5, 1, "
    "'running', :hostile, now() + interval '1 h', now() - interval '2 s', now())",
    "insert into accountant.jobs (id, key_prefix, kind, request, queue, attempts_most, attempts, state, error_code, "
    "error_detail, created_at, started_at, finished_at) values ('hostile_failed', :hostile, 'payment_verification', "
    "'\\x00', 'cpu', 5, 5, 'failed', :hostile, :hostile, now() - interval '10 s', "
    "now() - interval '9 s', now() - interval '2 s')",
    "insert into accountant.job_events (job_number, at, state, gas_executed, why_waiting) "
    "select number, now() - interval '10 s', 'queued', 0, :hostile from accountant.jobs where id like 'hostile%'",
    "insert into accountant.job_events (job_number, at, state, gas_executed, executions) "
    "select number, now() - interval '4 s', state, 1234567, 2 from accountant.jobs where id like 'hostile%'",
    "insert into accountant.executions (seq, transaction, gas_limit, queue, state, attempts, attempts_most) "
    "values (20, sha256('20'::bytea), 100000, 'cpu', 'queued', 1, 5)",
    "insert into accountant.executions (seq, transaction, gas_limit, queue, state, attempts, attempts_most, "
    "error_code, error_detail, finished_at) values (21, sha256('21'::bytea), 100000, 'cpu', 'failed', 5, 5, :hostile, "
    ":hostile, now() - interval '30 s')",
    "insert into accountant.execution_waits (seq, job_number, charged) "
    "select 20, number, true from accountant.jobs where id = 'hostile_waiting'",
    "insert into accountant.workers (host, queue, pid, parent_pid, memory_bytes, doing, consumed, consumed_at) "
    "values (:hostile, :hostile, 7, 6, 123456789, :hostile, 42, now() - interval '3 s')",
    "insert into accountant.workers (host, queue, pid, parent_pid, beat_at, doing) "
    "values ('here', 'cpu', 3, 1, now() - interval '60 s', 'execution of 20')",
    "insert into accountant.workers (host, queue, pid, parent_pid, beat_at, stopped_at, consumed) "
    "values ('here', 'cpu', 4, 1, now() - interval '90 s', now() - interval '90 s', 1000)",
    "insert into accountant.beats (service, host, pid, trouble) values ('dispatcher', :hostile, 9, :hostile)",
    "insert into accountant.beats (service, host, pid, beat_at) "
    "values ('publisher', 'here', 10, now() - interval '60 s')",
    "insert into accountant.tallies (name, value) values ('outcome_lookups_hot', 60), ('outcome_lookups_database', 30),"
    " ('outcome_lookups_missing', 10), ('flight_waits', 3), ('flight_wait_ms', 4500)",
    "update accountant.outcomes set executions = 3 where seq = 4",
    # the inverted file as the importer writes it: 'g' and the sender with EXPENSE, 'c' and the callee with CALL
    "insert into accountant.postings (seq, cap, kind, key) "
    "select seq, 0, 7, 'g'::bytea || sender from accountant.transactions",
    "insert into accountant.postings (seq, cap, kind, key) "
    "select seq, 0, 4, 'c'::bytea || \"to\" from accountant.transactions",
)


def fill_hostile(engine: sa.Engine) -> None:
    """The history of `metrics.fill`, hostile rows besides, and a job with a certificate over fifteen transactions."""
    fill(engine)
    certificate = ViewCertificate(
        verdict=Verdict.ACCEPTED,
        reason=None,
        query=HOSTILE.encode(),
        answer=HOSTILE.encode(),
        executed=tuple(EXECUTED),
        gas_executed=6_000,
        gas_everything=3_000_000,
        cache_hits=9,
        slice=tuple(SLICE),
    )
    with engine.begin() as connection:
        for statement in _HOSTILE_STATEMENTS:
            connection.execute(sa.text(statement), {"hostile": HOSTILE})
        connection.execute(
            sa.text("update accountant.jobs set certificate = :raw where id = 'done1'"), {"raw": encode(certificate)}
        )
        for party, key in (("contract", 't."to"'), ("account", "t.sender")):
            connection.execute(
                sa.text(
                    "insert into accountant.job_parties (job_number, party, key, gas, runs) "
                    f"select j.number, '{party}', {key}, sum(o.gas_used), count(*) from accountant.jobs j, "
                    "accountant.transactions t join accountant.outcomes o using (seq) "
                    "where j.id in ('done1', 'done2') and t.seq between 3 and 8 group by 1, 3"
                )
            )


@contextmanager
def hostile_dashboard(database_url: str) -> Iterator[DashboardResources]:
    """A dashboard over such a database, sampled once, with a user of each role named after it."""
    with dashboard(database_url) as made:
        fill_hostile(made.engine)
        sample(made.engine, Probed())
        for role in Role:
            add_user(made.engine, role.word, role)
        yield made


def signed_in(resources: DashboardResources, role: Role) -> Visitor:
    """Somebody of this role."""
    visitor = Visitor(resources)
    assert visitor.sign_in(role.word).status_code == 303
    return visitor


def rows(engine: sa.Engine, query: str, **given: object) -> list[tuple[Any, ...]]:
    """The rows of a statement as somebody writes it by hand."""
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(query), given)]


def table(text: str, caption: str) -> list[list[str]]:
    """The cells of the body of a page's table, as they are read; by how its caption begins."""
    for found in re.findall(r"<table>(.*?)</table>", text, re.S):
        title = re.search(r"<caption>(.*?)</caption>", found, re.S)
        if title is not None and _read(title[1]).startswith(caption):
            body = found.split("<tbody", 1)[1]
            return [
                [_read(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)]
                for row in re.findall(r"<tr[^>]*>(.*?)</tr>", body, re.S)
            ]
    raise AssertionError(f"no table {caption!r}")


def figures(text: str) -> dict[str, str]:
    """The figures of a page, by their labels."""
    pattern = r"<dt>(.*?)</dt>\s*<dd>(.*?)(?:<small>.*?</small>)?</dd>"
    return {_read(label): _read(value) for label, value in re.findall(pattern, text, re.S)}


def _read(markup: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", markup)).strip()


def assert_inert(text: str) -> None:
    """Nothing that is stored became markup, and no template ran what is stored."""
    assert "<script>alert" not in text and "<img" not in text.replace('<img src="/static/', "")
    assert "onerror=alert(2)>" not in text
    assert str(7331 * 7331) not in text
