"""The embedded servers are real, guarded by passwords, and never left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from accountant.processes.lock import FolderInUse
from accountant.storage.database import plain_url
from accountant.storage.embedded import EmbeddedServers, last_database_url
from accountant.storage.place import prepare
from tests.support.processes import gone, wait_until

OWNER = """
import sys, time
from pathlib import Path
from accountant.storage.embedded import EmbeddedServers
with EmbeddedServers(Path(sys.argv[1]), durable=False) as servers:
    print(servers.database_url, servers.redis_url, flush=True)
    time.sleep(600)
"""


def _recorded_pids(folder: Path) -> dict[str, int]:
    return {entry["name"]: entry["pid"] for entry in json.loads((folder / "ledger.json").read_text())}


def _query(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(plain_url(url), autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def test_a_plain_role_owns_the_database(database_url: str) -> None:
    """The URL handed out is of a role that may make tables but is no superuser and bypasses nothing."""
    _query(database_url, "CREATE TABLE t (x int)")
    rights = "SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication FROM pg_roles"
    assert _query(database_url, f"{rights} WHERE rolname = current_user") == [(False,) * 5]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        _query(database_url, "SELECT pg_read_file('/etc/passwd')")


def test_postgres_demands_a_password(servers: EmbeddedServers) -> None:
    """Neither role gets in without its password or with a wrong one: nothing is trusted for being local."""
    url = psycopg.conninfo.conninfo_to_dict(plain_url(servers.database_url))
    for user in ("anh", "postgres"):
        for password in (None, "wrong"):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(
                    host="127.0.0.1",
                    port=url["port"],
                    user=user,
                    dbname="postgres",
                    password=password,
                    passfile=os.devnull,
                )


def test_valkey_demands_a_password(servers: EmbeddedServers) -> None:
    """Valkey answers nothing without its password."""
    with redis.Redis.from_url(servers.redis_url) as known:
        assert known.ping() is True
        port = known.connection_pool.connection_kwargs["port"]
    with redis.Redis(port=port, retry=Retry(NoBackoff(), 0)) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()


def test_both_listen_on_loopback_alone(servers: EmbeddedServers) -> None:
    """No other machine can reach either server."""
    ports = {urlsplit(url).port or 0 for url in (servers.database_url, servers.redis_url)}
    listening = [each.laddr for each in psutil.net_connections("tcp") if each.status == psutil.CONN_LISTEN]
    assert sorted((at.ip, at.port) for at in listening if at.port in ports) == [("127.0.0.1", p) for p in sorted(ports)]


def test_passwords_are_readable_by_the_owner_alone(data_dir: Path) -> None:
    """Secrets and logs have mode 0600, no password stands in any process's arguments, data folders are closed."""
    folder = data_dir / "servers"
    with EmbeddedServers(folder, durable=False):
        secrets = json.loads((folder / "secrets.json").read_text())
        for name in ("secrets.json", "postgres.log", "valkey.log"):
            assert (folder / name).stat().st_mode & 0o777 == 0o600
        for name in ("postgres", "valkey"):
            assert (folder / name).stat().st_mode & 0o777 == 0o700
        for pid in _recorded_pids(folder).values():
            assert not set(secrets.values()) & set(psutil.Process(pid).cmdline())
        logged = "".join(log.read_text() for log in folder.glob("*.log"))
        assert not any(secret in logged for secret in secrets.values())


def test_data_and_urls_survive_a_restart(data_dir: Path) -> None:
    """A second start on the folder finds the data and gives the same URLs; Postgres kept what was committed."""
    with EmbeddedServers(data_dir / "servers") as first:
        _query(first.database_url, "CREATE TABLE kept AS SELECT 7 AS x")
        urls = (first.database_url, first.redis_url)
    with EmbeddedServers(data_dir / "servers") as second:
        assert (second.database_url, second.redis_url) == urls
        assert _query(second.database_url, "SELECT x FROM kept") == [(7,)]


def test_two_pairs_live_side_by_side(servers: EmbeddedServers, data_dir: Path) -> None:
    """Pairs in two folders run at once, share nothing, and the password of one opens not the other."""
    with EmbeddedServers(data_dir / "servers", durable=False) as other:
        _query(other.database_url, "CREATE TABLE only_there (x int)")
        assert _query(servers.database_url, "SELECT to_regclass('only_there')") == [(None,)]
        with redis.Redis.from_url(servers.redis_url) as client:
            client.set("only_here", 1)
        with redis.Redis.from_url(other.redis_url) as client:
            assert client.get("only_here") is None
        port = psycopg.conninfo.conninfo_to_dict(plain_url(other.database_url))["port"]
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(plain_url(servers.database_url), port=port)


def test_a_folder_has_one_owner(data_dir: Path) -> None:
    """A second owner of a folder in use is refused and harms nothing."""
    with EmbeddedServers(data_dir / "servers", durable=False) as first:
        with pytest.raises(FolderInUse, match=str(os.getpid())):
            EmbeddedServers(data_dir / "servers").start()
        assert _query(first.database_url, "SELECT 1") == [(1,)]


