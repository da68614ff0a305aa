"""The tracer over OpenTelemetry's SDK: spans go to an OTLP/HTTP endpoint in batches, from a thread of their own.

The only module that imports OpenTelemetry. A collector that is down, slow or wrong costs spans and nothing else: the
queue is bounded, what does not fit is dropped, and nobody waits. `OTEL_*` variables that the SDK knows (sampling,
queue, headers, certificates) apply.
"""

import os
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import structlog
from opentelemetry import trace
from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanContext, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from accountant.tracing.spans import Kind, Value

NAMESPACE = "anh"
END_S = 2.0
"""What a process gives its last spans when it ends."""

_FIELD = "traceparent"
_INT_MOST = 2**63 - 1
_KINDS = {kind: SpanKind[kind.name] for kind in Kind}
_log = structlog.get_logger(__name__)
_propagator = TraceContextTextMapPropagator()


class OtlpTracer:
    """A `Tracer` that sends to an endpoint's exact URL."""

    def __init__(self, endpoint: str, process: str, exporter: SpanExporter | None = None) -> None:
        """`exporter`: where spans go instead of the endpoint."""
        who = {
            "service.namespace": NAMESPACE,
            "service.name": f"{NAMESPACE}-{process}",
            "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
        }
        self._provider = TracerProvider(resource=Resource.create(who), shutdown_on_exit=False)
        self._sending = _Sending(exporter or OTLPSpanExporter(endpoint=endpoint))
        self._provider.add_span_processor(BatchSpanProcessor(self._sending))
        self._tracer = self._provider.get_tracer("accountant")

    @contextmanager
    def span(
        self, name: str, kind: Kind, remote: str | None, links: Sequence[str], attributes: dict[str, Value]
    ) -> Iterator["_Own"]:
        """Measures the block. An error that leaves it is named by its type alone: its text may hold anything."""
        with self._tracer.start_as_current_span(
            name,
            None if remote is None else _context_of(remote),
            _KINDS[kind],
            _attributes(attributes),
            [trace.Link(found) for one in links if (found := _span_context(one)).is_valid],
            record_exception=False,
            set_status_on_exception=False,
        ) as begun:
            try:
                yield _Own(begun)
            except BaseException as error:
                begun.set_status(StatusCode.ERROR, type(error).__name__)
                raise

    @contextmanager
    def arrived(self, traceparent: str) -> Iterator[None]:
        """Makes what it names current; where it is malformed, what was current stays so."""
        token = attach(_propagator.extract({_FIELD: traceparent}, get_current()))
        try:
            yield
        finally:
            detach(token)

    def belongs(self, traceparent: str) -> bool:
        """Whether it is of the trace of what is current."""
        here = trace.get_current_span().get_span_context()
        return here.is_valid and here.trace_id == _span_context(traceparent).trace_id

    def current(self) -> "_Own | None":
        """The current span, or the one that a message told of."""
        found = trace.get_current_span()
        return _Own(found) if found.get_span_context().is_valid else None

    def link(self, traceparent: str) -> None:
        """Links the current span to another one."""
        found = _span_context(traceparent)
        if found.is_valid:
            trace.get_current_span().add_link(found)

    def trace_id(self) -> str | None:
        """The current trace's id."""
        here = trace.get_current_span().get_span_context()
        return trace.format_trace_id(here.trace_id) if here.is_valid else None

    def close(self) -> None:
        """Sends what is left; a collector that does not answer is not waited for longer than `END_S`."""
        closing = threading.Thread(target=self._provider.shutdown, name="last spans", daemon=True)
        closing.start()
        closing.join(END_S)
        if closing.is_alive():
            self._sending.shutdown()  # or it would go on trying


class _Own:
    """A span that is measured."""

    def __init__(self, begun: trace.Span) -> None:
        self._span = begun

    @property
    def traceparent(self) -> str | None:
        carrier: dict[str, str] = {}
        _propagator.inject(carrier, trace.set_span_in_context(self._span, Context()))
        return carrier.get(_FIELD)

    def set(self, **attributes: Value) -> None:
        self._span.set_attributes(_attributes(attributes))

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def fail(self, why: str) -> None:
        self._span.set_status(StatusCode.ERROR, why)


class _Sending(SpanExporter):
    """Counts what is lost on its way, and says so when that begins and when it ends, not each time."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        try:
            result = self._exporter.export(spans)
        except Exception as error:  # a library's thread must go on, whatever a collector's answer did to it
            _log.debug("traces_not_sent", error=type(error).__name__)
            result = SpanExportResult.FAILURE
        if result is SpanExportResult.SUCCESS:
            if self._lost:
                _log.info("traces_sent_again", lost=self._lost)
            self._lost = 0
            return result
        if not self._lost:
            _log.warning("traces_not_sent", detail="the endpoint of ANH_TRACES takes no spans; they are dropped")
        self._lost += len(spans)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def _context_of(traceparent: str) -> Context:
    """What a `traceparent` names, as W3C Trace Context reads it; an empty context where it is malformed."""
    return _propagator.extract({_FIELD: traceparent}, Context())


def _span_context(traceparent: str) -> SpanContext:
    return trace.get_current_span(_context_of(traceparent)).get_span_context()


def _attributes(given: dict[str, Value]) -> dict[str, str | int | bool]:
    return {
        name if "." in name else f"{NAMESPACE}.{name}": _text(value)
        for name, value in given.items()
        if value is not None
    }


def _text(value: str | int | bool | bytes) -> str | int | bool:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, int) and abs(value) > _INT_MOST:
        return str(value)
    return str(value) if isinstance(value, str) else value
