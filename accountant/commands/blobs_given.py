"""Published files for a check without an accountant: each is known by the hash of its bytes, whatever its name says."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from accountant.primitives.cid import CID_PREFIX, cid_of, show_cid
from accountant.primitives.errors import AccountantError
from accountant.primitives.types import Cid

GivenFiles = Annotated[
    list[Path] | None, typer.Option("--blob", help="A published file that the answer may rest on; as many as you like.")
]
GivenFolder = Annotated[Path | None, typer.Option("--blobs", help="A folder of such files: an accountant's, or yours.")]


class NoFile(AccountantError):
    """A path that was given for a file, or for a folder, and is none."""

    code = "unreadable_file"


class GivenBlobs:
    """`execution.port.Blobs` of the files that somebody has. Nothing is read before it is asked for."""

    def __init__(self, files: Sequence[Path], folder: Path | None) -> None:
        """Raises `NoFile`, and `OSError` for what is not there."""
        for path in (*files, *([folder] if folder else [])):
            path.stat()  # what is not there has the system's own words
            if not (path.is_dir() if path is folder else path.is_file()):
                raise NoFile(f"{path} is no {'folder' if path is folder else 'file'}")
        self._files, self._folder = tuple(files), folder
        self._by_cid: dict[Cid, Path] | None = None

    def get(self, cid: Cid) -> bytes | None:
        """A file's bytes, hashed as they are used. One that lies in the folder under its CID is found at once."""
        named = None if self._folder is None else self._folder / show_cid(cid)
        if named is not None and named.is_file() and cid_of(data := named.read_bytes()) == cid:
            return data
        if self._by_cid is None:
            self._by_cid = {_cid_of_file(path): path for path in self._all()}
        path = self._by_cid.get(cid)
        if path is None:
            return None
        data = path.read_bytes()
        return data if cid_of(data) == cid else None  # somebody wrote there meanwhile

    def put(self, data: bytes) -> Cid:
        """Keeps nothing: what a contract saved is made again."""
        return cid_of(data)

    def _all(self) -> Iterator[Path]:
        yield from self._files
        if self._folder is not None:
            yield from (path for path in sorted(self._folder.iterdir()) if path.is_file())


def _cid_of_file(path: Path) -> Cid:
    with path.open("rb") as file:
        return Cid(CID_PREFIX + hashlib.file_digest(file, "sha256").digest())