def test_a_killed_owner_leaves_no_servers(data_dir: Path) -> None:
    """After SIGKILL of the owner both servers end, and a new owner starts on the folder with the data intact."""
    folder = data_dir / "servers"
    with subprocess.Popen([sys.executable, "-c", OWNER, str(folder)], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        url = owner.stdout.readline().split()[0]
        _query(url, "CREATE TABLE kept AS SELECT 7 AS x")
        pids = _recorded_pids(folder)
        assert set(pids) == {"postgres", "valkey"}
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    if sys.platform == "linux":
        wait_until(lambda: all(gone(pid) for pid in pids.values()))
    with EmbeddedServers(folder, durable=False) as heir:
        assert all(gone(pid) for pid in pids.values())
        assert _query(heir.database_url, "SELECT x FROM kept") == [(7,)]


def test_servers_without_a_leash_are_ended_at_the_next_start(data_dir: Path) -> None:
    """Orphans that outlived their owner (where the kernel ends none) are found by the ledger and ended."""
    folder = data_dir / "servers"
    place = prepare(folder)
    with EmbeddedServers(folder, durable=False) as servers:
        url = servers.database_url
    user = {} if place.user is None else {"user": place.user.user_id, "group": place.user.group_id}
    port = str(psycopg.conninfo.conninfo_to_dict(plain_url(url))["port"])
    options = ["--listen_addresses=127.0.0.1", "--unix_socket_directories="]
    orphan = subprocess.Popen(
        [place.programs.postgres / "postgres", "-D", folder / "postgres", f"--port={port}", *options],
        start_new_session=True,
        stderr=subprocess.DEVNULL,
        extra_groups=[] if user else None,
        **user,  # type: ignore[call-overload]
    )
    try:
        wait_until(lambda: (folder / "postgres" / "postmaster.pid").exists())
        began = psutil.Process(orphan.pid).create_time()
        (folder / "ledger.json").write_text(json.dumps([{"name": "postgres", "pid": orphan.pid, "began": began}]))
        with EmbeddedServers(folder, durable=False) as heir:
            assert _query(heir.database_url, "SELECT 1") == [(1,)]
            assert gone(orphan.pid)
    finally:
        orphan.kill()
        orphan.wait()


def test_a_stranger_with_a_recorded_number_is_left_alone(data_dir: Path) -> None:
    """A process that merely got the number of a dead server (it began at another time) is not ended."""
    folder = data_dir / "servers"
    prepare(folder)
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as stranger:
        rows = [{"name": "postgres", "pid": stranger.pid, "began": time.time() - 3600}]
        (folder / "ledger.json").write_text(json.dumps(rows))
        with EmbeddedServers(folder, durable=False):
            assert stranger.poll() is None
        stranger.kill()


def test_a_dead_server_is_revived_on_its_port(data_dir: Path) -> None:
    """Each server, killed, runs again after `revive` under the same URL; a living one is left alone."""
    folder = data_dir / "servers"
    with EmbeddedServers(folder, durable=False) as servers:
        urls = (servers.database_url, servers.redis_url)
        assert servers.revive() == ()
        for name, pid in _recorded_pids(folder).items():
            os.kill(pid, signal.SIGKILL)
            revived: list[str] = []
            while not revived:  # its end may take a moment to be seen
                revived += servers.revive()
            assert revived == [name]
        assert (servers.database_url, servers.redis_url) == urls
        assert _query(servers.database_url, "SELECT 1") == [(1,)]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs a user for the servers")
def test_root_opens_no_folder(data_dir: Path) -> None:
    """Under root, below a folder closed to others, the servers move to the shared place; no mode is changed."""
    closed = data_dir / "closed"
    closed.mkdir(mode=0o700)
    (closed / "something").touch()
    with EmbeddedServers(closed / "servers", durable=False) as servers:
        assert closed.stat().st_mode & 0o777 == 0o700
        target = (closed / "servers").readlink()
        assert target.is_relative_to("/var/lib/anh-accountant")
        assert _query(servers.database_url, "SELECT 1") == [(1,)]
        for pid in _recorded_pids(closed / "servers").values():
            assert psutil.Process(pid).uids().real != 0
    subprocess.run(["rm", "-rf", str(target)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs a user for the servers")
def test_an_empty_folder_above_is_entered(data_dir: Path) -> None:
    """Under root, an empty folder closed to others (a temporary one) is opened for entering, and nothing moves."""
    temporary = data_dir / "temporary"
    temporary.mkdir(mode=0o700)
    with EmbeddedServers(temporary / "servers", durable=False) as servers:
        assert temporary.stat().st_mode & 0o777 == 0o711
        assert not (temporary / "servers").is_symlink()
        assert _query(servers.database_url, "SELECT 1") == [(1,)]


def test_an_operator_finds_the_database(tmp_path: Path) -> None:
    """Whoever may read the folder finds the database of the servers there; a folder without servers has none."""
    assert last_database_url(tmp_path) is None
    with EmbeddedServers(tmp_path / "servers", durable=False) as servers:
        assert last_database_url(tmp_path / "servers") == servers.database_url
