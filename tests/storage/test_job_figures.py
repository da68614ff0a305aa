"""What answers took, in columns: for each kind of answer what its certificate says."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
import sqlalchemy as sa

from accountant.accounting.certificate import Verdict, ViewCertificate
from accountant.accounting.outcome import OutcomeCertificate
from accountant.accounting.preparation import Prepared, SimulationReport
from accountant.chain.block import Position
from accountant.chain.query import View
from accountant.primitives.encoding import encode
from accountant.storage.database import engine_of, migrate
from accountant.storage.job_figures import keep_figures
from accountant.storage.metric_tables import job_figures
from tests.support.metrics import CONTRACT, fill

BLOCK = b"\x0b" * 32
EXECUTED = tuple(sha256(str(seq).encode()).digest() for seq in (3, 4))
ON_CHAIN, GAS_OF_THREE_AND_FOUR, EVERYTHING = 30, 1003 + 1004, 100_000 * 30


@pytest.fixture(scope="module")
def engine(module_database_url: str) -> Iterator[sa.Engine]:
    """A database with a small history."""
    migrate(module_database_url)
    made = engine_of(module_database_url)
    fill(made)
    yield made
    made.dispose()


@pytest.fixture
def connection(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection of which nothing is kept."""
    with engine.connect() as opened:
        yield opened
        opened.rollback()


def kept(connection: sa.Connection, answered: object) -> dict[str, object] | None:
    """The figures of one more job with this answer."""
    number = connection.execute(sa.text("select number from accountant.jobs where id = 'running'")).scalar_one()
    keep_figures(connection, number, answered)
    found = connection.execute(sa.select(job_figures).where(job_figures.c.job_number == number)).one_or_none()
    if found is None:
        return None
    return {k: v for k, v in found._asdict().items() if k not in ("job_number", "finished_at")}


def test_a_views_own_gas_is_its_contracts(connection: sa.Connection) -> None:
    """What a view took besides the transactions that it needed counts for the contract whose function it is."""
    query = View(CONTRACT, "burn", (), 10_000, Position(BLOCK, 0))
    view = ViewCertificate(
        verdict=Verdict.REJECTED,
        reason=None,
        query=encode(query),
        answer=None,
        executed=EXECUTED,
        gas_executed=GAS_OF_THREE_AND_FOUR + 777,
        gas_everything=EVERYTHING,
        cache_hits=5,
        slice=(*EXECUTED, BLOCK),
    )
    assert kept(connection, view) == {
        "executed": 2,
        "skipped": ON_CHAIN - 2,
        "gas_executed": GAS_OF_THREE_AND_FOUR + 777,
        "gas_everything": EVERYTHING,
        "cache_hits": 5,
        "slice": 3,
        "contract": CONTRACT,
        "view_gas": 777,
    }


def test_a_transactions_outcome_is_no_view(connection: sa.Connection) -> None:
    """What executing transactions took counts by their outcomes, and not once more here."""
    found = kept(
        connection,
        OutcomeCertificate(Verdict.ACCEPTED, None, EXECUTED[0], None, (), EXECUTED, 2007, EVERYTHING, 0, EXECUTED),
    )
    assert found is not None
    assert (found["contract"], found["view_gas"], found["gas_executed"]) == (None, 0, 2007)


@pytest.mark.parametrize("simulated", [True, False])
def test_a_simulated_call_is_its_contracts(connection: sa.Connection, simulated: bool) -> None:
    """A preparation that ran the call counts for the contract that was called; one that did not has no figures."""
    report = SimulationReport(None, "", 4_000, 5_000, None, 2, 0, ())
    found = kept(connection, _prepared(report if simulated else None))
    if not simulated:
        assert found is None
        return
    assert found is not None
    assert (found["contract"], found["view_gas"], found["executed"], found["skipped"]) == (CONTRACT, 4_000, 0, ON_CHAIN)
    assert found["gas_everything"] == EVERYTHING + 4_000


def _prepared(report: SimulationReport | None) -> Prepared:
    return Prepared(
        height=9,
        previous_hash=BLOCK,
        contract=CONTRACT,
        next_nonce=0,
        complete=True,
        entries=(),
        transaction=None,
        signing_hash=None,
        fee=0,
        zero_needed=0,
        zero_balance=0,
        covered=None,
        refusal=None,
        refusal_detail="",
        simulation=report,
        failed=None,
    )


def test_other_answers_have_no_figures(connection: sa.Connection) -> None:
    """What is no certificate leaves no row."""
    assert kept(connection, Path()) is None
