"""Routes of the chain: submitting transactions, reading transactions and blocks. Nothing here executes anything."""

import re
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.responses import Response

from accountant.api.documented import LOCATION, POST_PROBLEMS, problems
from accountant.api.fields import HashOut, hex_of, parse_hash
from accountant.api.posting import JSON, OCTETS, Digest, IdempotencyKey, answer_post, media_type
from accountant.api.problems import InvalidParameter, NotFound, UnsupportedMediaType
from accountant.api.resources import Key, Res
from accountant.api.schemas import TransactionIn
from accountant.api.views import BlockView, ChainView, TransactionView
from accountant.chain.transaction import TRANSACTION_BYTES_MAX
from accountant.index.port import BlockInfo, ChainIndex
from accountant.primitives.types import Hash, Height, Seq
from accountant.services.submit import submit
from accountant.storage.idempotency import StoredAnswer

router = APIRouter(tags=["chain"])

_HEIGHT = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)


class SubmittedView(BaseModel):
    """The node has taken the transaction; it is on the chain once its location finds it."""

    hash: HashOut


async def _raw_transaction(request: Request) -> bytes:
    """The canonical bytes in a body of either media type."""
    kind = media_type(request)
    if kind not in (OCTETS, JSON):
        raise UnsupportedMediaType(f"send the body as {OCTETS} or {JSON}")
    body = await request.body()
    if kind == JSON:
        try:
            return bytes.fromhex(TransactionIn.model_validate_json(body).transaction[2:])
        except ValidationError as error:
            raise RequestValidationError([{**e, "loc": ("body", *e["loc"])} for e in error.errors()]) from None
    if len(body) > TRANSACTION_BYTES_MAX:
        raise HTTPException(413, f"a transaction has at most {TRANSACTION_BYTES_MAX} bytes")
    return body


_SUBMIT_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {"schema": {"$ref": "#/components/schemas/TransactionIn"}},
            OCTETS: {"schema": {"type": "string", "format": "binary", "maxLength": TRANSACTION_BYTES_MAX}},
        },
    }
}


@router.post(
    "/transactions",
    operation_id="submitTransaction",
    summary="Submit a signed transaction",
    status_code=202,
    response_model=SubmittedView,
    responses={
        202: {"headers": LOCATION},
        **problems(
            {
                **POST_PROBLEMS,
                409: ("nonce_taken", "the node's own code and detail, where it refuses the transaction"),
                422: (
                    "invalid_encoding",
                    "Transaction: the bytes are not the canonical encoding of what they decode to",
                ),
                429: ("mempool_full", "the node's own code and detail, where it refuses the transaction"),
                503: ("node_unavailable", "the node cannot be reached"),
            }
        ),
    },
    openapi_extra=_SUBMIT_BODY,
)
def submit_transaction(
    resources: Res,
    key: Key,
    raw: Annotated[bytes, Depends(_raw_transaction)],
    digest: Digest,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Checks encoding and signature, then hands the transaction to the node, whose refusal is passed on."""

    def act(_: sa.Connection) -> StoredAnswer:
        name = hex_of(submit(resources.forward, raw))
        return StoredAnswer(
            digest, 202, f"/v1/transactions/{name}", SubmittedView(hash=name).model_dump_json().encode()
        )

    return answer_post(resources, key, idempotency_key, digest, act)


@router.get(
    "/transactions/{hash}",
    operation_id="getTransaction",
    summary="Read a transaction of the chain",
    responses=problems(
        {
            404: ("unknown_transaction", "no such transaction is on the chain; it may still wait for a block"),
            422: ("invalid_request", "a hash is 0x and 64 hex digits"),
        }
    ),
)
def get_transaction(resources: Res, hash: str) -> TransactionView:
    """The transaction and where it stands."""
    index = resources.index()
    seq = index.seq_of(Hash(_hash(hash)))
    if seq is None:
        raise NotFound("unknown_transaction", "no such transaction is on the chain; it may still wait for a block")
    located = index.transaction(seq)
    block = index.block(located.height)
    assert block is not None
    return TransactionView.of(located, block)


@router.get(
    "/blocks/{id}",
    operation_id="getBlock",
    summary="Read a block",
    responses=problems(
        {
            404: ("unknown_block", "no such block is on the chain"),
            422: ("invalid_request", "a block is named by its height or by its hash, 0x and 64 hex digits"),
        }
    ),
)
def get_block(resources: Res, id: str) -> BlockView:
    """The block at a height, or with a hash. Height 0 is genesis."""
    index = resources.index()
    block = _block(index, id)
    if block is None:
        raise NotFound("unknown_block", "no such block is on the chain")
    seqs = [Seq(seq) for seq in range(block.first_seq, block.first_seq + block.count)]
    return BlockView.of(block, index.transactions(seqs))


@router.get("/chain", operation_id="getChain", summary="Read the head of the chain", responses=problems({}))
def get_chain(resources: Res) -> ChainView:
    """The end of the chain that the accountant has imported: what answers can rest on."""
    index = resources.index()
    return ChainView.of(index.head(), index.genesis.chain_id, index.genesis.hash)


def _hash(text: str) -> bytes:
    try:
        return parse_hash(text)
    except ValueError as error:
        raise InvalidParameter("path/hash", str(error)) from None


def _block(index: ChainIndex, text: str) -> BlockInfo | None:
    if _HEIGHT.fullmatch(text):
        return index.block(Height(int(text)))
    try:
        return index.block_by_hash(Hash(parse_hash(text)))
    except ValueError:
        detail = "a block is named by its height or by its hash, 0x and 64 hex digits"
        raise InvalidParameter("path/id", detail) from None
