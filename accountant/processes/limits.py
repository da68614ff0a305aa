"""What a process that runs others' code may use of its machine, and what it may never become."""

import ctypes
import os
import resource
import sys

MIB = 1024 * 1024
OPEN_FILES_MOST = 256
"""A worker process opens about twenty: connections, its pipes, the files that Python reads."""

_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITY_VERSION_3 = 0x20080522
_CAP_DAC_OVERRIDE = 1 << 1


class _CapabilityHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Capabilities(ctypes.Structure):
    _fields_ = [("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32)]


def limit_resources(address_space: int | None, open_files: int = OPEN_FILES_MOST) -> None:
    """No core dumps (they would hold passwords), few open files, and at most `address_space` bytes of addresses.

    Limits only ever go down, for good. What comes of a limit is an exception or the end of the process, never
    an outcome: memories of contracts are reserved whole before their code runs.
    """
    _at_most(resource.RLIMIT_CORE, 0)
    _at_most(resource.RLIMIT_NOFILE, open_files)
    if address_space is not None:
        _at_most(resource.RLIMIT_AS, address_space)


def not_dumpable() -> None:
    """For who holds a key: no core dump, and no other process of the user may trace this one or read its memory."""
    _at_most(resource.RLIMIT_CORE, 0)
    if sys.platform == "linux" and ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_DUMPABLE)")


def no_new_privileges() -> None:
    """No program that this process starts gains a privilege by it, for ever."""
    if sys.platform == "linux" and ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_NO_NEW_PRIVS)")


def drop_capabilities() -> None:
    """Gives up what makes root more than the owner of its files, for this thread and what it starts.

    What stays is reading files whatever their mode: root may run code that lies in somebody's home.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header, held = _CapabilityHeader(_CAPABILITY_VERSION_3, 0), (_Capabilities * 2)()
    if libc.capget(ctypes.byref(header), held) != 0:
        raise OSError(ctypes.get_errno(), f"capget: {os.strerror(ctypes.get_errno())}")
    kept = held[0].permitted & _CAP_DAC_OVERRIDE
    left = (_Capabilities * 2)(_Capabilities(kept, kept, 0), _Capabilities(0, 0, 0))
    if libc.capset(ctypes.byref(header), left) != 0:
        raise OSError(ctypes.get_errno(), f"capset: {os.strerror(ctypes.get_errno())}")


def _at_most(which: int, most: int) -> None:
    hard = resource.getrlimit(which)[1]
    least = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(which, (least, least))
