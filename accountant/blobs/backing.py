"""What holds the bytes: one small port, an adapter each for a folder, S3 and IPFS. None of them is trusted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from accountant.primitives.types import Cid


class Missing(Exception):
    """The backing has no bytes under this name."""


class Backing(Protocol):
    """Bytes by CID. Every method raises `StoreUnavailable` where the place itself cannot be reached."""

    def size(self, cid: Cid) -> int | None:
        """How many bytes are there; None if there is nothing."""

    def stream(self, cid: Cid, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from `start` to before `stop`, as far as there are any. Raises `Missing`."""

    def place(self, cid: Cid, file: Path) -> None:
        """Puts a finished file there, whole or not at all, in the place of what was there; it may take the file."""

    def set_aside(self, cid: Cid) -> str:
        """Takes wrong bytes out of the way; where they went, in words."""

    def remove(self, cid: Cid) -> None:
        """Takes the bytes away, if they are there."""
