"""Spans: nothing without an endpoint, nothing secret in them, and a collector in trouble is nobody else's."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import format_trace_id
from starlette.types import Message, Receive, Scope, Send
from structlog.testing import capture_logs

from accountant.api.tracing import Traced
from accountant.tracing import otlp, spans
from accountant.tracing.spans import Kind, arrived, current, span, under, within
from tests.support.collector import collecting, kept_spans
from tests.support.processes import wait_until

TRACE = "0af7651916cd43dd8448eb211c80319c"
ASKED = f"00-{TRACE}-b7ad6b7169203331-01"
MALFORMED = (
    "",
    "0",
    TRACE,
    ASKED.upper(),
    ASKED + "-more",
    ASKED.replace("00-", "ff-", 1),
    f"00-{32 * '0'}-b7ad6b7169203331-01",
    f"00-{TRACE}-{16 * '0'}-01",
    f"00-{TRACE}-b7ad6b7169203331",
    f"00-{TRACE}-b7ad6b7169203331-1",
    f"00-{TRACE}-b7ad6b716920333g-01",
    "é" * 55,
    "0" * 10_000,
)


@pytest.fixture
def kept() -> Iterator[InMemorySpanExporter]:
    with kept_spans() as exporter:
        yield exporter


def test_without_an_endpoint_nothing_is_loaded() -> None:
    """Processes that could trace load no tracer and no exporter where no endpoint is named, and spans are nothing."""
    program = """
import sys
import accountant.api.tracing, accountant.commands.publish, workers.signals
from accountant.tracing import spans
from accountant.settings import load_settings
spans.begin(load_settings().traces_url, "test")
with spans.span("a") as own:
    assert own is spans.NOTHING and own.traceparent is None and spans.trace_id() is None
unwanted = ("opentelemetry.sdk.trace", "opentelemetry.exporter", "opentelemetry.proto", "accountant.tracing.otlp")
loaded = [name for name in sys.modules if name.startswith(unwanted)]
assert not loaded, loaded
"""
    subprocess.run([sys.executable, "-c", program], check=True, env={"PATH": "", "ANH_TRACES": ""})


def test_without_the_extra_it_is_said_once_and_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint without what could send to it is a warning that names the extra, and no reason not to work."""
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    monkeypatch.delitem(sys.modules, "accountant.tracing.otlp")
    with capture_logs() as logs:
        spans.begin("http://127.0.0.1:9/v1/traces", "test")
    assert [line["event"] for line in logs] == ["traces_not_sent"] and "`tracing`" in logs[0]["detail"]
    assert not spans.active()


@pytest.mark.parametrize("given", MALFORMED)
def test_a_malformed_traceparent_is_ignored(kept: InMemorySpanExporter, given: str) -> None:
    """A client's header that W3C Trace Context calls invalid begins a new trace; in a message it is nothing."""
    with span("asked", remote=given) as own, arrived(given):
        assert current().traceparent == own.traceparent != given
    spans.end()
    (asked,) = kept.get_finished_spans()
    assert asked.parent is None and format_trace_id(asked.context.trace_id) != TRACE


def test_a_later_version_is_read_as_far_as_it_is_known(kept: InMemorySpanExporter) -> None:
    """What a version to come adds at the end is passed over."""
    with span("asked", remote=ASKED.replace("00-", "01-", 1) + "-more"):
        assert spans.trace_id() == TRACE


def test_who_does_not_record_is_not_recorded(kept: InMemorySpanExporter) -> None:
    """A client that says that its trace is not recorded gets no span, in no process, and its id in the logs."""
    with span("asked", remote=ASKED[:-1] + "0") as own:
        assert spans.trace_id() == TRACE
        carried = own.traceparent
    assert carried is not None and carried.endswith("-00")
    with under(carried, "later"):
        pass
    spans.end()
    assert kept.get_finished_spans() == ()


