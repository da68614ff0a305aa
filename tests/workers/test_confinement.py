"""What a process of the pool can no longer do, and what comes of its limits: another attempt, never an outcome."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from accountant.processes import landlock
from tests.support.processes import command_of, wait_until
from tests.support.service import Service, small_chain
from tests.support.workers import DISPATCHER, Start, done
from tests.workers.test_crashes import WORKER, ask, service, start

__all__ = ["service", "start"]

pytestmark = pytest.mark.xdist_group("workers")

ROOT = Path(__file__).parents[2]
SANDBOX = landlock.version() > 0

# confines itself, then tries everything; prints what it could do
TRY = """
import json, os, socket, sys
from accountant.contracts.engine import modules
from accountant.blobs.location import open_location
from accountant.blobs.store import Store
from accountant.settings import load_settings
from workers.confinement import confine
confine(load_settings())
def can(act):
    try:
        act()
    except OSError:
        return False
    return True
def connects(port):
    try:
        socket.create_connection(("127.0.0.1", int(port)), 2).close()
    except PermissionError:
        return False
    return True
def keeps(name):
    modules()._kept.keep(name, b"native")
    return modules()._kept.load(name) == b"native"
def keeps_a_blob(settings):
    store = Store(open_location(None, settings.blobs_folder))
    with store.spool.holding([b"weights"]) as incoming:
        store.place(incoming)
    return store.get(incoming.facts.cid, 7) == b"weights"
key, linked, listening, other, new = sys.argv[1:]
import wave, workers.broker  # modules that nobody has imported yet
print(json.dumps({
    "key": can(lambda: open(key)),
    "linked": can(lambda: open(linked)),
    "folder": can(lambda: os.listdir(os.path.dirname(key))),
    "write": can(lambda: open(new, "w")),
    "native code": modules()._kept.load("nothing") is None and keeps("code"),
    "blobs": keeps_a_blob(load_settings()),
    "program": can(lambda: open(sys.executable, "rb")),
    "parent memory": can(lambda: open(f"/proc/{os.getppid()}/mem", "rb")),
    "signal": can(lambda: os.kill(os.getppid(), 0)),
    "database": connects(listening),
    "elsewhere": connects(other),
}))
"""

# runs a contract that fills its memory, with less and less room for addresses; prints how the runs ended
SHRINK = """
import resource
from accountant.services.attempt import _NO_MEANS
from tests.contracts.test_run import main_module, module, run_main

fill = "(memory.fill (i32.const 0) (i32.const 1) (i32.const 13000000))"
code = module(f'(func (export "main") {fill} (call $return_int (i64.const 1)))', pages=200)
other = main_module("(call $return_int (i64.const 5))")
free = run_main(code, gas=10**8)
assert free.return_value == 1
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
ends = []
for room in (256, 64, 32, 17, 16, 15, 8, 4, 2, 1, 0):
    resource.setrlimit(resource.RLIMIT_AS, (used + room * 2**20, resource.RLIM_INFINITY))
    try:
        ends.append(run_main(code, gas=10**8) == free)
    except _NO_MEANS as error:
        ends.append(type(error).__name__)
    try:
        assert run_main(other).return_value == 5
    except _NO_MEANS as error:
        ends.append(type(error).__name__)
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(*ends)
"""


def tried(tmp_path: Path, **environment: str) -> dict[str, bool]:
    """What a confined process could do, whose key file and a linked folder lie in the data folder."""
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    (data / "chain").mkdir(parents=True)
    elsewhere.mkdir()
    (data / "servers").symlink_to(elsewhere)
    key, linked = data / "chain" / "accountant.json", elsewhere / "secrets.json"
    key.write_text("key")
    linked.write_text("secret")
    with socket.create_server(("127.0.0.1", 0)) as database, socket.create_server(("127.0.0.1", 0)) as other:
        ports = [str(server.getsockname()[1]) for server in (database, other)]
        settings = {
            "ANH_DATA_DIR": str(data),
            "DATABASE_URL": f"postgresql://a:b@127.0.0.1:{ports[0]}/c",
            "REDIS_URL": "redis://:a@127.0.0.1:1/0",
            **environment,
        }
        argv = [sys.executable, "-c", TRY, str(key), str(linked), *ports, str(tmp_path / "new")]
        run = subprocess.run(argv, cwd=ROOT, env={**os.environ, **settings}, stdout=subprocess.PIPE, check=True)
    could: dict[str, bool] = json.loads(run.stdout)
    return could


@pytest.mark.skipif(not SANDBOX, reason="needs a kernel with Landlock")
def test_a_confined_process_cannot_reach_the_keys(tmp_path: Path) -> None:
    """Even as root it opens no key file, lists no data folder, follows no link of it, writes no file but native code
    and blobs, reads no other process's memory, sends none a signal, and connects to nothing but database, broker and
    node; programs stay readable."""
    could = tried(tmp_path)
    version = landlock.version()
    assert could == {
        "key": False, "linked": False, "folder": False, "write": False, "parent memory": False,
        "program": True, "native code": True, "blobs": True, "database": True,
        "signal": version < 6, "elsewhere": version < 4,
    }  # fmt: skip


def test_the_sandbox_can_be_switched_off(tmp_path: Path) -> None:
    """With ANH_WORKER_SANDBOX=off the same process reads what its user can: so the test above tests something."""
    could = tried(tmp_path, ANH_WORKER_SANDBOX="off")
    assert could["key"] and could["linked"] and could["write"] and could["elsewhere"]


def test_all_but_leaves_out_what_is_hidden(tmp_path: Path) -> None:
    """The paths that are left cover siblings of what is hidden, and never it or a folder above it."""
    hidden, other = tmp_path / "a" / "hidden", tmp_path / "a" / "other"
    hidden.mkdir(parents=True)
    other.touch()
    left = set(landlock.all_but([hidden]))
    assert os.path.realpath(other) in {str(path) for path in left}
    assert not any(Path(os.path.realpath(hidden)).is_relative_to(path) for path in left)
    assert list(landlock.all_but([])) == [Path("/")]


def test_processes_of_a_running_worker_are_confined(service: Service, start: Start) -> None:
    """Each process of the pool has its limits and no privilege before its first job, and jobs are done under them."""
    worker = start(*WORKER)
    start(*DISPATCHER)

    def pool() -> list[psutil.Process]:
        return [p for p in psutil.Process(worker.pid).children() if "spawn_main" in command_of(p)]

    wait_until(lambda: len(pool()) == 2)
    with service.client() as client:
        assert done(client, ask(client, "0x" + small_chain().settled.hex()))["status"] == "done"
    for process in pool():
        wait_until(lambda process=process: status_of(process.pid)["NoNewPrivs"] == "1")  # type: ignore[misc]
        assert process.rlimit(psutil.RLIMIT_CORE) == (0, 0)
        assert process.rlimit(psutil.RLIMIT_NOFILE) == (256, 256)
        assert process.rlimit(psutil.RLIMIT_AS) == (4096 * 2**20, 4096 * 2**20)
        assert int(status_of(process.pid)["CapEff"], 16) & ~2 == 0


def test_too_little_memory_is_no_outcome() -> None:
    """With less and less room a run ends as it would without a limit, or with an error of the machine's: never with
    another outcome, such as a memory that is too small."""
    run = subprocess.run([sys.executable, "-c", SHRINK], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    ends = run.stdout.split()
    assert ends[0] == "True"
    assert "False" not in ends
    assert len(set(ends)) > 1, "no limit was ever hit"


def status_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
