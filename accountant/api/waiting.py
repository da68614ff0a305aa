"""`Prefer: wait=30` (RFC 7240): a question that answers within the request, as far as the job is done by then.

A waiter holds no thread and no database connection: one task asks, for all of them, which jobs have ended.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import anyio
import sqlalchemy as sa
import structlog
from anyio import to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from accountant.api.job_views import JobView
from accountant.api.posting import JSON
from accountant.services.follow import ended_jobs, get_job, trainings_of
from accountant.storage.keys_store import StoredKey

WAIT_S_MOST = 60
"""Longer preferences are cut to this: proxies and clients give up on silent connections."""

WAITERS_MOST = 512
WAITERS_OF_KEY_MOST = 64
POLL_S = 0.05

_JOBS = "/v1/jobs/"

PREFER_PARAMETER = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "examples": ["wait=30"]},
    "description": f"`wait=SECONDS` (RFC 7240), at most {WAIT_S_MOST}: answer 200 with the job once it has ended, or "
    "202 as it is when the time is over. `Preference-Applied` says how long the request would have waited; without it "
    "too many wait already, and the answer is 202 at once.",
}
WAITED_RESPONSE = {
    "description": "The job has ended within the time that the client preferred to wait.",
    "headers": {"Preference-Applied": {"schema": {"type": "string", "examples": ["wait=30"]}}},
    "content": {JSON: {"schema": {"$ref": "#/components/schemas/JobView"}}},
}

_WAIT = re.compile(r"\s*wait\s*=\s*\"?([0-9]{1,9})\"?\s*(?:;.*)?", re.ASCII | re.IGNORECASE | re.DOTALL)

_log = structlog.get_logger(__name__)

Ended = Callable[[list[str]], set[str]]
"""Which of these jobs have ended: one statement."""


def preferred_wait_s(prefer: str | None) -> int | None:
    """The seconds of the first `wait` preference; None where there is none that can be read: such are ignored."""
    for part in (prefer or "").split(","):
        found = _WAIT.fullmatch(part)
        if found is not None:
            return min(int(found[1]), WAIT_S_MOST)
    return None


class Waiters:
    """All requests of one event loop that wait for jobs."""

    def __init__(self, ended: Ended, most: int = WAITERS_MOST, of_key_most: int = WAITERS_OF_KEY_MOST) -> None:
        self._ended = ended
        self._most, self._of_key_most = most, of_key_most
        self._events: dict[str, list[anyio.Event]] = {}
        self._of_key: Counter[str] = Counter()
        self._task: asyncio.Task[None] | None = None

    async def wait(self, key_prefix: str, job_id: str, seconds: float) -> bool | None:
        """Whether the job ended in time; None if too many wait already: then nobody waits."""
        if self._of_key.total() >= self._most or self._of_key[key_prefix] >= self._of_key_most:
            return None
        event = anyio.Event()
        self._of_key[key_prefix] += 1
        self._events.setdefault(job_id, []).append(event)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch())
        try:
            with anyio.move_on_after(seconds):
                await event.wait()
            return event.is_set()
        finally:
            self._of_key[key_prefix] -= 1
            self._events[job_id].remove(event)
            if not self._events[job_id]:
                del self._events[job_id]

    async def _watch(self) -> None:
        """As long as somebody waits."""
        while self._events:
            try:
                ended = await to_thread.run_sync(self._ended, list(self._events))
            except sa.exc.DBAPIError as error:  # those who wait get the job as it stands, when their time is over
                _log.warning("jobs_not_watched", error=type(error).__name__)
                ended = set()
            for job_id in ended:
                for event in self._events.get(job_id, ()):
                    event.set()
            await anyio.sleep(POLL_S)


class Waiting:
    """ASGI middleware: holds the 202 of a new job back while the client prefers to wait, and sends the ended job."""

    def __init__(self, app: ASGIApp, engine: sa.Engine) -> None:
        self._app, self._engine = app, engine
        self._waiters = Waiters(self._ended)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        seconds = None
        if scope["type"] == "http" and scope["method"] == "POST":
            seconds = preferred_wait_s(Headers(scope=scope).get("prefer"))
        if not seconds:
            await self._app(scope, receive, send)
            return
        held: list[Message] = []

        async def hold(message: Message) -> None:
            if not held and (message["type"] != "http.response.start" or _job_of(message) is None):
                await send(message)
            else:
                held.append(message)

        await self._app(scope, receive, hold)
        job_id = _job_of(held[0]) if held else None
        if job_id is not None:
            await self._answer(scope, receive, send, held, job_id, seconds)

    async def _answer(
        self, scope: Scope, receive: Receive, send: Send, held: list[Message], job_id: str, seconds: int
    ) -> None:
        key: StoredKey = scope["state"]["key"]
        ended = await self._wait(receive, key.prefix, job_id, seconds)
        if ended is _GONE:
            return
        applied = {"Preference-Applied": f"wait={seconds}"}
        if ended:
            with suppress(sa.exc.DBAPIError):  # the 202 is true all the same
                body = await to_thread.run_sync(self._document, key.prefix, job_id)
                headers = MutableHeaders(raw=held[0]["headers"])
                kept = {name: headers[name] for name in _KEPT if name in headers}
                await Response(body, 200, {**kept, **applied}, media_type=JSON)(scope, receive, send)
                return
        if ended is not None:
            MutableHeaders(scope=held[0]).update(applied)
        for message in held:
            await send(message)

    async def _wait(self, receive: Receive, key_prefix: str, job_id: str, seconds: int) -> object:
        """Whether the job has ended, None if nobody waited, `_GONE` if the client did not."""
        outcome: object = _GONE
        async with anyio.create_task_group() as group:

            async def until_gone() -> None:
                while (await receive())["type"] != "http.disconnect":
                    pass
                group.cancel_scope.cancel()

            group.start_soon(until_gone)
            outcome = await self._waiters.wait(key_prefix, job_id, seconds)
            group.cancel_scope.cancel()
        return outcome

    def _ended(self, job_ids: list[str]) -> set[str]:
        with self._engine.connect() as connection:
            return ended_jobs(connection, job_ids)

    def _document(self, key_prefix: str, job_id: str) -> bytes:
        with self._engine.connect() as connection:
            row = get_job(connection, key_prefix, job_id)
            return JobView.of(row, trainings_of(connection, row)).model_dump_json().encode()


_GONE = object()
_KEPT = ("location", "idempotency-replayed")


def _job_of(start: Message) -> str | None:
    """The job that a response speaks of, if it says that the job was accepted."""
    location = MutableHeaders(scope=start).get("location", "")
    return location.removeprefix(_JOBS) if start["status"] == 202 and location.startswith(_JOBS) else None
