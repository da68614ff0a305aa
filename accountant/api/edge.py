"""The edge: what every request passes before a route sees it. Request id, API key, size and time of the body.

This is plain ASGI, because FastAPI reads a body before it solves dependencies: a request without a
valid key must not be able to make us read anything.
"""

import re
import uuid

import anyio
import sqlalchemy as sa
from anyio import to_thread
from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from accountant.api.problems import UNAUTHORIZED, Problem, problem_of, respond
from accountant.services.api_keys import authenticate
from accountant.storage.keys_store import StoredKey

OPEN_PATHS = frozenset({"/v1/health", "/v1/readiness"})
"""Probes of supervisors and load balancers carry no key; everything else needs one, but the explorer."""

BODY_BYTES_MAX = 1024 * 1024 + 64 * 1024
"""The largest transaction in hex, and its JSON around it."""

BODY_S = 30.0
"""Seconds from the first look at a body to its end: one that trickles in would hold its connection for ever."""

BLOB_BYTES_PER_S_LEAST = 64 * 1024
"""A blob may take longer, as long as it comes at this rate."""

_LEAVE_THE_BODY = {"Connection": "close"}
"""Ends the connection instead of reading and throwing away what the client still wants to send."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


class Edge:
    """ASGI middleware around the whole application."""

    def __init__(
        self,
        app: ASGIApp,
        engine: sa.Engine,
        body_bytes_max: int = BODY_BYTES_MAX,
        body_s: float = BODY_S,
        blob_bytes_max: int = BODY_BYTES_MAX,
        public: str | None = None,
    ) -> None:
        """`blob_bytes_max`: of bodies that go to a file, and are never held in memory. `public`: this path, and
        everything below it, needs no key either.
        """
        self._app = app
        self._public = public
        self._blob_bytes_max = blob_bytes_max
        self._engine = engine
        self._body_bytes_max = body_bytes_max
        self._body_s = body_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        problem = await self._admit(scope, headers)
        if problem is not None:
            response = respond(scope, problem)
            if "content-length" in headers or "transfer-encoding" in headers:
                response.headers.update(_LEAVE_THE_BODY)
            await response(scope, receive, send_named)
        else:
            await self._app(scope, self._limited(receive, scope), send_named)

    async def _admit(self, scope: Scope, headers: Headers) -> Problem | None:
        """Why the request goes no further; None lets it pass, with its key in the request's state."""
        if not self._is_open(scope["path"]):
            try:
                key = await to_thread.run_sync(self._key_of, headers)
            except Exception as error:
                return problem_of(error)
            if key is None:
                return UNAUTHORIZED
            scope["state"]["key"] = key
        announced = headers.get("content-length", "")
        bytes_max = self._bytes_max(scope)
        if announced.isdecimal() and int(announced[:20]) > bytes_max:
            return problem_of(_too_large(bytes_max))
        return None

    def _is_open(self, path: str) -> bool:
        if self._public is not None and (path == self._public or path.startswith(self._public + "/")):
            return True
        return path in OPEN_PATHS

    def _key_of(self, headers: Headers) -> StoredKey | None:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        text = token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
        with self._engine.connect() as connection:
            return authenticate(connection, text)

    def _bytes_max(self, scope: Scope) -> int:
        return self._blob_bytes_max if _takes_a_blob(scope) else self._body_bytes_max

    def _limited(self, receive: Receive, scope: Scope) -> Receive:
        """`receive`, which stops as soon as the body is larger than allowed, whatever was announced, or too slow."""
        bytes_max = self._bytes_max(scope)
        s_per_byte = 1 / BLOB_BYTES_PER_S_LEAST if _takes_a_blob(scope) else 0.0
        size = 0
        ends_at: float | None = None
        whole = False

        async def receive_some() -> Message:
            nonlocal size, ends_at, whole
            if whole:  # what comes now is the end of the connection, whenever that is
                return await receive()
            if ends_at is None:
                ends_at = anyio.current_time() + self._body_s
            with anyio.move_on_at(ends_at):
                message = await receive()
                whole = message["type"] != "http.request" or not message.get("more_body", False)
                got = len(message.get("body", b""))
                size, ends_at = size + got, ends_at + got * s_per_byte
                if size > bytes_max:
                    raise _too_large(bytes_max)
                return message
            raise HTTPException(408, f"a body is sent within {self._body_s:.0f} s", _LEAVE_THE_BODY)

        return receive_some


def _takes_a_blob(scope: Scope) -> bool:
    method, path = str(scope["method"]), str(scope["path"])
    return (method == "POST" and path == "/v1/blobs") or (method == "PATCH" and path.startswith("/v1/uploads/"))


def _too_large(bytes_max: int) -> HTTPException:
    return HTTPException(413, f"a body has at most {bytes_max} bytes", _LEAVE_THE_BODY)
