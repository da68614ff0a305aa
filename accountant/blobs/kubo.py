"""Blobs as blocks of an IPFS node, by Kubo's RPC API: `block/put`, `block/get`, `block/stat`, `block/rm`.

A blob is one raw block, because its CID is the hash of its bytes and not of a tree over them. Kubo keeps blocks of any
size when told so, yet its network passes on none above 2 MiB: larger ones are there for whoever asks this node.
Only the node's own blocks are asked for (`offline`), or a look-up of what nobody has would last for minutes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from accountant.blobs.backing import Missing
from accountant.blobs.errors import StoreUnavailable
from accountant.blobs.pieces import PIECE_BYTES
from accountant.primitives.cid import show_cid
from accountant.primitives.types import Cid

_ABSENT = ("not found", "could not find")
"""How Kubo says that it has no such block: status 500 says only that something failed."""
_TIMEOUT_S = 60.0


class KuboBacking:
    """An IPFS node. Whoever reaches its RPC API may do anything to it: keep it on loopback or behind a password."""

    def __init__(self, url: str) -> None:
        """`url`: http://host:port, with `user:password@` where a proxy asks for it."""
        self._http = httpx.Client(base_url=url.rstrip("/") + "/api/v0", timeout=_TIMEOUT_S, trust_env=False)

    def size(self, cid: Cid) -> int | None:
        try:
            return int(self._call("block/stat", cid, offline="true")["Size"])
        except Missing:
            return None

    def stream(self, cid: Cid, start: int, stop: int) -> Iterator[bytes]:
        """Kubo knows no ranges: what lies before `start` is read and dropped."""
        at = 0
        with _reached(), self._http.stream("POST", "block/get", params=_named(cid, offline="true")) as response:
            if response.is_error:
                response.read()
                raise _failure(response)
            for data in response.iter_bytes(PIECE_BYTES):
                part = data[max(0, start - at) : max(0, stop - at)]
                at += len(data)
                if part:
                    yield part
                if at >= stop:
                    return

    def place(self, cid: Cid, file: Path) -> None:
        options = {"cid-codec": "raw", "mhtype": "sha2-256", "pin": "true", "allow-big-block": "true"}
        with _reached(), file.open("rb") as data:
            response = self._http.post("block/put", params=options, files={"data": ("blob", data)})
            if response.is_error:
                raise _failure(response)
            if response.json()["Key"] != show_cid(cid):
                raise StoreUnavailable("the IPFS node gave a blob another CID than it has")

    def set_aside(self, cid: Cid) -> str:
        """Removed: a node that has a block takes no better one of the same name."""
        self.remove(cid)
        return "removed from the IPFS node"

    def remove(self, cid: Cid) -> None:
        for command, options in (("pin/rm", {}), ("block/rm", {"force": "true"})):
            try:
                self._call(command, cid, **options)
            except Missing:
                continue
            except StoreUnavailable as error:
                if "not pinned" not in error.detail:
                    raise

    def _call(self, command: str, cid: Cid, **options: str) -> dict[str, Any]:
        with _reached():
            response = self._http.post(command, params=_named(cid, **options))
            if response.is_error:
                raise _failure(response)
            answer: dict[str, Any] = response.json() if response.content else {}
            if answer.get("Error"):
                raise StoreUnavailable(f"the IPFS node refuses: {str(answer['Error'])[:200]}")
            return answer


def _named(cid: Cid, **options: str) -> dict[str, str]:
    return {"arg": show_cid(cid), **options}


def _failure(response: httpx.Response) -> Exception:
    try:
        message = str(response.json()["Message"])
    except (ValueError, KeyError, TypeError):
        message = f"status {response.status_code}"
    if response.status_code == httpx.codes.INTERNAL_SERVER_ERROR and any(text in message for text in _ABSENT):
        return Missing()
    return StoreUnavailable(f"the IPFS node refuses: {message[:200]}")


@contextmanager
def _reached() -> Iterator[None]:
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, KeyError, TypeError) as error:
        raise StoreUnavailable(f"the IPFS node cannot be used: {type(error).__name__}") from error
