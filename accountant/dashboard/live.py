"""Live pages: one poller a process looks once a second, and tells all who listen what changed (server-sent events).

A page asks for `/live?events=verdict,numbers`. What an event holds is a part of a page, rendered once for everybody, so
it must be the same for all roles; pages register theirs in `SOURCES`.
"""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple

import sqlalchemy as sa
import structlog
from fastapi.sse import format_sse_event

from accountant.dashboard.resources import DashboardResources
from accountant.dashboard.text import moment
from accountant.monitoring.probes import NodeSeen, Probed, Probes
from accountant.monitoring.reads.health import read_snapshot
from accountant.monitoring.verdict import Snapshot, Verdict, judge

POLL_S = 1.0
PROBE_S = 2.0
KEEPALIVE_S = 5.0
"""A page that hears nothing for ten seconds says that it is old."""
CHECK_S = 10.0
"""How soon a stream ends after its session."""

_log = structlog.get_logger(__name__)


class Look(NamedTuple):
    """What was seen at one moment."""

    snapshot: Snapshot
    verdict: Verdict


Source = Callable[[sa.Connection | None, Look], str]
"""Renders an event's part of a page; no connection while the database is down. Empty: nothing to tell."""

SOURCES: dict[str, Source] = {}
"""By event."""


class Live:
    """The poller of an application. It looks only while somebody listens."""

    def __init__(self, resources: DashboardResources) -> None:
        self._resources = resources
        self._guard = threading.Lock()
        self._probes = Probes(resources.settings)
        self._probed, self._probed_at = Probed(), float("-inf")
        self._node: NodeSeen | None = None
        self._node_at = float("-inf")
        self._listeners: dict[asyncio.Event, tuple[str, ...]] = {}
        self._parts: dict[str, str] = {}
        self._task: asyncio.Task[None] | None = None

    def look(self) -> Look:
        """How everything is now. Never raises for what is down: that is what it is to see."""
        probed = self.probed()
        try:
            with self._resources.reads.connect() as connection:
                snapshot = read_snapshot(connection, probed)
        except sa.exc.DBAPIError:
            snapshot = Snapshot(False, probed)
        return Look(snapshot, judge(snapshot))

    def probed(self) -> Probed:
        """What others than the database answered, two seconds ago at most. One asks for all."""
        with self._guard:
            if time.monotonic() - self._probed_at >= PROBE_S:
                self._probed, self._probed_at = self._probes.ask(), time.monotonic()
            return self._probed

    def node(self) -> NodeSeen | None:
        """What the node tells, a few seconds old at most; None where it does not answer. One asks for all viewers."""
        status = self.probed().node
        if status is None:
            return None
        with self._guard:
            if self._node is None or time.monotonic() - self._node_at >= PROBE_S:
                self._node = self._probes.node(status)
                self._node_at = time.monotonic()
            return self._node

    async def stream(self, events: tuple[str, ...], may: Callable[[], bool]) -> AsyncGenerator[bytes]:
        """What `events` hold, now and whenever it changes, for as long as the listener `may`."""
        changed = asyncio.Event()
        self._listeners[changed] = events
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._poll())
        told: dict[str, str] = {}
        check_at = time.monotonic() + CHECK_S
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(KEEPALIVE_S):
                        await changed.wait()
                if time.monotonic() >= check_at:
                    if not await asyncio.to_thread(may):
                        return
                    check_at = time.monotonic() + CHECK_S
                changed.clear()
                for event in events:
                    part = self._parts.get(event)
                    if part is not None and told.get(event) != part:
                        told[event] = part
                        yield format_sse_event(data_str=part, event=event)
                yield format_sse_event(data_str=moment(datetime.now(UTC)), event="alive")
        finally:
            del self._listeners[changed]

    async def _poll(self) -> None:
        while self._listeners:
            began = time.monotonic()
            wanted = {event for events in self._listeners.values() for event in events}
            try:
                self._parts |= await asyncio.to_thread(self._rendered, wanted)
            except Exception as error:  # a page's part must not end everybody's stream
                _log.exception("not_looked", error=type(error).__name__)
            for changed in self._listeners:
                changed.set()
            await asyncio.sleep(max(0.0, POLL_S - (time.monotonic() - began)))
        self._parts.clear()

    def _rendered(self, wanted: set[str]) -> dict[str, str]:
        look = self.look()
        if not look.snapshot.database_up:
            return {event: SOURCES[event](None, look) for event in wanted}
        with self._resources.reads.connect() as connection:
            return {event: SOURCES[event](connection, look) for event in wanted}

    def close(self) -> None:
        """Ends the connections of the probes."""
        self._probes.close()
