"""`accountant up` that is killed or stopped while a job runs."""

import signal
import subprocess
from pathlib import Path

import httpx
import psutil

from accountant.primitives.types import AMOUNT_MAX
from tests.support.processes import gone, wait_until
from tests.support.running_up import pids_in, running_up
from tests.support.whole_chain import begin_chain, burn

SETTINGS = {
    "ANH_JOB_LEASE_S": "2",
    "ANH_JOB_PATIENCE_S": "5",
    "ANH_BLOCK_INTERVAL_S": "0.2",
    "ANH_DELEGATE_GAS": str(AMOUNT_MAX),  # the job that is killed executes by itself
}
STOP_DEADLINE_S = 20  # the setting's default


def _running_job(api: httpx.Client, nonce: int) -> str:
    """Asks about a call that takes some seconds; the job's path, when a worker is at it."""
    location = api.post("/transactions", json={"transaction": "0x" + burn(nonce, 3.0).hex()}).headers["location"]
    wait_until(lambda: api.get(location.removeprefix("/v1")).status_code == 200)
    asked = api.post("/payments/verifications", json={"transaction": location.rpartition("/")[2]})
    job: str = asked.headers["location"].removeprefix("/v1")
    wait_until(lambda: _status(api, job) == "running")
    return job


def _status(api: httpx.Client, job: str) -> str:
    status: str = api.get(job).json()["status"]
    return status


def _api(url: str, key: str) -> httpx.Client:
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30, trust_env=False)


def _family(program: "subprocess.Popen[str]") -> list[psutil.Process]:
    """All that descends from a program: children of children too."""
    found: list[psutil.Process] = psutil.Process(program.pid).children(recursive=True)
    return found


def test_a_job_outlives_a_kill_and_no_stop_waits_for_a_job(data_dir: Path) -> None:
    """SIGKILL in mid-job: the next start on the folder finds no process of the first, keeps the key, and the job ends,
    once. Ctrl-C in mid-job: exit status 0 within the deadline, and nothing runs on."""
    begin_chain(data_dir / "chain")
    with running_up(data_dir, **SETTINGS) as (program, url, key):
        with _api(url, key) as api:
            job = _running_job(api, 0)
        family = _family(program)
        named = pids_in(data_dir / "run" / "ledger.json", data_dir / "servers" / "ledger.json")
        assert set(named.values()) < {process.pid for process in family}
        program.kill()
        program.wait()
    with running_up(data_dir, **SETTINGS) as (program, url, same_key):
        assert same_key == key
        assert [process for process in family if process.is_running() and not gone(process.pid)] == []
        with _api(url, key) as api:
            wait_until(lambda: _status(api, job) not in ("queued", "running"), 60)
            ended = api.get(job).json()
            assert (ended["status"], ended["attempts"]) == ("done", 2)
            assert ended["result"]["verdict"] == "accepted"
            assert api.get(f"{job}/events").text.count('"status":"done"') == 1
            _running_job(api, 1)
        family = _family(program)
        program.send_signal(signal.SIGINT)
        assert program.wait(2 * STOP_DEADLINE_S) == 0  # what is left after the deadline is killed, servers last
    wait_until(lambda: all(gone(process.pid) for process in family))
