"""A folder of native code that contracts were compiled to, so that no module is compiled twice on one machine.

Whoever can write such a file can run anything in the processes that load it. So the folder is its owner's alone, what
is loaded must be a file of this user that nobody else may write, and no process loads it that holds more than the
processes that write it: only a worker's pool does either. docs/decisions/0012-compiled-code.md.
"""

import os
import stat
import zlib
from contextlib import suppress
from pathlib import Path

from accountant.primitives.errors import AccountantError

_MAGIC = b"anh native 1\n"
_SUM_BYTES = 4
_PRIVATE_FOLDER, _PRIVATE_FILE = 0o700, 0o600
_OTHERS = 0o077


class UnsafeFolder(AccountantError):
    """A folder for native code that is another user's, or no folder."""

    code = "unsafe_folder"


class CompiledFolder:
    """An adapter of `contracts.engine.CompiledCode`. Several processes of one user may share the folder."""

    def __init__(self, path: Path, bytes_most: int = 1 << 30) -> None:
        """Makes the folder. Beyond `bytes_most` the files that were used longest ago go. Raises `UnsafeFolder`."""
        self._path = path
        self._bytes_most = bytes_most
        try:
            path.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
            found = path.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
                raise UnsafeFolder(f"{path} must be a folder of the user that runs contracts")
            path.chmod(_PRIVATE_FOLDER)
        except OSError as error:
            raise UnsafeFolder(f"{path}: {error.strerror}") from None

    def load(self, name: str) -> bytes | None:
        """What was kept under this name by this user, whole; None if there is no such thing."""
        try:
            descriptor = os.open(self._path / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & _OTHERS:
                return None
            with suppress(OSError):
                os.utime(descriptor)
            kept = file.read()
        native = kept[len(_MAGIC) + _SUM_BYTES :]
        whole = kept.startswith(_MAGIC + zlib.crc32(native).to_bytes(_SUM_BYTES, "big"))
        return native if whole else None

    def keep(self, name: str, native: bytes) -> None:
        """Write a whole file or none. A full disk or a missing folder costs time later, nothing else."""
        written = self._path / f".{name}.{os.getpid()}.{os.urandom(4).hex()}"
        try:
            descriptor = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE_FILE)
            with os.fdopen(descriptor, "wb") as file:
                file.write(_MAGIC + zlib.crc32(native).to_bytes(_SUM_BYTES, "big") + native)
            written.replace(self._path / name)
            self._make_room()
        except OSError:
            with suppress(OSError):
                written.unlink()

    def _make_room(self) -> None:
        files = []
        for entry in os.scandir(self._path):
            with suppress(FileNotFoundError):  # another process makes room as well
                found = entry.stat(follow_symlinks=False)
                files.append((found.st_mtime_ns, found.st_size, entry.path))
        size = sum(file_size for _, file_size, _ in files)
        for _, file_size, path in sorted(files):
            if size <= self._bytes_most:
                return
            Path(path).unlink(missing_ok=True)
            size -= file_size
