"""No page fails on what it does not know: unheard-of states, kinds and queues are shown as text, and gaps as gaps."""

import re
from collections.abc import Callable, Iterator
from html import unescape

import pytest
import sqlalchemy as sa

from accountant.dashboard.navigation import PLACES
from accountant.dashboard.resources import DashboardResources
from accountant.settings import Settings
from accountant.storage.admins import Role
from accountant.storage.database import Database, engine_of
from accountant.storage.embedded import EmbeddedServers
from accountant.storage.index import PostgresIndex
from accountant.storage.outcomes import PostgresOutcomes
from benchmarks.dashboard_pages import shape_of
from tests.support.dashboard import Visitor
from tests.support.hostile_database import fill
from tests.support.pages import signed_in
from tests.support.servers import fresh_database
from tests.support.unheard import WORD, nothing_anywhere, unheard_words

_EACH = 2
"""Pages that differ only in what they are about: so many of each are looked at."""


@pytest.fixture(params=[unheard_words, nothing_anywhere], ids=["words", "nothing"])
def odd(request: pytest.FixtureRequest, servers: EmbeddedServers) -> Iterator[tuple[DashboardResources, bool]]:
    """A dashboard over such a database, and whether there are odd words in it."""
    spoil: Callable[[sa.Connection], None] = request.param
    with fresh_database(servers) as url:
        fill(url)
        engine = engine_of(url)
        with engine.begin() as connection:
            spoil(connection)
        with Database(url) as database:
            index, outcomes = PostgresIndex(database), PostgresOutcomes(database)
            yield (
                DashboardResources(engine, lambda: index, Settings(), outcomes=lambda: outcomes),
                spoil is unheard_words,
            )
            outcomes.close()
        engine.dispose()


def test_no_page_fails_on_what_it_does_not_know(odd: tuple[DashboardResources, bool]) -> None:
    """Every page that an owner reaches by links answers, and says what it found."""
    resources, words = odd
    visitor = signed_in(resources, Role.OWNER)
    failed, told = crawled(visitor)
    assert failed == []
    if words:
        assert {"/jobs", "/jobs/job_*", "/networks"} <= told


def crawled(visitor: Visitor) -> tuple[list[str], set[str]]:
    """Pages that did not answer, and the shapes of those that show the odd word."""
    ahead = [place.path for place in PLACES] + ["/account"]
    seen, times, failed, told = set(ahead), dict[str, int](), list[str](), set[str]()
    while ahead:
        path = ahead.pop(0)
        shape = shape_of(path.partition("?")[0])
        times[shape] = times.get(shape, 0) + 1
        if times[shape] > _EACH:
            continue
        answer = visitor.get(path)
        if answer.status_code not in (200, 404):
            failed.append(f"{path}: {answer.status_code}")
        if WORD in answer.text:
            told.add(shape)
        for found in re.findall(r'(?:href|data-series)="(/[^"#]*)', answer.text):
            link = unescape(found)
            if link not in seen and not link.startswith("/static"):
                seen.add(link)
                ahead.append(link)
    return failed, told
