"""The client of a node. It trusts nothing that it reads: whoever uses the bytes validates them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import httpx
import msgspec

from accountant.chain.block import BLOCK_BYTES_MAX
from accountant.chain.genesis import GENESIS_BYTES_MAX
from accountant.chain.sync import SourceUnavailable
from accountant.chain.transaction import transaction_hash
from accountant.node.wire import (
    BATCH_BLOCKS_MAX,
    BATCH_BYTES_MAX,
    BLOB_BYTES_PER_S_LEAST,
    BLOB_PART_BYTES,
    OCTETS,
    PROBLEM_BYTES_MAX,
    WAIT_S_MAX,
    AccountView,
    BlobView,
    BlockNameView,
    HeadView,
    MempoolView,
    ProblemView,
    SubmittedView,
    split_blocks,
)
from accountant.primitives.addresses import show
from accountant.primitives.cid import show_cid
from accountant.primitives.errors import AccountantError, InvalidEncoding
from accountant.primitives.types import Address, Cid, Hash, Height

ATTEMPTS = 4
BLOB_WAIT_S = 60.0
"""How long a node may take to put a blob on its disk, or to hash one before it goes out."""
BACKOFF_S = 0.1
_LIST_BYTES_MAX = BATCH_BYTES_MAX + BLOCK_BYTES_MAX + 4 * BATCH_BLOCKS_MAX
_VIEW_BYTES_MAX = 1024 * 1024

V = TypeVar("V")


class NodeUnavailable(SourceUnavailable):
    """The node cannot be reached, or has no room for the request now."""

    code = "node_unavailable"


class NodeUnreachable(NodeUnavailable):
    """No connection to the node, or one that broke."""


class NodeAnswerInvalid(AccountantError):
    """The node answered with something that its interface does not allow."""

    code = "node_answer_invalid"


class Refused(AccountantError):
    """The node refused what was sent. `reason`: the kind or else the code of its error; `status`: its HTTP status."""

    code = "refused"

    def __init__(self, detail: str, reason: str, status: int) -> None:
        super().__init__(detail)
        self.reason = reason
        self.status = status


class NodeClient:
    """Asks one node, asynchronously. An asynchronous context manager.

    Every call may be repeated without harm (a transaction and a block are named by their hash), so
    connection errors are tried again, `ATTEMPTS` times in all; answers never are.
    """

    def __init__(
        self, url: str, timeout_s: float = 10.0, backoff_s: float = BACKOFF_S, agent: str = "anh-client"
    ) -> None:
        """`agent`: what the node is told who asks."""
        self._http = httpx.AsyncClient(base_url=url, timeout=timeout_s, trust_env=False, headers={"User-Agent": agent})
        self._timeout_s = timeout_s
        self._backoff_s = backoff_s

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes all connections."""
        await self._http.aclose()

    async def genesis(self) -> bytes:
        """The genesis' canonical bytes."""
        return await self._ask("GET", "/genesis", bytes_max=GENESIS_BYTES_MAX)

    async def head(self) -> HeadView:
        """The end of the node's chain."""
        return _view(HeadView, await self._ask("GET", "/head"))

    async def mempool(self) -> MempoolView:
        """What waits for a block."""
        return _view(MempoolView, await self._ask("GET", "/mempool"))

    async def account(self, address: Address) -> AccountView:
        """Nonce and zero-cost balance of a user."""
        return _view(AccountView, await self._ask("GET", f"/accounts/{show(address)}"))

    async def block(self, height: Height) -> bytes | None:
        """The bytes of the block at a height; None above the head."""
        try:
            return await self._ask("GET", f"/blocks/{height}", bytes_max=BLOCK_BYTES_MAX)
        except Refused as error:
            if error.status == 404:
                return None
            raise

    async def block_hash(self, height: Height) -> str | None:
        """The hash of the block at a height, genesis at 0, as the node says it: hex; None above the head."""
        try:
            return _view(BlockNameView, await self._ask("GET", f"/blocks/{height}/hash")).hash
        except Refused as error:
            if error.status == 404:
                return None
            raise

    async def blocks(self, from_height: int, limit: int = BATCH_BLOCKS_MAX, wait_s: float = 0.0) -> list[bytes]:
        """The bytes of up to `limit` blocks from a height on; empty if none came within `wait_s` seconds."""
        wait_s = min(wait_s, WAIT_S_MAX)
        query = {"from": str(from_height), "limit": str(limit), "wait": f"{wait_s:g}"}
        data = await self._ask("GET", "/blocks", query=query, bytes_max=_LIST_BYTES_MAX, wait_s=wait_s)
        try:
            return split_blocks(data)
        except InvalidEncoding as error:
            raise NodeAnswerInvalid(error.detail) from None

    async def submit(self, raw: bytes) -> Hash:
        """Hands in a transaction and gives its hash. Raises `Refused` with the admission's reason."""
        view = _view(SubmittedView, await self._ask("POST", "/transactions", body=raw))
        expected = transaction_hash(raw)
        if view.hash != expected.hex():
            raise NodeAnswerInvalid(f"the node calls transaction {expected.hex()} {view.hash}")
        return expected

    async def submit_block(self, raw: bytes) -> HeadView:
        """Hands in a block and gives the head after it. Raises `Refused` with the validator's reason."""
        return _view(HeadView, await self._ask("POST", "/blocks", body=raw))

    async def blob_size(self, cid: Cid) -> int | None:
        """The size in bytes of a blob that the node has."""
        try:
            answer = await self._http.head(f"/blobs/{show_cid(cid)}", timeout=self._timeout_s)
        except httpx.TransportError as error:
            raise NodeUnavailable(f"{self._http.base_url}: {type(error).__name__} {error}".rstrip()) from None
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        length = answer.headers.get("content-length", "")
        if not answer.is_success or not length.isdecimal():
            raise NodeAnswerInvalid(f"{answer.url}: status {answer.status_code} to HEAD")
        return int(length)

    async def put_blob(self, cid: Cid, path: Path) -> int:
        """Hands in the bytes of a blob, unless the node has them; their number. Raises `Refused`, `OSError`."""
        size = (await asyncio.to_thread(path.stat)).st_size
        if await self.blob_size(cid) == size:
            return size
        request = self._http.build_request(
            "PUT",
            f"/blobs/{show_cid(cid)}",
            content=_parts_of(path),
            headers={"Content-Type": OCTETS, "Content-Length": str(size)},
            timeout=self._timeout_s + BLOB_WAIT_S,
        )
        view = _view(BlobView, await self._sent(request, _VIEW_BYTES_MAX))
        if view != BlobView(show_cid(cid), size):
            raise NodeAnswerInvalid(f"the node took {view}, not {size} bytes of {show_cid(cid)}")
        return size

    async def fetch_blob(self, cid: Cid, size: int, write: Callable[[bytes], object]) -> bool:
        """Writes the bytes of a blob, which nobody has hashed yet; False where the node does not have it.

        Raises `NodeAnswerInvalid` for more or fewer bytes than `size`, and for a body that comes too slowly.
        """
        request = self._http.build_request("GET", f"/blobs/{show_cid(cid)}", timeout=self._timeout_s + BLOB_WAIT_S)
        left = size
        try:
            async with asyncio.timeout(BLOB_WAIT_S + size / BLOB_BYTES_PER_S_LEAST):
                response = await self._http.send(request, stream=True)
                try:
                    if response.status_code == httpx.codes.NOT_FOUND:
                        return False
                    if not response.is_success:
                        await _read(response, 0)
                    async for part in response.aiter_raw(BLOB_PART_BYTES):
                        left -= len(part)
                        if left < 0:
                            raise NodeAnswerInvalid(f"{request.url}: more than {size} bytes")
                        await asyncio.to_thread(write, part)
                finally:
                    await response.aclose()
        except (httpx.TransportError, TimeoutError) as error:
            raise NodeUnavailable(f"{request.url}: {type(error).__name__} {error}".rstrip()) from None
        if left:
            raise NodeAnswerInvalid(f"{request.url}: {size - left} bytes, not {size}")
        return True

    async def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        bytes_max: int = _VIEW_BYTES_MAX,
        wait_s: float = 0.0,
    ) -> bytes:
        """The body of a successful answer, read up to `bytes_max`."""
        headers = {"Content-Type": OCTETS} if body is not None else {}
        request = self._http.build_request(
            method, path, params=query, content=body, headers=headers, timeout=self._timeout_s + wait_s
        )
        for attempt in range(1, ATTEMPTS):
            with suppress(NodeUnreachable):
                return await self._sent(request, bytes_max)
            await asyncio.sleep(self._backoff_s * 2 ** (attempt - 1))
        return await self._sent(request, bytes_max)

    async def _sent(self, request: httpx.Request, bytes_max: int) -> bytes:
        """The body of a successful answer. Raises `NodeUnreachable` where the connection fails."""
        try:
            response = await self._http.send(request, stream=True)
            try:
                return await _read(response, bytes_max)
            finally:
                await response.aclose()
        except httpx.TransportError as error:
            raise NodeUnreachable(f"{request.url}: {type(error).__name__} {error}".rstrip()) from None


async def _parts_of(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while part := await asyncio.to_thread(file.read, BLOB_PART_BYTES):
            yield part


async def _read(response: httpx.Response, bytes_max: int) -> bytes:
    """The body of a successful answer. Raises `Refused`, `NodeUnavailable` (503) or `NodeAnswerInvalid`."""
    if response.is_success:
        return await _bounded(response, bytes_max)
    problem = await _bounded(response, PROBLEM_BYTES_MAX)
    try:
        view = msgspec.json.decode(problem, type=ProblemView)
    except msgspec.MsgspecError:
        raise NodeAnswerInvalid(f"{response.url}: status {response.status_code} without problem details") from None
    if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        raise NodeUnavailable(view.detail)
    raise Refused(view.detail, view.kind or view.code, response.status_code)


async def _bounded(response: httpx.Response, bytes_max: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_raw():
        size += len(part)
        if size > bytes_max:
            raise NodeAnswerInvalid(f"{response.url}: more than {bytes_max} bytes")
        parts.append(part)
    return b"".join(parts)


def _view(kind: type[V], data: bytes) -> V:
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.MsgspecError as error:
        raise NodeAnswerInvalid(f"{kind.__name__}: {error}") from None
