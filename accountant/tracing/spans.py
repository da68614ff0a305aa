"""Spans, as the rest of the code speaks of them. Nothing is measured, and nothing loaded, before `begin`.

A trace outlives processes by its `traceparent`, the text of W3C Trace Context that rows, messages and requests carry.
This module imports nothing of OpenTelemetry: `begin` loads `tracing.otlp`, which does.
"""

from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from enum import StrEnum
from typing import Protocol

import structlog

Value = str | int | bool | bytes | None
"""Of an attribute. Bytes are written as hex with 0x; None: there is no such attribute."""

EXTRA = "tracing"
"""The extra with what sends spans."""

_log = structlog.get_logger(__name__)


class Kind(StrEnum):
    """What a span is to the one that it belongs to, in OpenTelemetry's words."""

    INTERNAL = "internal"
    SERVER = "server"
    CLIENT = "client"
    PRODUCER = "producer"
    CONSUMER = "consumer"


class Span(Protocol):
    """What was begun and is being measured."""

    @property
    def traceparent(self) -> str | None:
        """What others carry to go on in this trace; None where nothing is measured."""

    def set(self, **attributes: Value) -> None:
        """Says more of it. Names without a dot are ours, and get `anh.` before them."""

    def rename(self, name: str) -> None:
        """Gives it the name that is known by now."""

    def fail(self, why: str) -> None:
        """Marks it as failed. `why`: a short word of ours, never an error's own text, which may hold anything."""


class Tracer(Protocol):
    """Who measures and sends: `tracing.otlp`."""

    def span(
        self, name: str, kind: Kind, remote: str | None, links: Sequence[str], attributes: dict[str, Value]
    ) -> AbstractContextManager[Span]:
        """A span under what `remote` names, in a trace of its own where that is malformed; None: under the current."""

    def arrived(self, traceparent: str) -> AbstractContextManager[None]:
        """Makes what it names current; nothing where it is malformed."""

    def belongs(self, traceparent: str) -> bool:
        """Whether it is of the trace of what is current."""

    def current(self) -> Span | None:
        """The current span, if there is one."""

    def link(self, traceparent: str) -> None:
        """Notes on the current span that another one, of whatever trace, belongs to it."""

    def trace_id(self) -> str | None:
        """The current trace's id, 32 hex digits."""

    def close(self) -> None:
        """Sends what is left, for a short while at most."""


class _Nothing:
    """The span of what nobody measures."""

    traceparent: str | None = None

    def set(self, **attributes: Value) -> None: ...

    def rename(self, name: str) -> None: ...

    def fail(self, why: str) -> None: ...


NOTHING: Span = _Nothing()
_NO_SPAN: AbstractContextManager[Span] = nullcontext(NOTHING)
_active: list[Tracer] = []


def begin(endpoint: str | None, process: str) -> None:
    """Measures this process from now on, under its name, and sends spans to the endpoint; None: does nothing.

    Without the extra it says so once, and does nothing either.
    """
    if endpoint is None or _active:
        return
    try:
        from accountant.tracing.otlp import OtlpTracer
    except ImportError as error:
        _log.warning("traces_not_sent", detail=f"ANH_TRACES needs the extra `{EXTRA}`: {error.name} is not installed")
        return
    _active.append(OtlpTracer(endpoint, process))


def end() -> None:
    """Sends what is left, and measures no more."""
    while _active:
        _active.pop().close()


def active() -> bool:
    """Whether anything is measured."""
    return bool(_active)


def span(
    name: str,
    kind: Kind = Kind.INTERNAL,
    *,
    remote: str | None = None,
    links: Sequence[str] = (),
    **attributes: Value,
) -> AbstractContextManager[Span]:
    """Measures the block, under what a client named or else the current span; without both, in a trace of its own."""
    if not _active:
        return _NO_SPAN
    return _active[0].span(name, kind, remote, links, attributes)


def under(
    traceparent: str | None,
    name: str,
    kind: Kind = Kind.INTERNAL,
    *,
    links: Sequence[str] = (),
    **attributes: Value,
) -> AbstractContextManager[Span]:
    """Measures the block in the trace that a row carries; where it carries none, nothing.

    Its parent is what is current, if that is of the same trace: a message knows better than a row what led to it.
    """
    if not _active or traceparent is None:
        return _NO_SPAN
    remote = None if _active[0].belongs(traceparent) else traceparent
    return _active[0].span(name, kind, remote, links, attributes)


def within(name: str, kind: Kind = Kind.INTERNAL, **attributes: Value) -> AbstractContextManager[Span]:
    """Measures the block as part of what is current; where nothing is, nothing."""
    if not _active or _active[0].current() is None:
        return _NO_SPAN
    return _active[0].span(name, kind, None, (), attributes)


@contextmanager
def arrived(traceparent: object) -> Iterator[None]:
    """The block goes on with what a message told, if it told anything."""
    if not _active or not isinstance(traceparent, str):
        yield
        return
    with _active[0].arrived(traceparent):
        yield


def current() -> Span:
    """What is being measured."""
    return (_active[0].current() if _active else None) or NOTHING


def link(traceparent: str | None) -> None:
    """Notes on the current span that another one, of whatever trace, belongs to it."""
    if _active and traceparent is not None:
        _active[0].link(traceparent)


def trace_id() -> str | None:
    """The current trace's id, 32 hex digits, for people to look it up."""
    return _active[0].trace_id() if _active else None


def mark(_logger: object, _method: str, event: MutableMapping[str, object]) -> MutableMapping[str, object]:
    """A processor of structlog: log lines say to which trace they belong."""
    found = trace_id()
    if found is not None:
        event.setdefault("trace_id", found)
    return event
