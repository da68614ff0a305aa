"""What all POST routes share: the media type, the idempotency key, and one database transaction for each request."""

from collections.abc import Callable
from typing import Annotated

import sqlalchemy as sa
from fastapi import Depends, Header, Request
from starlette.responses import Response

from accountant.api.problems import UnsupportedMediaType
from accountant.api.resources import Resources
from accountant.primitives.hashes import sha256
from accountant.primitives.types import Hash
from accountant.services.idempotency import once
from accountant.storage.idempotency import StoredAnswer
from accountant.storage.keys_store import StoredKey

JSON = "application/json"
OCTETS = "application/octet-stream"

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="1 to 255 visible ASCII characters. The same key with the same request gives the stored answer, "
        "with another one 422, while it is still running 409. Kept for 48 hours. Refused requests are not kept.",
        json_schema_extra={"minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},  # the service checks it
    ),
]


def media_type(request: Request) -> str:
    """The media type of the body, without parameters, in lower case; empty if none is named."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def json_only(request: Request) -> None:
    """Raises `UnsupportedMediaType` unless the body is said to be JSON."""
    if media_type(request) != JSON:
        raise UnsupportedMediaType(f"send the body as {JSON}")


async def _digest(request: Request) -> Hash:
    """The hash of what makes a request what it is: method, path, media type, body."""
    parts = [request.method.encode(), request.url.path.encode(), media_type(request).encode()]
    return sha256(b"\x00".join(parts) + b"\x00" + await request.body())


Digest = Annotated[Hash, Depends(_digest)]


def answer_post(
    resources: Resources,
    key: StoredKey,
    idempotency_key: str | None,
    digest: Hash,
    act: Callable[[sa.Connection], StoredAnswer],
) -> Response:
    """Acts within one transaction that holds the stored answer too; a second time only repeats the answer."""
    with resources.engine.begin() as connection:
        answer, repeated = once(connection, key.prefix, idempotency_key, digest, lambda: act(connection))
    headers = {} if answer.location is None else {"Location": answer.location}
    if repeated:
        headers["Idempotency-Replayed"] = "true"
    return Response(answer.body, answer.status, headers, media_type=JSON)
