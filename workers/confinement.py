"""What a process of the pool gives up before its first job, because it runs the code of strangers.

The runtime is the wall; this is what is left to somebody who climbs over it. A pool process never opens the
accountant's key; under Landlock it cannot open it, nor anything else in the data folder, nor trace the process that
has it, as root neither.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import redis
import structlog
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from accountant.blobs.location import Location, open_location
from accountant.contracts.engine import keep_compiled
from accountant.processes import landlock
from accountant.processes.gpus import device_nodes
from accountant.processes.landlock import READ, USE, WRITE, Access
from accountant.processes.limits import MIB, OPEN_FILES_MOST, drop_capabilities, limit_resources, no_new_privileges
from accountant.settings import Sandbox, Settings
from accountant.storage.compiled import CompiledFolder, UnsafeFolder
from accountant.storage.database import plain_url

_DEVICES = {
    Path("/dev/null"): WRITE,
    Path("/dev/zero"): READ,
    Path("/dev/random"): READ,
    Path("/dev/urandom"): READ,
    Path("/dev/shm"): USE,
}
"""Not the disks, on which root would find everything again."""
_OPEN_FILES_GPU = 4096
"""A driver opens its devices again and again."""
_POSTGRES_PORT = "5432"
_REDIS_PORT = 6379
_DNS_PORT = 53

_log = structlog.get_logger(__name__)


def check(settings: Settings) -> None:
    """For the worker, once: says what will be missing. Exits where the settings require it."""
    if settings.worker_sandbox is Sandbox.OFF or landlock.version() > 0:
        return
    if settings.worker_sandbox is Sandbox.REQUIRED:
        _log.error("sandbox_missing", detail="ANH_WORKER_SANDBOX=required, and this system has no Landlock")
        sys.exit(1)
    _log.warning(
        "sandbox_missing",
        detail="this system has no Landlock: contracts run in processes that can read what their user can, "
        "key files too; run workers as a user of their own, or on another machine",
    )


def confine(settings: Settings, has_gpu: bool = False) -> None:
    """For a process of the pool, before its first job: takes resources and rights away for good.

    With a GPU its addresses are not limited: the driver reserves more of them than any memory has.
    """
    _keep_compiled(settings.compiled_folder)
    blobs = open_location(settings.blobs_url, settings.blobs_folder)
    _make(blobs.folder)
    limit_resources(
        None if has_gpu else settings.worker_memory_mib * MIB or None, _OPEN_FILES_GPU if has_gpu else OPEN_FILES_MOST
    )
    no_new_privileges()
    drop_capabilities()
    if settings.worker_sandbox is Sandbox.OFF or landlock.version() == 0:
        return
    try:
        landlock.restrict(_allowed(settings, blobs, has_gpu), _ports(settings, blobs))
    except OSError as error:
        _log.error("sandbox_failed", detail=str(error))
        if settings.worker_sandbox is Sandbox.REQUIRED:
            sys.exit(1)


def _keep_compiled(path: Path) -> None:
    """Pool processes share native code with each other alone: none of them may do more than the others."""
    try:
        keep_compiled(CompiledFolder(path))
    except UnsafeFolder as error:
        _log.warning("compiled_code_not_kept", detail=str(error))


def _make(folder: Path) -> None:
    """Blobs come in there; afterwards no folder can be made any more."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        _log.warning("blobs_not_kept", detail=str(error))


def _allowed(settings: Settings, blobs: Location, has_gpu: bool) -> Iterator[tuple[Path, Access]]:
    for path in landlock.all_but(_hidden(settings)):
        yield path, READ
    yield from _DEVICES.items()
    if has_gpu:
        for node in device_nodes():
            yield node, USE if node.is_dir() else WRITE | Access.IOCTL_DEV
    yield settings.compiled_folder, USE
    yield blobs.folder, USE


def _hidden(settings: Settings) -> Iterator[Path]:
    """Devices, the data folder, what its entries link to, and key files wherever they lie."""
    yield Path("/dev")
    yield Path("/proc/kcore")
    yield settings.data_dir
    if settings.data_dir.is_dir():
        yield from settings.data_dir.iterdir()
    yield settings.chain_folder
    yield settings.accountant_key_path
    yield settings.proposer_key_path
    yield settings.key_password_path


def _ports(settings: Settings, blobs: Location) -> list[int] | None:
    """Where database, broker, blobs, the node that has more of them, who takes traces, and names are; None if the URLs
    do not say it plainly.
    """
    try:
        database = conninfo_to_dict(plain_url(settings.database)).get("port") or os.environ.get("PGPORT")
        broker = redis.connection.parse_url(settings.redis).get("port", _REDIS_PORT)  # type: ignore[no-untyped-call]
        databases = [int(port) for port in str(database or _POSTGRES_PORT).split(",")]
        urls = [urlsplit(url) for url in (settings.node, settings.traces_url) if url is not None]
        others = [url.port or (443 if url.scheme == "https" else 80) for url in urls]
        return [*databases, int(broker), *blobs.ports, *others, _DNS_PORT]
    except (ValueError, ProgrammingError):
        return None
