"""Whom a job's gas was spent for: sums by contract and account, the dearest alone, views among them."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from accountant.primitives.hashes import sha256
from accountant.storage.database import engine_of, migrate
from accountant.storage.job_parties import PARTIES_MOST, keep_parties
from tests.support.metrics import CONTRACT, LESSER, SENDER, fill


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """A small history: thirty transactions, the first fifteen observed, jobs without parties."""
    migrate(database_url)
    made = engine_of(database_url)
    fill(made)
    yield made
    made.dispose()


def test_gas_is_summed_by_party(engine: sa.Engine) -> None:
    """A contract's transactions and its view together, a sender's transactions; others are left out."""
    executed = tuple(sha256(str(seq).encode()) for seq in range(6))
    with engine.begin() as connection:
        ((number, other),) = connection.exec_driver_sql(
            "select min(number), max(number) from accountant.jobs where state = 'done'"
        )
        keep_parties(connection, number, executed, CONTRACT, 77)
        keep_parties(connection, other, (), None, 0)
        kept = connection.exec_driver_sql(
            "select job_number, party, key, gas, runs from accountant.job_parties order by party, key"
        ).all()
    assert [tuple(row) for row in kept] == [
        (number, "account", SENDER, 6_015, 6),
        (number, "contract", CONTRACT, 1_000 + 1_001 + 1_003 + 1_004 + 77, 5),
        (number, "contract", LESSER, 1_002 + 1_005, 2),
    ]


def test_only_the_dearest_are_kept(engine: sa.Engine) -> None:
    """An answer that touches everybody leaves no more rows than others; whoever took least is left out."""
    with engine.begin() as connection:
        connection.exec_driver_sql("update accountant.transactions set sender = substring(hash for 20)")
        number = connection.exec_driver_sql("select min(number) from accountant.jobs").scalar_one()
        keep_parties(connection, number, tuple(sha256(str(seq).encode()) for seq in range(15)), None, 0)
        kept = connection.exec_driver_sql(
            "select gas from accountant.job_parties where party = 'account' order by gas desc"
        ).scalars()
        assert list(kept) == [1_014 - place for place in range(PARTIES_MOST)]
