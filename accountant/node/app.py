"""The node over HTTP. Bytes in, bytes out; what is refused is refused as problem details (RFC 9457)."""

import asyncio
import time
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

import msgspec
from fastapi import FastAPI, Query, Request, Response
from fastapi import Path as FromPath
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from accountant.chain.block import BLOCK_BYTES_MAX
from accountant.chain.errors import ConflictingBlock, InvalidBlock, InvalidTransaction, MempoolRefusal, NotPooled
from accountant.chain.transaction import TRANSACTION_BYTES_MAX
from accountant.node.blob_routes import BlobNotFound, BlobTooLarge, BlobTooSlow, LengthRequired, add_blob_routes
from accountant.node.blobs import NoRoom
from accountant.node.process import Node, NodeBusy
from accountant.node.wire import (
    BATCH_BLOCKS_MAX,
    BATCH_BYTES_MAX,
    OCTETS,
    PROBLEM,
    WAIT_S_MAX,
    BlockNameView,
    ProblemView,
    SubmittedView,
    join_blocks,
)
from accountant.primitives.addresses import is_contract, parse_account
from accountant.primitives.errors import AccountantError, InvalidAddress, InvalidCid, InvalidEncoding
from accountant.primitives.types import Address, Height
from accountant.processes.tokens import bears

BODY_S_MAX = 30.0
"""A body that takes longer to arrive is given up."""
HEIGHT_MAX = 2**63 - 1


class BodyTooLarge(AccountantError):
    """A body that is longer than anything valid."""

    code = "body_too_large"


class BodyTooSlow(AccountantError):
    """A body that did not arrive in time."""

    code = "body_too_slow"


class BlockNotFound(AccountantError):
    """No block at this height yet."""

    code = "block_not_found"


class NotTheOperator(AccountantError):
    """Who follows is told to nobody else."""

    code = "not_the_operator"


_STATUS: dict[type[AccountantError], int] = {
    BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    BodyTooSlow: HTTPStatus.REQUEST_TIMEOUT,
    BlockNotFound: HTTPStatus.NOT_FOUND,
    NotTheOperator: HTTPStatus.UNAUTHORIZED,
    BlobNotFound: HTTPStatus.NOT_FOUND,
    BlobTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    BlobTooSlow: HTTPStatus.REQUEST_TIMEOUT,
    LengthRequired: HTTPStatus.LENGTH_REQUIRED,
    NoRoom: HTTPStatus.INSUFFICIENT_STORAGE,
    InvalidCid: HTTPStatus.BAD_REQUEST,
    InvalidEncoding: HTTPStatus.BAD_REQUEST,
    InvalidAddress: HTTPStatus.BAD_REQUEST,
    ConflictingBlock: HTTPStatus.CONFLICT,
    NotPooled: HTTPStatus.CONFLICT,
    NodeBusy: HTTPStatus.SERVICE_UNAVAILABLE,
}
_LEAVE_THE_BODY = {"Connection": "close"}
_UNREAD = frozenset({BodyTooLarge.code, BodyTooSlow.code, LengthRequired.code, NoRoom.code})
"""Refusals before the body was read to its end."""


def make_app(node: Node, token: Path | None = None) -> FastAPI:
    """The node's HTTP application. The caller starts and stops the node. `token`: see `NodeOptions`."""
    app = FastAPI(title="ANH node", docs_url=None, redoc_url=None)
    _add_chain_routes(app, node)
    _add_submission_routes(app, node)
    _add_watching_routes(app, node, token)
    add_blob_routes(app, node)
    app.add_exception_handler(AccountantError, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _no_such)
    app.add_exception_handler(ClientDisconnect, _gone)
    return app


def _add_submission_routes(app: FastAPI, node: Node) -> None:
    @app.post("/transactions", status_code=HTTPStatus.ACCEPTED)
    async def submit_transaction(request: Request) -> Response:
        """Takes a transaction's canonical bytes; 202 says that it is valid now and waits for a block."""
        raw = await read_body(request, TRANSACTION_BYTES_MAX)
        accepted = await node.submit(raw)
        return _json(SubmittedView(hash=accepted.hex()), HTTPStatus.ACCEPTED)

    @app.post("/blocks")
    async def import_block(request: Request) -> Response:
        """Takes a block's canonical bytes, and says where the chain ends after it."""
        raw = await read_body(request, BLOCK_BYTES_MAX)
        await node.import_block(raw)
        return _json(node.head())


def _add_watching_routes(app: FastAPI, node: Node, token: Path | None) -> None:
    @app.get("/status")
    async def status() -> Response:
        """How the node is, in numbers."""
        return _json(await node.status())

    @app.get("/mempool/transactions")
    async def waiting() -> Response:
        """What waits for a block: figures, and what a block would take first."""
        return _json(await node.waiting())

    @app.get("/neighbours")
    async def neighbours(request: Request) -> Response:
        """Who asks for blocks, and whom the node asks: addresses, so for its operator alone."""
        if token is None or not bears(request.headers.get("authorization"), token):
            raise NotTheOperator("this takes the token in the file node-token of the data folder")
        return _json(node.neighbours())


