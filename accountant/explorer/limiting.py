"""How often one address may ask: counted in Redis, for all processes together; in this process while Redis is away."""

import ipaddress
import math
import time

import structlog
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import StorageError
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from accountant.dashboard.render import page
from accountant.explorer.resources import BASE, LAYOUT

PAGES = (RateLimitItemPerMinute(120),)
QUESTIONS = (RateLimitItemPerMinute(6), RateLimitItemPerHour(60))
"""Of questions, which take a worker's time; each is a page as well."""

_NETWORK_BITS = 64
"""Of an IPv6 address: who has one address has all of its network."""
_SPACE = "anh:explorer"

_log = structlog.get_logger(__name__)


class Limits:
    """Counts requests by address."""

    def __init__(self, redis_url: str) -> None:
        shared = RedisStorage(
            "async+" + redis_url, wrap_exceptions=True, implementation="redispy", key_prefix=_SPACE, socket_timeout=1.0
        )
        self._shared = MovingWindowRateLimiter(shared)
        self._own = MovingWindowRateLimiter(MemoryStorage())

    async def wait_s(self, items: tuple[RateLimitItem, ...], kind: str, address: str) -> int:
        """Counts a request; 0 if it may pass, else the whole seconds after which the next one may."""
        for item in items:
            try:
                wait = await _hit(self._shared, item, kind, address)
            except StorageError as error:
                _log.warning("limits_not_shared", error=type(error).__name__)
                wait = await _hit(self._own, item, kind, address)
            if wait:
                return wait
        return 0


async def _hit(limiter: MovingWindowRateLimiter, item: RateLimitItem, kind: str, address: str) -> int:
    if await limiter.hit(item, kind, address):
        return 0
    window = await limiter.get_window_stats(item, kind, address)
    return max(1, math.ceil(window.reset_time - time.time()))


def who(address: str) -> str:
    """Whom an address counts for: an IPv4 address for itself, an IPv6 address for its network."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, _NETWORK_BITS), strict=False).network_address)
    return str(parsed)


class Limited:
    """ASGI middleware around the explorer: answers 429 with `Retry-After` to who asks too often."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app, self._limits = app, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] == "http" and not scope["path"].startswith(f"{BASE}/static/"):
            client = scope.get("client")
            address = who(client[0] if client else "")
            wait = await self._limits.wait_s(PAGES, "page", address)
            if not wait and scope["method"] == "POST" and not scope["path"].endswith("/theme"):
                wait = await self._limits.wait_s(QUESTIONS, "question", address)
            if wait:
                await _refused(scope, wait)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _refused(scope: Scope, wait_s: int) -> ASGIApp:
    detail = f"That was too often. Ask again in {wait_s} s, or get a key for the REST API."
    values = {"title": "Too Many Requests", "detail": detail, "base": BASE, "layout": LAYOUT}
    answer = page(Request(scope), "error.html", None, 429, **values)
    answer.headers["Retry-After"] = str(wait_s)
    return answer
