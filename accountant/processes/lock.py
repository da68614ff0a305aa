"""One owner per folder."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from accountant.primitives.errors import AccountantError


class FolderInUse(AccountantError):
    """Another living process owns this folder."""

    code = "folder_in_use"


class FolderLock:
    """An exclusive lock on a file; the kernel drops it when the owner dies, however it dies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Takes the lock at once or raises `FolderInUse`, naming the owner's process number."""
        assert self._descriptor is None
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(descriptor, 20).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            folder = self._path.parent
            raise FolderInUse(f"{folder} is in use by process {owner}: stop it, or use another folder") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Gives the lock back; nothing happens if it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
