"""`accountant up`, as a user runs it: everything starts, answers, and is gone afterwards."""

import signal
import sys
from pathlib import Path

import httpx

from accountant.settings import Settings
from accountant.supervisor.processes import processes
from tests.support.processes import gone, wait_until
from tests.support.running_up import pids_in, running_up

PROCESSES = {spec.name for spec in processes(Settings())}


def _asks(url: str, key: str) -> tuple[int, int, int]:
    """The statuses of a look at readiness, of a route with the key, and of the same without it."""
    known = httpx.get(f"{url}/jobs", headers={"Authorization": f"Bearer {key}"}).status_code
    return httpx.get(f"{url}/readiness").status_code, known, httpx.get(f"{url}/jobs").status_code


def test_up_from_nothing_through_a_kill_to_a_clean_end(data_dir: Path) -> None:
    """With nothing configured all runs and answers; after SIGKILL it starts on the same folder, key and port included,
    with no orphan left; SIGTERM ends it with status 0 and nothing runs on. It says nothing but its greeting: what its
    processes say is in files."""
    errors, logs = data_dir / "err", data_dir / "logs"
    ledgers = (data_dir / "run" / "ledger.json", data_dir / "servers" / "ledger.json")
    with running_up(data_dir) as (program, url, key):
        assert _asks(url, key) == (200, 200, 401)
        pids = pids_in(*ledgers)
        assert set(pids) == PROCESSES | {"postgres", "valkey"}
        assert errors.read_text() == ""
        assert {path.stem for path in logs.iterdir()} == PROCESSES
        assert "superuser" not in (logs / "worker.log").read_text()
        program.kill()
        program.wait()
        if sys.platform == "linux":
            wait_until(lambda: all(gone(pid) for pid in pids.values()))
    with running_up(data_dir) as (program, url, same_key):
        assert same_key == key
        assert all(gone(pid) for pid in pids.values())
        assert _asks(url, key) == (200, 200, 401)
        pids = pids_in(*ledgers)
        program.send_signal(signal.SIGTERM)
        assert program.wait(40) == 0
    wait_until(lambda: all(gone(pid) for pid in pids.values()))


def test_up_with_servers_of_your_own(data_dir: Path, empty_database_url: str, redis_url: str) -> None:
    """With DATABASE_URL and REDIS_URL set those are used, none is started, and Ctrl-C leaves them running. Processes
    log to standard error if asked to."""
    servers = {"DATABASE_URL": empty_database_url, "REDIS_URL": redis_url}
    with running_up(data_dir, ANH_LOG_TO="stderr", **servers) as (program, url, key):
        assert _asks(url, key) == (200, 200, 401)
        assert not (data_dir / "servers").exists()
        pids = pids_in(data_dir / "run" / "ledger.json")
        assert set(pids) == PROCESSES
        assert not (data_dir / "logs").exists()
        wait_until(lambda: "publisher_started" in (data_dir / "err").read_text())
        program.send_signal(signal.SIGINT)
        assert program.wait(40) == 0
    wait_until(lambda: all(gone(pid) for pid in pids.values()))
