"""Where blobs come in: files without a name of their own, until they are whole and their CID is known."""

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from accountant.blobs.errors import BlobTooLarge, CidMismatch, StoreUnavailable
from accountant.blobs.pieces import PIECE_BYTES, Digester, Facts
from accountant.primitives.types import Cid

_PRIVATE_FOLDER, _PRIVATE_FILE = 0o700, 0o600
_PART = ".part"


class Incoming(NamedTuple):
    """A whole file on the disk, its bytes safe against a power cut, and what it is."""

    file: Path
    facts: Facts


class Writing:
    """A file that is being written and digested."""

    def __init__(self, path: Path, file: BinaryIO, bytes_most: int | None) -> None:
        self._path, self._file, self._bytes_most = path, file, bytes_most
        self._digester = Digester()

    @property
    def size(self) -> int:
        """How many bytes were written."""
        return self._digester.size

    def write(self, data: bytes) -> None:
        """The next bytes. Raises `BlobTooLarge` before it writes too many, `StoreUnavailable`."""
        if self._bytes_most is not None and self._digester.size + len(data) > self._bytes_most:
            raise BlobTooLarge(self._bytes_most)
        with reported("write"):
            self._file.write(data)
        self._digester.update(data)

    def done(self, wanted: Cid | None = None) -> Incoming:
        """The finished file. Raises `CidMismatch`, `StoreUnavailable`."""
        facts = self._digester.facts()
        if wanted is not None and facts.cid != wanted:
            raise CidMismatch(wanted, facts.cid)
        with reported("write"):
            self._file.flush()
            os.fsync(self._file.fileno())
        return Incoming(self._path, facts)


class Spool:
    """A folder of files that come in. Names are ours alone: nothing that a client says becomes part of a path."""

    def __init__(self, folder: Path) -> None:
        """Makes the folder at first use: a process that takes nothing in needs none."""
        self._folder = folder

    @contextmanager
    def writing(self, bytes_most: int | None = None) -> Iterator[Writing]:
        """A new file, which is gone at the end unless somebody moved it away. Raises `StoreUnavailable`."""
        self._make_folder()
        path = self._folder / (secrets.token_hex(16) + _PART)
        with reported("make"):
            file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE_FILE), "wb")
        try:
            yield Writing(path, file, bytes_most)
        finally:
            with suppress(OSError):  # what its buffer still holds, where the disk is full
                file.close()
            path.unlink(missing_ok=True)

    @contextmanager
    def holding(self, chunks: Iterable[bytes], bytes_most: int | None = None) -> Iterator[Incoming]:
        """All of these bytes as a finished file."""
        with self.writing(bytes_most) as writing:
            for chunk in chunks:
                writing.write(chunk)
            yield writing.done()

    def kept(self, number: int) -> Path:
        """The file of an upload that may take several requests: `number` is the row's, not the client's."""
        self._make_folder()
        return self._folder / f"upload-{number:d}{_PART}"

    def forget(self, older_than_s: float, now_s: float) -> int:
        """Deletes files that nobody has written to for so long: a crash left them; how many."""
        count = 0
        with suppress(FileNotFoundError):
            for entry in os.scandir(self._folder):
                with suppress(FileNotFoundError):  # another process does the same
                    if entry.name.endswith(_PART) and entry.stat(follow_symlinks=False).st_mtime < now_s - older_than_s:
                        Path(entry.path).unlink()
                        count += 1
        return count

    def _make_folder(self) -> None:
        with reported("make"):
            self._folder.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)


def facts_of(file: BinaryIO) -> Facts:
    """What a file is, from its beginning."""
    digester = Digester()
    file.seek(0)
    while data := file.read(PIECE_BYTES):
        digester.update(data)
    return digester.facts()


@contextmanager
def reported(what: str) -> Iterator[None]:
    """An error of the operating system as `StoreUnavailable`, without the path: clients read it."""
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(
            f"the store of blobs cannot {what} a file: {error.strerror or type(error).__name__}"
        ) from (error)
