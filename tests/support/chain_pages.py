"""A dashboard over the small chain, with a contract whose every text is markup, and people in front of it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from accountant.dashboard.resources import DashboardResources
from accountant.execution.outcome import LogEntry, Observed, Outcome, SlotWrite
from accountant.index.port import ChainIndex
from accountant.primitives.types import Seq
from accountant.settings import Settings
from accountant.storage.admins import Role
from accountant.storage.database import Database, engine_of
from accountant.storage.index import PostgresIndex
from accountant.storage.outcomes import PostgresOutcomes
from tests.support.dashboard import Visitor, add_user
from tests.support.service import BURNER, install_chain

NOWHERE = "http://127.0.0.1:9"
MARKUP = '<script>alert(1)</script><img src=x onerror="alert(2)">'


@dataclass(frozen=True)
class ChainPages:
    """The dashboard, its database, and one viewer and one operator who are signed in."""

    resources: DashboardResources
    index: ChainIndex
    outcomes: PostgresOutcomes
    viewer: Visitor
    operator: Visitor

    def sql(self, text: str, **given: object) -> list[tuple[object, ...]]:
        """Bare SQL."""
        with self.resources.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(text), given)]

    def observe(self, seq: Seq) -> None:
        """Stores an outcome whose logs and slots are markup, as no honest execution of this chain has it."""
        data = MARKUP.encode()
        outcome = Outcome(
            failure=None,
            detail="",
            gas_used=1_234,
            return_value=data,
            logs=(LogEntry(BURNER, data, data),),
            writes=(SlotWrite(BURNER, data, data),),
        )
        self.outcomes.put(seq, Observed(outcome, (), (), ()))


@contextmanager
def chain_pages(database_url: str, settings: Settings | None = None) -> Iterator[ChainPages]:
    """The small chain, imported into an empty database. No node answers, unless the settings name one."""
    install_chain(database_url)
    engine = engine_of(database_url)
    with Database(database_url) as database:
        index, outcomes = PostgresIndex(database), PostgresOutcomes(database)
        resources = DashboardResources(
            engine, lambda: index, settings or Settings(node_url=NOWHERE), outcomes=lambda: outcomes
        )
        visitors = []
        for role in (Role.VIEWER, Role.OPERATOR):
            add_user(engine, role.word, role)
            visitors.append(Visitor(resources))
            assert visitors[-1].sign_in(role.word).status_code == 303
        yield ChainPages(resources, index, outcomes, *visitors)
        outcomes.close()
    engine.dispose()


def text_of(html: str) -> str:
    """What a page says, without its markup; thin spaces stay."""
    return re.sub(r"[ \n]+", " ", re.sub(r"<[^>]*>", " ", html))
