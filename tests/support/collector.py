"""What takes traces in tests: an OTLP/HTTP receiver on loopback, and a tracer that keeps spans in this process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from accountant.tracing import spans
from accountant.tracing.otlp import OtlpTracer

PATH = "/v1/traces"


class Received(NamedTuple):
    """A span as it came over the wire."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    """Empty: it begins its trace."""
    attributes: dict[str, object]
    links: tuple[str, ...]
    """The ids of the spans that it names."""
    failed: bool


class Collector:
    """A receiver of OTLP/HTTP. It answers with `status`."""

    def __init__(self, status: int = 200) -> None:
        self.bodies: list[bytes] = []
        self._guard = threading.Lock()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                with collector._guard:
                    collector.bodies.append(self.path.encode() + b"\n" + body)
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def endpoint(self) -> str:
        """What `ANH_TRACES` is set to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def spans(self, trace_id: str) -> list[Received]:
        """The spans of a trace that have come so far."""
        with self._guard:
            bodies = list(self.bodies)
        return [one for body in bodies for one in _decoded(body) if one.trace_id == trace_id]

    def close(self) -> None:
        """Takes nothing any more."""
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def collecting(status: int = 200) -> Iterator[Collector]:
    """A receiver until the block ends."""
    collector = Collector(status)
    try:
        yield collector
    finally:
        collector.close()


@contextmanager
def kept_spans() -> Iterator[InMemorySpanExporter]:
    """Measures this process; what was measured is there after `spans.end()`, or the block."""
    exporter = InMemorySpanExporter()
    exporter.shutdown = lambda: None  # type: ignore[method-assign]  # what it keeps is to be read afterwards
    spans._active.append(OtlpTracer("", "test", exporter))
    try:
        yield exporter
    finally:
        spans.end()


def _decoded(body: bytes) -> Iterator[Received]:
    path, _, message = body.partition(b"\n")
    assert path == PATH.encode()
    for resource in ExportTraceServiceRequest.FromString(message).resource_spans:
        service = {one.key: _value(one.value) for one in resource.resource.attributes}["service.name"]
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Received(
                    str(service),
                    span.name,
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    {one.key: _value(one.value) for one in span.attributes},
                    tuple(link.span_id.hex() for link in span.links),
                    span.status.code == span.status.STATUS_CODE_ERROR,
                )


def _value(value: AnyValue) -> object:
    kind = value.WhichOneof("value")
    return None if kind is None else getattr(value, kind)
