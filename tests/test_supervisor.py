"""One parent starts, watches and stops everything, and whatever happens to it nothing is left running."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from accountant.processes.ledger import Entry, session_members
from accountant.processes.lock import FolderInUse
from accountant.settings import Settings
from accountant.storage.embedded import EmbeddedServers
from accountant.supervisor import stack as stack_module
from accountant.supervisor.process import Backoff, ProcessSpec
from accountant.supervisor.stack import StartFailed
from tests.support.processes import gone, wait_until
from tests.support.small_stack import DEAF, QUICK, python, small_stack, web

HEALTHY_ONCE = """
import pathlib, sys, time
began = pathlib.Path(sys.argv[1])
if not began.exists():
    began.touch()
    time.sleep(1.5)
sys.exit(3)
"""
ROOT = Path(__file__).parents[1]


@pytest.fixture
def urls(servers: EmbeddedServers) -> tuple[str, str]:
    """The URLs of servers that already run: a stack that is given them starts none."""
    return servers.database_url, servers.redis_url


@contextmanager
def _stack_program(data_dir: Path, urls: tuple[str, str] | None) -> Iterator["subprocess.Popen[str]"]:
    """A small stack in a process of its own, up; killed at the end if it still runs."""
    argv = [sys.executable, "-m", "tests.support.small_stack", str(data_dir), *(urls or ())]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout is not None
            assert program.stdout.readline().startswith("up http://127.0.0.1:")
            yield program
        finally:
            program.kill()


def _pids(data_dir: Path, ledger: str = "run/ledger.json") -> dict[str, int]:
    return {entry["name"]: entry["pid"] for entry in json.loads((data_dir / ledger).read_text())}


def _diary(data_dir: Path) -> list[str]:
    diary = data_dir / "diary"
    return diary.read_text().splitlines() if diary.exists() else []


def test_everything_starts_in_order_and_stops_in_reverse(data_dir: Path, urls: tuple[str, str]) -> None:
    """Processes serve inside the `with`, get the settings as environment, and end in reverse order after it."""
    with small_stack(data_dir, urls) as stack:
        assert stack.api_key == "the-key"
        assert httpx.get(f"{stack.api_url}/DATABASE_URL").text == urls[0]
        assert httpx.get(f"{stack.api_url}/REDIS_URL").text == urls[1]
        assert httpx.get(f"{stack.api_url}/ANH_DATA_DIR").text == str(data_dir)
        wait_until(lambda: sorted(_diary(data_dir)) == ["first started", "second started"])
        pids = _pids(data_dir)
        assert list(pids) == ["web", "first", "second"]
    assert _diary(data_dir)[2:] == ["second ended", "first ended"]
    assert all(gone(pid) for pid in pids.values())
    assert _pids(data_dir) == {}
    assert (data_dir / "logs" / "web.log").stat().st_mode & 0o077 == 0 or (
        data_dir / "logs"
    ).stat().st_mode & 0o077 == 0


def test_without_urls_it_starts_servers_of_its_own(data_dir: Path) -> None:
    """With no URLs set the stack brings up embedded servers, revives one that dies, and stops them at the end."""
    with small_stack(data_dir, None) as stack:
        assert httpx.get(f"{stack.api_url}/DATABASE_URL").text == stack.database_url
        pids = _pids(data_dir, "servers/ledger.json")
        os.kill(pids["valkey"], signal.SIGKILL)
        wait_until(lambda: _pids(data_dir, "servers/ledger.json").get("valkey") not in (None, pids["valkey"]))
        pids = _pids(data_dir, "servers/ledger.json")
        assert set(pids) == {"postgres", "valkey"}
    assert all(gone(pid) for pid in pids.values())


def test_a_crashed_process_is_started_again(data_dir: Path, urls: tuple[str, str]) -> None:
    """A killed process comes back under a new number, and the others keep theirs."""
    with small_stack(data_dir, urls) as stack:
        before, others = stack.pid("first"), (stack.pid("web"), stack.pid("second"))
        assert before is not None
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: stack.starts("first") == 2 and stack.pid("first") is not None)
        assert stack.pid("first") != before
        assert (stack.pid("web"), stack.pid("second")) == others


def test_patience_grows_with_crashes(data_dir: Path, urls: tuple[str, str]) -> None:
    """A process that always crashes is started at growing intervals, not in a busy loop."""

    def processes(settings: Settings) -> Sequence[ProcessSpec]:
        return web(settings), python("crasher", HEALTHY_ONCE, str(data_dir / "began"))

    with small_stack(data_dir, urls, processes) as stack:
        wait_until(lambda: stack.starts("crasher") >= 3)
        since, starts = time.monotonic(), stack.starts("crasher")
        time.sleep(2.0)
        assert stack.starts("crasher") - starts <= (time.monotonic() - since) / QUICK.most_s


def test_backoff_doubles_up_to_its_most() -> None:
    """The wait doubles with each crash in a row and stays at the most, however many there were."""
    backoff = Backoff(first_s=0.5, most_s=30.0)
    assert [backoff.after(crashes) for crashes in (1, 2, 3, 7, 8, 10_000)] == [0.5, 1.0, 2.0, 30.0, 30.0, 30.0]


def test_a_deaf_process_is_killed_with_its_children(data_dir: Path, urls: tuple[str, str]) -> None:
    """What ignores SIGTERM is killed at its deadline, descendants included, and stopping takes no longer."""

    def processes(settings: Settings) -> Sequence[ProcessSpec]:
        return web(settings), python("deaf", DEAF, stop_s=90.0)

    with small_stack(data_dir, urls, processes, stop_deadline_s=1.0) as stack:
        pid = stack.pid("deaf")
        assert pid is not None
        entry = Entry("deaf", pid, psutil.Process(pid).create_time())
        wait_until(lambda: len(session_members(entry)) == 2)
        family = [member.pid for member in session_members(entry)]
        began = time.monotonic()
    assert time.monotonic() - began < 45.0
    wait_until(lambda: all(gone(member) for member in family))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_stop_it_cleanly(data_dir: Path, number: signal.Signals) -> None:
    """SIGTERM and Ctrl-C end processes and embedded servers, and the supervisor exits with 0."""
    with _stack_program(data_dir, None) as program:
        pids = {**_pids(data_dir), **_pids(data_dir, "servers/ledger.json")}
        assert set(pids) == {"web", "first", "second", "postgres", "valkey"}
        program.send_signal(number)
        assert program.wait(60) == 0
    assert all(gone(pid) for pid in pids.values())
    assert _diary(data_dir)[-2:] == ["second ended", "first ended"]


def test_a_killed_supervisor_leaves_no_orphan(data_dir: Path) -> None:
    """After SIGKILL of the supervisor all its children end, and it starts again on the same folder."""
    with _stack_program(data_dir, None) as program:
        pids = {**_pids(data_dir), **_pids(data_dir, "servers/ledger.json")}
        program.kill()
        program.wait()
        if sys.platform == "linux":
            wait_until(lambda: all(gone(pid) for pid in pids.values()))
        with small_stack(data_dir, None) as stack:
            assert all(gone(pid) for pid in pids.values())
            assert httpx.get(f"{stack.api_url}/ANH_DATA_DIR").text == str(data_dir)


def test_orphans_of_an_earlier_run_are_ended(data_dir: Path, urls: tuple[str, str]) -> None:
    """A process that outlived an earlier supervisor, with a child of its own, is ended before anything starts."""
    with subprocess.Popen([sys.executable, "-c", DEAF], start_new_session=True) as orphan:
        entry = Entry("deaf", orphan.pid, psutil.Process(orphan.pid).create_time())
        wait_until(lambda: len(session_members(entry)) == 2)
        family = [member.pid for member in session_members(entry)]
        (data_dir / "run").mkdir()
        rows = [{"name": entry.name, "pid": entry.pid, "began": entry.began}]
        (data_dir / "run" / "ledger.json").write_text(json.dumps(rows))
        os.kill(orphan.pid, signal.SIGKILL)  # the leader is gone, its child is what is left
        orphan.wait()
        with small_stack(data_dir, urls):
            assert all(gone(pid) for pid in family)


def test_a_second_start_on_the_folder_is_refused(data_dir: Path, urls: tuple[str, str]) -> None:
    """While a stack runs on a folder another one is refused by name of its owner, and the first runs on."""
    with small_stack(data_dir, urls) as stack:
        pids = _pids(data_dir)
        with pytest.raises(FolderInUse, match=str(os.getpid())):
            small_stack(data_dir, urls).start()
        assert _pids(data_dir) == pids
        assert httpx.get(f"{stack.api_url}/ANH_DATA_DIR").status_code == 200


def test_a_process_that_never_gets_ready_fails_the_start(
    data_dir: Path, urls: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that lives and does not serve fails the start when the patience is over."""
    monkeypatch.setattr(stack_module, "_READY_S", 0.5)
    idle = ProcessSpec("idle", ("sleep", "600"), ready=lambda: False)
    stack = small_stack(data_dir, urls, lambda _settings: (idle,))
    with pytest.raises(StartFailed, match="idle is not ready"):
        stack.start()
    assert stack.pid("idle") is None


def test_a_process_that_keeps_crashing_fails_the_start(data_dir: Path, urls: tuple[str, str]) -> None:
    """The start fails after a few crashes with the end of the process's log, and stops what had started."""

    def processes(settings: Settings) -> Sequence[ProcessSpec]:
        return web(settings), python("broken", "raise SystemExit('no such port')")

    stack = small_stack(data_dir, urls, processes)
    with pytest.raises(StartFailed, match=r"broken does not stay up(.|\n)*no such port"):
        stack.start()
    assert stack.pid("web") is None
    assert _pids(data_dir) == {}
    with small_stack(data_dir, urls) as again:
        assert again.pid("web") is not None


def test_a_missing_program_is_named(data_dir: Path, urls: tuple[str, str]) -> None:
    """A spec whose program does not exist fails the start, and its log says which it was."""
    missing = ProcessSpec("missing", ("/no/such/program",), backoff=QUICK)
    with pytest.raises(StartFailed, match="/no/such/program: No such file"):
        small_stack(data_dir, urls, lambda _settings: (missing,)).start()
