"""The watch list: each audit that is due is asked for once, whoever dies; none while the last one has not ended."""

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context

import pytest
import sqlalchemy as sa

from accountant.primitives.hashes import sha256
from accountant.primitives.types import ContractId
from accountant.services.sweep import sweep
from accountant.services.watch import WatchListFull, ask_due_audits, watch
from accountant.storage import job_tables
from accountant.storage.database import migrate
from accountant.storage.jobs import Jobs, JobState
from accountant.storage.watch_list import Watch, WatchList, WatchRow
from tests.support.auditor import POLICY, Auditor
from tests.support.index_chain import emptied
from tests.support.watching import ask_for_ever

HOUR = 3_600


@pytest.fixture(scope="module")
def migrated(module_database_url: str) -> str:
    migrate(module_database_url)
    return module_database_url


@pytest.fixture
def auditor(migrated: str, redis_url: str) -> Iterator[Auditor]:
    emptied(migrated)
    with ExitStack() as stack:
        yield Auditor(migrated, redis_url, stack)


def put(auditor: Auditor, contract: ContractId, interval_s: int = HOUR) -> WatchRow:
    with auditor.engine.begin() as connection:
        return watch(connection, auditor.key_prefix, Watch(contract, interval_s, 0, False))


def rows(auditor: Auditor) -> list[WatchRow]:
    with auditor.engine.connect() as connection:
        return WatchList(connection).all(auditor.key_prefix)


def jobs(auditor: Auditor) -> int:
    with auditor.engine.connect() as connection:
        return int(connection.execute(sa.text("select count(*) from accountant.jobs")).scalar_one())


def make_due(auditor: Auditor) -> None:
    with auditor.engine.begin() as connection:
        connection.execute(sa.text("update accountant.watch_list set due_at = clock_timestamp() - interval '1 day'"))


def test_a_watched_contract_is_audited_again_and_again(auditor: Auditor) -> None:
    """At once when it is put on the list; then when the interval is over and the last audit has ended, once."""
    put(auditor, auditor.sworn.purse)
    assert sweep(auditor.engine, POLICY, False).audits == 1 and sweep(auditor.engine, POLICY, False).audits == 0
    (row,) = rows(auditor)
    assert row.last_job is not None
    make_due(auditor)
    assert ask_due_audits(auditor.engine, POLICY) == 0  # the first one has not ended
    auditor.work(row.last_job)
    found = auditor.found(row.last_job)
    assert found.contract == auditor.sworn.purse and found.gas_executed == 0
    assert ask_due_audits(auditor.engine, POLICY) == 1 and jobs(auditor) == 2
    (later,) = rows(auditor)
    assert later.last_job not in (None, row.last_job) and later.due_at > row.due_at  # one, though a day was missed


def test_an_audit_at_its_time_is_about_the_head_then(auditor: Auditor) -> None:
    """The position is the head when the audit is asked for, and the job belongs to the list's key."""
    put(auditor, auditor.sworn.purse)
    ask_due_audits(auditor.engine, POLICY)
    (row,) = rows(auditor)
    assert row.last_job is not None
    auditor.work(row.last_job)
    found = auditor.found(row.last_job)
    assert (found.previous_hash, found.index) == (auditor.index.head().hash, 0)
    with auditor.engine.connect() as connection:
        assert Jobs(connection).get(row.last_job, auditor.key_prefix) is not None


def test_several_at_once_ask_once(auditor: Auditor) -> None:
    """Of many rounds at the same instant one asks for each audit."""
    for i in range(20):
        put(auditor, ContractId(sha256(bytes([i]))))
    with ThreadPoolExecutor(8) as pool:
        asked = list(pool.map(lambda _: ask_due_audits(auditor.engine, POLICY), range(32)))
    assert sum(asked) == jobs(auditor) == 20


def test_no_doubles_under_kills(auditor: Auditor, migrated: str) -> None:
    """Processes that ask for due audits are killed at any moment: each contract has one audit, with its message, and
    the row names it.
    """
    context, seeded = get_context("spawn"), random.Random(4)
    for i in range(60):
        put(auditor, ContractId(sha256(bytes([i]))))
    processes = [context.Process(target=ask_for_ever, args=(migrated,)) for _ in range(2)]
    for process in processes:
        process.start()
    deadline = time.monotonic() + 60
    while jobs(auditor) == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    for round_ in range(25):
        if round_ in (8, 16):
            victim = processes[round_ // 8 - 1]
            victim.kill()
            victim.join(60)
        with auditor.engine.begin() as connection:  # all end, and all are due again
            ended = {"state": JobState.CANCELLED, "finished_at": sa.func.clock_timestamp()}
            connection.execute(
                sa.update(job_tables.jobs).values(**ended).where(job_tables.jobs.c.finished_at.is_(None))
            )
        make_due(auditor)
        time.sleep(seeded.random() * 0.05)
    while ask_due_audits(auditor.engine, POLICY):
        pass
    with auditor.engine.connect() as connection:
        open_ones = connection.execute(
            sa.text(
                "select w.contract, count(j.id), count(o.number) from accountant.watch_list w "
                "join accountant.jobs j on j.id = w.last_job left join accountant.outbox o on o.job_number = j.number "
                "where j.finished_at is null group by w.contract"
            )
        ).all()
        unfinished = connection.execute(
            sa.text("select count(*) from accountant.jobs where finished_at is null")
        ).scalar_one()
    assert len(open_ones) == unfinished == 60 and all(tuple(row[1:]) == (1, 1) for row in open_ones)


def test_a_round_that_dies_asks_for_nothing(auditor: Auditor, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a round ends between a job and its date, neither is there; the next round asks."""
    put(auditor, auditor.sworn.purse)

    def dies(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(WatchList, "asked", dies)
        with pytest.raises(ConnectionError):
            ask_due_audits(auditor.engine, POLICY)
    assert jobs(auditor) == 0
    assert ask_due_audits(auditor.engine, POLICY) == 1


def test_a_revoked_keys_list_rests(auditor: Auditor) -> None:
    """Nothing is asked for a key that is valid no more."""
    put(auditor, auditor.sworn.purse)
    with auditor.engine.begin() as connection:
        connection.execute(sa.text("update accountant.api_keys set revoked_at = now()"))
    assert ask_due_audits(auditor.engine, POLICY) == 0


def test_changing_how_a_contract_is_watched(auditor: Auditor) -> None:
    """It stays one row; a shorter interval makes the next audit due earlier, a longer one leaves it."""
    put(auditor, auditor.sworn.purse)
    ask_due_audits(auditor.engine, POLICY)
    (before,) = rows(auditor)
    longer = put(auditor, auditor.sworn.purse, 2 * HOUR)
    assert longer.due_at == before.due_at and longer.interval_s == 2 * HOUR and longer.last_job == before.last_job
    assert put(auditor, auditor.sworn.purse, 60).due_at < before.due_at
    assert len(rows(auditor)) == 1


def test_a_list_has_an_end(auditor: Auditor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full list takes no more contracts, but changes of those that it has."""
    monkeypatch.setattr("accountant.services.watch.WATCHED_MOST", 1)
    put(auditor, auditor.sworn.purse)
    put(auditor, auditor.sworn.purse, 60)
    with pytest.raises(WatchListFull):
        put(auditor, ContractId(bytes(32)))
