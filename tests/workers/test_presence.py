"""Workers say that they live, and the verdict follows: real processes, killed."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from accountant.monitoring.measures.service import SILENT_S
from accountant.monitoring.probes import Probed
from accountant.monitoring.reads.health import read_snapshot
from accountant.monitoring.verdict import Verdict, judge
from accountant.storage.database import engine_of
from tests.support.processes import wait_until
from tests.support.service import Service, running_service, small_chain
from tests.support.workers import DISPATCHER, done, end, starting, worker
from workers.presence import GpuUse, gpu_use


@pytest.fixture
def service(database_url: str, redis_url: str, data_dir: Path) -> Iterator[Service]:
    with running_service(database_url, redis_url, data_dir) as running:
        yield running


def verdict(engine: sa.Engine) -> Verdict:
    """The verdict, with a node and a broker that answer."""
    with engine.connect() as connection:
        return judge(read_snapshot(connection, Probed(3, 0, True, 2**40, 2**40)))


def causes(engine: sa.Engine) -> set[str]:
    return {cause.code for cause in verdict(engine).causes}


def pids(engine: sa.Engine) -> list[int]:
    with engine.connect() as connection:
        rows = connection.execute(
            sa.text(
                "select pid from accountant.workers where stopped_at is null "
                "and beat_at > clock_timestamp() - interval '6 s' order by number"
            )
        )
        return list(rows.scalars())


def test_a_killed_worker_is_missed_within_ten_seconds_and_back(
    service: Service, database_url: str, redis_url: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker's row tells what it took and does; killed, it is a cause within ten seconds, until replaced."""
    assert SILENT_S < 10, "that is when it is missed, however long a busy machine takes to show it"
    monkeypatch.setattr("accountant.monitoring.reads.health.JUST_S", 9.0)  # the test is to end sooner
    engine = engine_of(database_url)
    with starting(database_url, redis_url, data_dir) as start:
        start(*DISPATCHER)
        first = start(*worker(processes=1))
        wait_until(lambda: len(pids(engine)) == 1, 60)
        with service.client() as client:
            question = {"transaction": "0x" + small_chain().settled.hex()}
            job = client.post("/v1/payments/verifications", json=question).json()["id"]
            done(client, job)
        wait_until(lambda: _consumed(engine) == [(1, None, "cpu")])
        wait_until(lambda: not causes(engine) & {"workers_gone", "dispatcher_silent"})
        with engine.connect() as connection:
            figures = connection.execute(
                sa.text("select executed, skipped, gas_executed > 0 from accountant.job_figures")
            ).one()
            counted = connection.scalars(sa.text("select name from accountant.tallies")).all()
        assert tuple(figures) == (0, 8, True), "transfers are told from the chain, gas is that of telling"
        assert "outcome_lookups_missing" in counted
        os.kill(pids(engine)[-1], signal.SIGKILL)  # of the pool alone: the pool makes another
        wait_until(lambda: bool(causes(engine) & {"workers_gone", "workers_died"}))
        wait_until(lambda: not causes(engine) & {"workers_gone", "workers_died"}, 60)
        end(first)
        wait_until(lambda: "workers_gone" in causes(engine))
    engine.dispose()


def _consumed(engine: sa.Engine) -> list[tuple[int, str | None, str]]:
    with engine.connect() as connection:
        rows = connection.execute(sa.text("select consumed, doing, queue from accountant.workers order by number"))
        return [tuple(row) for row in rows]


def test_gpus_are_read_from_what_their_tool_says() -> None:
    """The busiest of several counts, memories are added; anything else is nothing."""
    assert gpu_use("12, 1024\n99, 2048\n") == GpuUse(0.99, 3072 * 2**20)
    assert gpu_use("No devices were found") is None
    assert gpu_use("") is None
    assert gpu_use("[N/A], [N/A]") is None
