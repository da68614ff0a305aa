"""Traces survive what jobs survive: a killed worker, waiting for others, a publisher's crash, and any time between."""

from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest
import sqlalchemy as sa
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from accountant.accounting.outcome import OutcomeQuestion
from accountant.chain.block import Position
from accountant.chain.query import BalanceAtLeast
from accountant.services.api_keys import ensure_first_key
from accountant.services.ask import OathWish
from accountant.services.attempt import Attempt
from accountant.services.sweep import sweep
from accountant.storage.database import engine_of, migrate
from accountant.storage.job_tables import jobs
from accountant.tracing import spans
from tests.services.test_executions import STRICT, A, _diamond, execution
from tests.support.collector import kept_spans
from tests.support.oath_node import CUSTOMER, oath_genesis
from tests.support.oath_office import TOKEN, Office, opened_office
from tests.support.shared_jobs import Killed, SharedService


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    migrate(database_url)
    engine = engine_of(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def kept() -> Iterator[InMemorySpanExporter]:
    with kept_spans() as exporter:
        yield exporter


def _trace(number: int) -> str:
    return f"00-{number:032x}-{number:016x}-01"


def _trees(kept: InMemorySpanExporter) -> dict[int, list[tuple[str, str]]]:
    """Of each trace the spans, in the order of their ends: (name, its parent's)."""
    found = kept.get_finished_spans()
    names = {one.context.span_id: one.name for one in found}
    trees: dict[int, list[tuple[str, str]]] = {}
    for one in found:
        parent = names.get(one.parent.span_id, "asked") if one.parent else ""
        trees.setdefault(one.context.trace_id, []).append((one.name, parent))
    return trees


def test_a_killed_worker_and_shared_executions_stay_in_their_traces(
    engine: sa.Engine, kept: InMemorySpanExporter
) -> None:
    """The sweeper tells of an attempt whose worker vanished. What two jobs wait for belongs to who wanted it first, and
    the other one's attempt links to it; each job ends in its own trace."""
    key = ensure_first_key(engine)
    assert key is not None
    office = SharedService(engine, key.split("_")[1], Random(1), STRICT, _diamond())
    question = OutcomeQuestion(office.chain.index.transaction(A).hash)
    asked = []
    for number in (1, 2):
        with spans.arrived(_trace(number)):
            asked.append(office.ask(question))
    assert [office.run(job) for job in asked] == [Attempt.PARKED] * 2
    office.publish()
    office.fate.set(0)
    with pytest.raises(Killed):
        office.run(execution(A))
    office.fate.set(None)
    office.vanish()
    assert sweep(engine, STRICT, broker_forgot=False).returned == 1
    assert office.run(execution(A)) is Attempt.DONE
    assert [office.run(job) for job in asked] == [Attempt.DONE] * 2
    spans.end()
    first, second = (Counter(tree) for tree in _trees(kept).values())
    own = {("job.accept", "asked"): 1, ("job.attempt", "job.accept"): 2, ("job.answer", "job.attempt"): 1}
    assert own.items() <= first.items() and own.items() <= second.items()
    assert first["attempt.lost", "job.attempt"] == 1 and ("attempt.lost", "job.attempt") not in second
    assert first["execution.attempt", "job.attempt"] >= 1 and ("execution.attempt", "job.attempt") not in second
    parked = [one for one in kept.get_finished_spans() if _said(one).get("anh.ended") == "parked"]
    links = [[link.context.span_id for link in one.links] for one in parked]
    assert links == [[], [parked[0].context.span_id]]


def test_oaths_stay_in_the_traces_of_who_asked(database_url: str, kept: InMemorySpanExporter) -> None:
    """Two answers of two traces are sworn as one, by a publisher that dies after the signature was stored; another
    process, with a tracer of its own, hands it in and sees it in a block: all in the first one's trace, which the other
    names. Deployments and deposits, which nobody asked for, are in none."""
    with opened_office(database_url, oath_genesis()) as office:
        publisher = office.settled()
        for number in (1, 2):
            job = office.finish_job(query=_owns(office, number), wish=OathWish(together=True))
            with office.engine.begin() as connection:
                traced = sa.update(jobs).where(jobs.c.id == job).values(traceparent=_trace(number))
                connection.execute(traced)
        address = publisher._signer.address()
        assert publisher._swear(address, office.node.account(address))[0] == 2
        spans.end()
        with kept_spans() as later:
            another = office.publisher()
            another.round()
            another.round()
            office.node.make_block()
            another.round()
            another.round()
            spans.end()
    (swear,) = [one for one in kept.get_finished_spans() if one.name == "oath.swear"]
    assert _trees(kept) == {1: [("oath.swear", "asked")], 2: [("oath.together", "asked")]}
    assert _said(swear)["anh.answers"] == 2
    assert _trees(later) == {1: [("oath.submit", "asked"), ("oath.included", "asked")]}
    assert {one.parent.span_id for one in later.get_finished_spans() if one.parent} == {swear.context.span_id}
    (told,) = [one for one in kept.get_finished_spans() if one.name == "oath.together"]
    assert [link.context.span_id for link in told.links] == [swear.context.span_id]
    assert {_said(one)["anh.transaction"] for one in later.get_finished_spans()} == {_said(swear)["anh.transaction"]}


def _owns(office: Office, tokens: int) -> BalanceAtLeast:
    last = office.node.index.block(office.node.index.head().height)
    assert last is not None
    return BalanceAtLeast(CUSTOMER.address, tokens * TOKEN, Position(last.previous_hash, last.count))


def _said(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})
