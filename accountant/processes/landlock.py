"""Landlock: a process gives up for ever what it does not need. Linux 5.13 and newer; root is bound by it too.

    restrict([(path, READ) for path in all_but(hidden)], ports=[5432])

A domain is inherited by threads and children started later, and shuts out tracing and reading the memory of any
process outside of it. Files that are open already stay open. See `landlock(7)` and the kernel's user-space API.
"""

import ctypes
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from enum import IntFlag
from pathlib import Path

from accountant.processes.limits import no_new_privileges

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture but one
_CREATE_RULESET_VERSION = 1
_RULE_PATH_BENEATH, _RULE_NET_PORT = 1, 2
_NET_BIND_TCP, _NET_CONNECT_TCP = 1, 2
_SCOPE_ABSTRACT_UNIX_SOCKET, _SCOPE_SIGNAL = 1, 2
_SINCE_NET, _SINCE_SCOPE = 4, 6


class Access(IntFlag):
    """What may be done below a path. Rights without a name here are never given."""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    REMOVE_FILE = 1 << 5
    MAKE_REG = 1 << 8
    REFER = 1 << 13
    TRUNCATE = 1 << 14
    IOCTL_DEV = 1 << 15


READ = Access.EXECUTE | Access.READ_FILE | Access.READ_DIR
WRITE = Access.READ_FILE | Access.WRITE_FILE | Access.TRUNCATE
USE = READ | WRITE | Access.MAKE_REG | Access.REMOVE_FILE
"""A folder of plain files, to make, read, write and remove."""
_ON_FILES = Access.EXECUTE | Access.WRITE_FILE | Access.READ_FILE | Access.TRUNCATE | Access.IOCTL_DEV
_VERSION_1 = Access((1 << 13) - 1)
_SINCE = {2: Access.REFER, 3: Access.TRUNCATE, 5: Access.IOCTL_DEV}


class _RulesetAttributes(ctypes.Structure):
    _fields_ = [("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64)]


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


class _NetPort(ctypes.Structure):
    _fields_ = [("allowed", ctypes.c_uint64), ("port", ctypes.c_uint64)]


def version() -> int:
    """The kernel's Landlock version; 0 where there is none, or it is switched off."""
    if sys.platform != "linux":
        return 0
    found = _libc().syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _CREATE_RULESET_VERSION)
    return max(0, int(found))


def restrict(allowed: Iterable[tuple[Path, Access]], ports: Sequence[int] | None) -> None:
    """From now on this thread, and what it starts, does with files only what is `allowed` on and below a path, and
    connects by TCP only to `ports` (None: to all), as far as the kernel's version goes. Paths that are not there
    are passed over.

    Sets `no_new_privs`, which is needed for it. Call it before other threads start: they are not bound.
    Raises `OSError` where the kernel refuses; then nothing is restricted.
    """
    known = version()
    handled = _VERSION_1
    for since, access in _SINCE.items():
        handled |= access if known >= since else Access(0)
    nets = _NET_BIND_TCP | _NET_CONNECT_TCP if ports is not None and known >= _SINCE_NET else 0
    scopes = _SCOPE_ABSTRACT_UNIX_SOCKET | _SCOPE_SIGNAL if known >= _SINCE_SCOPE else 0
    attributes = _RulesetAttributes(handled, nets, scopes)
    size = 24 if known >= _SINCE_SCOPE else 16 if known >= _SINCE_NET else 8
    rules = _call(_CREATE_RULESET, ctypes.byref(attributes), ctypes.c_size_t(size), 0)
    try:
        for path, access in allowed:
            _allow(rules, path, access & handled)
        for port in ports or () if nets else ():
            _call(_ADD_RULE, rules, _RULE_NET_PORT, ctypes.byref(_NetPort(_NET_CONNECT_TCP, port)), 0)
        no_new_privileges()
        _call(_RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)


def all_but(hidden: Iterable[Path]) -> Iterator[Path]:
    """Paths below which lies the whole file system, without `hidden` and what lies below those.

    Folders above a hidden path are taken apart into what they hold now; what comes into them later is left out.
    """
    shut = {Path(os.path.realpath(path)) for path in hidden}
    above = {parent for path in shut for parent in path.parents}
    folders = [Path("/")] if above else []
    if not above:
        yield Path("/")
    while folders:
        with suppress(OSError):  # a folder that we may not list holds nothing for us
            for entry in folders.pop().iterdir():
                if entry.is_symlink() or entry in shut:  # a link is followed to what it names, by that path's rule
                    continue
                if entry in above:
                    folders.append(entry)
                else:
                    yield entry


def _allow(rules: int, path: Path, access: Access) -> None:
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # gone meanwhile, or not for us
        return
    try:
        if not stat.S_ISDIR(os.fstat(parent).st_mode):
            access &= _ON_FILES
        _call(_ADD_RULE, rules, _RULE_PATH_BENEATH, ctypes.byref(_PathBeneath(access, parent)), 0)
    finally:
        os.close(parent)


def _call(number: int, *arguments: object) -> int:
    result = int(_libc().syscall(number, *arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), f"landlock: {os.strerror(ctypes.get_errno())}")
    return result


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
