"""A span for each request of a client with a key, in the client's own trace if it names one.

Who has no key gets none: strangers could fill whatever takes our traces, and join other people's.
"""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from accountant.tracing.spans import Kind, span

TRACEPARENT = "traceparent"
TRACEPARENT_PARAMETER = {
    "name": TRACEPARENT,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "examples": ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"]},
    "description": "W3C Trace Context: where this service traces, all that is done for the job, up to its oath, "
    "belongs to this trace. A malformed one is ignored.",
}

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OTHER = "_OTHER"
"""OpenTelemetry's word for methods that a client made up."""


class Traced:
    """ASGI middleware behind the edge, which knows the key by then."""

    def __init__(self, app: ASGIApp, prefix: str = "") -> None:
        """`prefix`: of all routes, which the framework leaves out of their paths."""
        self._app, self._prefix = app, prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http" or "key" not in scope.get("state", {}):
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in _METHODS else _OTHER
        given = Headers(scope=scope).getlist(TRACEPARENT)
        remote = given[0] if len(given) == 1 else None
        about = {"http.request.method": method, "request_id": scope["state"]["request_id"]}
        with span(method, Kind.SERVER, remote=remote, **about) as own:

            async def send_noted(message: Message) -> None:
                if message["type"] == "http.response.start":
                    own.set(**{"http.response.status_code": message["status"]})
                    if message["status"] >= 500:
                        own.fail(str(message["status"]))
                await send(message)

            await self._app(scope, receive, send_noted)
            route = getattr(scope.get("route"), "path", None)
            if isinstance(route, str):
                own.rename(f"{method} {self._prefix}{route}")
                own.set(**{"http.route": self._prefix + route})
