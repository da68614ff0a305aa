"""Routes of what light clients keep: genesis and signed headers."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.responses import Response

from accountant.api.documented import problems
from accountant.api.fields import digits
from accountant.api.posting import OCTETS
from accountant.api.resources import Res
from accountant.primitives.encoding import encode
from accountant.storage.headers import genesis_bytes, signed_headers
from accountant.storage.index import NoChain

router = APIRouter(tags=["chain"])

_BINARY: dict[str, Any] = {OCTETS: {"schema": {"type": "string", "format": "binary"}}}


class _Range(BaseModel):
    model_config = ConfigDict(extra="forbid")

    from_height: Annotated[int, BeforeValidator(digits)] = Field(1, ge=1, lt=2**63)
    limit: Annotated[int, BeforeValidator(digits)] = Field(1_000, ge=1, le=1_000)


@router.get(
    "/chain/headers",
    operation_id="getHeaders",
    summary="Read signed headers",
    response_class=Response,
    responses={
        200: {"description": "Canonical encoding of a list of [header, signature].", "content": _BINARY},
        **problems({422: ("invalid_request", "query/limit: Input should be less than or equal to 1000")}),
    },
)
def get_headers(resources: Res, page: Annotated[_Range, Query()]) -> Response:
    """Headers from a height on, each with its proposer's signature: fewer than `limit` at the end of the chain."""
    with resources.engine.connect() as connection:
        headers = signed_headers(connection, page.from_height, page.limit)
    return Response(encode(headers), media_type=OCTETS)


@router.get(
    "/chain/genesis",
    operation_id="getGenesis",
    summary="Read genesis",
    response_class=Response,
    responses={
        200: {"description": "Its canonical bytes; the chain is named by their hash.", "content": _BINARY},
        **problems({}),
    },
)
def get_genesis(resources: Res) -> Response:
    """Everything that the chain starts from."""
    with resources.engine.connect() as connection:
        raw = genesis_bytes(connection)
    if raw is None:
        raise NoChain("the database holds no chain: import its genesis first")
    return Response(raw, media_type=OCTETS)
