"""Blobs to and from an accountant, of any size: what came before a connection broke is not sent or asked for again."""

import base64
import os
from collections.abc import Callable, Iterator
from typing import BinaryIO, TypeVar

from accountant.blobs.errors import CidMismatch
from accountant.blobs.pieces import PIECE_BYTES, Digester, Facts
from accountant.client.client import AccountantClient, ApiProblem, Unreachable
from accountant.primitives.cid import show_cid
from accountant.primitives.types import Cid

AT_ONCE_BYTES = 8 << 20
"""Larger blobs go in requests of so many bytes."""
_TRIES = 5
"""Without a byte of progress."""
_TUS = {"Tus-Resumable": "1.0.0"}

T = TypeVar("T")


def send_blob(client: AccountantClient, file: BinaryIO) -> Facts:
    """Sends a file from its beginning, which can be read twice; what it is.

    The accountant is told beforehand which CID it must find. Raises `ApiProblem`, `Unreachable`.
    """
    facts = _facts(file)
    if facts.size <= AT_ONCE_BYTES:
        _patiently(lambda: _send_at_once(client, file, facts))
    else:
        _send_in_parts(client, file, facts)
    return facts


def fetch_blob(client: AccountantClient, cid: Cid, into: BinaryIO) -> int:
    """Writes a blob to a file, from where it stands; its size. Raises `CidMismatch`, `ApiProblem`, `Unreachable`."""
    digester = Digester()

    def go_on() -> None:
        begin = digester.size
        headers = {"Range": f"bytes={begin}-"} if begin else {}
        with client.exchange("GET", f"/v1/blobs/{show_cid(cid)}", headers=headers) as response:
            if begin and response.status_code != 206:
                raise Unreachable("the accountant does not go on where the connection broke")
            for data in response.iter_raw():
                into.write(data)
                digester.update(data)

    try:
        _patiently(go_on, lambda: digester.size)
    except ApiProblem as error:
        if error.status != 416:  # the connection broke right after the last byte
            raise
    facts = digester.facts()
    if facts.cid != cid:
        raise CidMismatch(cid, facts.cid)
    return facts.size


def _facts(file: BinaryIO) -> Facts:
    digester = Digester()
    for data in _read(file, 0, None):
        digester.update(data)
    return digester.facts()


def _send_at_once(client: AccountantClient, file: BinaryIO, facts: Facts) -> None:
    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(facts.size)}
    path = f"/v1/blobs?cid={show_cid(facts.cid)}"
    with client.exchange("POST", path, content=_read(file, 0, facts.size), headers=headers) as response:
        response.read()


def _send_in_parts(client: AccountantClient, file: BinaryIO, facts: Facts) -> None:
    name = base64.b64encode(show_cid(facts.cid).encode()).decode()
    headers = {**_TUS, "Upload-Length": str(facts.size), "Upload-Metadata": f"cid {name}"}
    with client.exchange("POST", "/v1/uploads", headers=headers) as response:
        place = response.headers["location"]
    offset = 0

    def go_on() -> None:
        nonlocal offset
        with client.exchange("HEAD", place, headers=_TUS) as response:
            offset = int(response.headers["upload-offset"])
        while offset < facts.size:
            size = min(AT_ONCE_BYTES, facts.size - offset)
            patch = {
                **_TUS,
                "Content-Type": "application/offset+octet-stream",
                "Content-Length": str(size),
                "Upload-Offset": str(offset),
            }
            with client.exchange("PATCH", place, content=_read(file, offset, size), headers=patch) as response:
                offset = int(response.headers["upload-offset"])

    _patiently(go_on, lambda: offset)


def _patiently(act: Callable[[], T], progress: Callable[[], int] = lambda: 0) -> T:
    """Acts again when the connection breaks, as long as something comes of it."""
    tries, before = 0, progress()
    while True:
        try:
            return act()
        except Unreachable:
            tries = 0 if progress() > before else tries + 1
            before = progress()
            if tries >= _TRIES:
                raise
        except ApiProblem as error:
            if error.status != 423 or tries >= _TRIES:  # the accountant has not noticed yet that the connection broke
                raise
            tries += 1


def _read(file: BinaryIO, start: int, size: int | None) -> Iterator[bytes]:
    file.seek(start, os.SEEK_SET)
    left = size
    while data := file.read(PIECE_BYTES if left is None else min(left, PIECE_BYTES)):
        yield data
        left = None if left is None else left - len(data)