def test_parents_are_what_is_current_or_what_a_row_carries(kept: InMemorySpanExporter) -> None:
    """A row's trace without anything current; else what is current, if it is of the same trace; no row, no span."""
    with span("asked", Kind.SERVER, remote=ASKED) as asked:
        carried = asked.traceparent
    with under(carried, "row"), within("part"):
        pass
    with under(carried, "sent") as sent:
        message = sent.traceparent
    with arrived(message), under(carried, "told"):
        pass
    with span("other"), under(carried, "still the row's"):
        pass
    with under(None, "nothing"), within("nothing either") as nothing:
        assert nothing is spans.NOTHING
    spans.end()
    found = {one.name: one for one in kept.get_finished_spans()}
    names = {one.context.span_id: name for name, one in found.items()}
    parents = {name: names.get(one.parent.span_id) if one.parent else None for name, one in found.items()}
    assert parents == {
        "asked": None,
        "row": "asked",
        "part": "row",
        "sent": "asked",
        "told": "sent",
        "other": None,
        "still the row's": "asked",
    }
    assert found["asked"].parent is not None and found["asked"].parent.is_remote


def test_attributes_are_texts_and_numbers_that_fit(kept: InMemorySpanExporter) -> None:
    """Bytes are hex, gas past 2^63 is text, what is not there is left out."""
    with span("one", transaction=b"\x01\xff", gas=2**63, small=2**63 - 1, flag=True, absent=None) as own:
        own.set(**{"http.route": "/v1"})
    spans.end()
    (one,) = kept.get_finished_spans()
    assert dict(one.attributes or {}) == {
        "anh.transaction": "0x01ff",
        "anh.gas": str(2**63),
        "anh.small": 2**63 - 1,
        "anh.flag": True,
        "http.route": "/v1",
    }


def test_an_error_is_named_and_not_quoted(kept: InMemorySpanExporter) -> None:
    """What an error says, and where it was raised, may hold anything: spans have its type."""
    with pytest.raises(ValueError, match="hidden"), span("one"):
        raise ValueError("postgresql://user:hidden@h/0")
    spans.end()
    (one,) = kept.get_finished_spans()
    assert one.status.description == "ValueError" and one.events == () and "hidden" not in one.to_json()


def test_log_lines_name_their_trace(kept: InMemorySpanExporter) -> None:
    """The processor of logs adds the id of what is current, and nothing where nothing is."""
    with span("asked", remote=ASKED):
        assert spans.mark(None, "info", {"event": "a"}) == {"event": "a", "trace_id": TRACE}
        assert spans.mark(None, "info", {"trace_id": "told"}) == {"trace_id": "told"}
    assert spans.mark(None, "info", {"event": "a"}) == {"event": "a"}


@pytest.mark.parametrize("status", [None, 400, 503])
def test_a_collector_in_trouble_costs_spans_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, status: int | None
) -> None:
    """Nobody listens, or whoever does refuses: more spans than the queue holds take as long as else, the end waits no
    longer than it may, and it is said once."""
    monkeypatch.setattr(otlp, "END_S", 0.3)
    with collecting(status or 200) as collector, capture_logs() as logs:
        if status is None:
            collector.close()
        spans.begin(collector.endpoint + "/v1/traces", "test")
        began = time.monotonic()
        for _ in range(3_000):
            with span("one"):
                assert current() is not spans.NOTHING
        measured = time.monotonic() - began
        spans.end()
        ended = time.monotonic() - began - measured
        wait_until(lambda: not any(thread.name.startswith("OtelBatch") for thread in threading.enumerate()))
    assert measured < 10 and ended < 2
    assert [line["event"] for line in logs] == ["traces_not_sent"]


def test_requests_of_strangers_and_made_up_methods(kept: InMemorySpanExporter) -> None:
    """Only a request with a key is measured; a header that comes twice is none; a method of nobody's is no name."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 500, "headers": []})

    async def ignore(_: Message) -> None: ...

    async def nothing() -> Message:
        raise AssertionError

    twice = [(b"traceparent", ASKED.encode())] * 2
    for state in ({"request_id": "a"}, {"request_id": "b", "key": "somebody"}):
        scope = {"type": "http", "method": "MINE", "headers": twice, "state": state}
        asyncio.run(Traced(app)(scope, nothing, ignore))
    spans.end()
    (one,) = kept.get_finished_spans()
    assert one.name == "_OTHER" and one.parent is None and one.status.description == "500"
    assert json.loads(one.to_json())["attributes"] == {
        "http.request.method": "_OTHER",
        "anh.request_id": "b",
        "http.response.status_code": 500,
    }
