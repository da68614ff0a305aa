"""Workers say that they live, and the verdict follows: real processes, killed."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from accountant.monitoring.measures.service import SILENT_S
from accountant.monitoring.presence import DeviceUse, WorkerRow, tell_devices
from accountant.monitoring.probes import Probed
from accountant.monitoring.reads.health import read_snapshot
from accountant.monitoring.verdict import Verdict, judge
from accountant.storage.database import engine_of, migrate
from tests.support.processes import wait_until
from tests.support.service import Service, running_service, small_chain
from tests.support.workers import DISPATCHER, done, end, starting, worker
from workers import machine
from workers.machine import Machine


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
        wait_until(lambda: _measured(engine) == [("cpu", "")])
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


def _measured(engine: sa.Engine) -> list[tuple[str, str]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text("select device, kind from accountant.measured_gas"))]


class Driver:
    """NVIDIA's library as it would be on a machine with two GPUs, of which the second does not answer."""

    class NVMLError(Exception):
        """What the library raises."""

    def nvmlInit(self) -> None:
        """There is a driver."""

    def nvmlDeviceGetCount(self) -> int:
        return 2

    def nvmlDeviceGetHandleByIndex(self, number: int) -> int:
        if number:
            raise self.NVMLError
        return number

    def nvmlDeviceGetName(self, _gpu: int) -> str:
        return "NVIDIA H200"

    def nvmlDeviceGetMemoryInfo(self, _gpu: int) -> SimpleNamespace:
        return SimpleNamespace(total=2**37, used=2**30)

    def nvmlDeviceGetUtilizationRates(self, _gpu: int) -> SimpleNamespace:
        return SimpleNamespace(gpu=99)


def test_a_machine_tells_of_its_processor_and_its_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """The processor always; GPUs that answer where there is a driver, none without one or without its library."""
    monkeypatch.setattr(machine, "pynvml", Driver())
    processor, gpu = Machine().devices()
    assert processor.device == "cpu" and 0 <= processor.share <= 1
    assert 0 < processor.used_bytes < processor.memory_bytes
    assert gpu == DeviceUse("gpu 0", "NVIDIA H200", 2**37, 2**30, 0.99)
    monkeypatch.setattr(machine, "pynvml", None)
    assert [one.device for one in Machine().devices()] == ["cpu"]
    monkeypatch.setattr(machine, "pynvml", broken := Driver())
    monkeypatch.setattr(broken, "nvmlInit", _no_driver)
    assert [one.device for one in Machine().devices()] == ["cpu"]


def _no_driver() -> None:
    raise Driver.NVMLError


def test_a_processor_is_named_as_its_maker_does(tmp_path: Path) -> None:
    """Or by what it is, where nobody says."""
    said = tmp_path / "cpuinfo"
    said.write_text("processor : 0\nmodel name\t: A Processor @ 2 GHz\n")
    assert machine.processor_name(said).startswith("A Processor @ 2 GHz, ")
    assert machine.processor_name(tmp_path / "none").endswith(" cores")


def test_devices_are_told_again_and_again(database_url: str) -> None:
    """One row a device, as it was told last; the busiest GPU also stands with the processes that the teller started."""
    migrate(database_url)
    engine = engine_of(database_url)
    row = WorkerRow("gpu")
    with engine.begin() as connection:
        row.beat(connection)
        connection.execute(sa.text("update accountant.workers set parent_pid = :own"), {"own": os.getpid()})
        processor = DeviceUse("cpu", "a", 100, 10, 0.5)
        tell_devices(connection, [processor])
        assert connection.execute(sa.text("select gpu_share from accountant.workers")).scalar_one() is None
        gpus = [DeviceUse(f"gpu {number}", "g", 1_000, 100 + number, 0.25 * number) for number in range(3)]
        tell_devices(connection, [processor._replace(share=0.75), *gpus])
        told = connection.execute(sa.text("select device, share from accountant.devices order by device")).all()
        assert [tuple(one) for one in told] == [("cpu", 0.75), ("gpu 0", 0.0), ("gpu 1", 0.25), ("gpu 2", 0.5)]
        use = connection.execute(sa.text("select gpu_share, gpu_memory_bytes from accountant.workers")).one()
        assert tuple(use) == (0.5, 303)
    engine.dispose()