def _add_chain_routes(app: FastAPI, node: Node) -> None:
    @app.get("/genesis")
    async def genesis() -> Response:
        """The genesis' canonical bytes."""
        return Response(node.genesis_raw, media_type=OCTETS)

    @app.get("/head")
    async def head() -> Response:
        """The end of the chain."""
        return _json(node.head())

    @app.get("/mempool")
    async def mempool() -> Response:
        """What waits for a block."""
        return _json(await node.mempool_status())

    @app.get("/accounts/{address}")
    async def account(address: str) -> Response:
        """Nonce, zero-cost balance, and what waits in the mempool of a user."""
        user = parse_account(address)
        if is_contract(user):
            raise InvalidAddress("a contract has neither nonce nor zero-cost balance: ask for a user, 0x and 40 digits")
        return _json(await node.account(Address(user)))

    @app.get("/blocks/{height}")
    async def block(height: Annotated[int, FromPath(ge=1, le=HEIGHT_MAX)]) -> Response:
        """One block's canonical bytes."""
        raw = await asyncio.to_thread(node.store.block, height)
        if raw is None:
            raise BlockNotFound(f"the chain ends at height {node.head().height}")
        return Response(raw, media_type=OCTETS)

    @app.get("/blocks/{height}/hash")
    async def block_hash(height: Annotated[int, FromPath(ge=0, le=HEIGHT_MAX)]) -> Response:
        """The hash of one block, genesis at 0."""
        name = await node.known(Height(height))
        if name is None:
            raise BlockNotFound(f"the chain ends at height {node.head().height}")
        return _json(BlockNameView(height, name.hex()))

    @app.get("/blocks")
    async def blocks(
        request: Request,
        first: Annotated[int, Query(alias="from", ge=1, le=HEIGHT_MAX)],
        limit: Annotated[int, Query(ge=1, le=BATCH_BLOCKS_MAX)] = BATCH_BLOCKS_MAX,
        wait: Annotated[float, Query(ge=0, le=WAIT_S_MAX, allow_inf_nan=False)] = 0.0,
    ) -> Response:
        """Blocks from a height on, each after its length; waits up to `wait` seconds for the first of them."""
        address = "" if request.client is None else request.client.host
        node.followers.asked(address, request.headers.get("user-agent", ""), first, int(time.time()))
        await node.wait_for(first, wait)
        found = await asyncio.to_thread(node.store.blocks, first, limit, BATCH_BYTES_MAX)
        return Response(join_blocks(found), media_type=OCTETS)


async def read_body(request: Request, bytes_max: int) -> bytes:
    """The body, given up as soon as it says or shows that it is too long. Raises `BodyTooLarge`, `BodyTooSlow`."""
    too_large = BodyTooLarge(f"at most {bytes_max} bytes are taken")
    if int(request.headers.get("content-length", 0)) > bytes_max:  # the server has checked that it is a number
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S_MAX):
            async for part in request.stream():
                body += part
                if len(body) > bytes_max:
                    raise too_large
    except TimeoutError:
        raise BodyTooSlow(f"the body did not arrive within {BODY_S_MAX:g} seconds") from None
    return bytes(body)


def _json(view: msgspec.Struct, status: int = HTTPStatus.OK) -> Response:
    return Response(msgspec.json.encode(view), status, media_type="application/json")


def _problem(code: str, detail: str, status: int, kind: str | None = None) -> Response:
    view = ProblemView(
        type=f"urn:anh:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        kind=kind,
    )
    headers = dict(_LEAVE_THE_BODY) if code in _UNREAD else {}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = "1"
    return Response(msgspec.json.encode(view), status, headers, media_type=PROBLEM)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, AccountantError)
    status = next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), None)
    kind = None
    if isinstance(error, InvalidTransaction | InvalidBlock | NotPooled):
        kind = str(error.kind)
        if error.kind is MempoolRefusal.FULL:
            status = HTTPStatus.SERVICE_UNAVAILABLE
    return _problem(error.code, error.detail, status or HTTPStatus.UNPROCESSABLE_ENTITY, kind)


async def _malformed(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return _problem("malformed_request", f"{where}: {first['msg']}", HTTPStatus.UNPROCESSABLE_ENTITY)


async def _no_such(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _problem("no_such_resource", str(error.detail), error.status_code)


async def _gone(_: Request, __: Exception) -> Response:
    return _problem("client_gone", "the body broke off", HTTPStatus.BAD_REQUEST)
