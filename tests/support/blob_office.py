"""Blobs over a database of their own and a folder, and what the chain says of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from accountant.blobs.location import open_location
from accountant.blobs.store import Store
from accountant.primitives.types import Cid
from accountant.services.blobs import Blobs, BlobTerms
from accountant.storage import tables
from accountant.storage.database import engine_of


@contextmanager
def blob_office(database_url: str, folder: Path, terms: BlobTerms) -> Iterator[Blobs]:
    """Blobs kept by these terms."""
    engine = engine_of(database_url)
    yield Blobs(engine, Store(open_location(None, folder)), terms)
    engine.dispose()


def no_blobs(engine: sa.Engine) -> Blobs:
    """For services that nobody asks for a blob: no folder is made."""
    return Blobs(engine, Store(open_location("/nonexistent", Path("/nonexistent"))), BlobTerms())


def publish(engine: sa.Engine, cid: Cid, size: int, seq: int = 0) -> None:
    """Has a block publish a blob: the posting that its transaction would have."""
    with engine.begin() as connection:
        connection.execute(sa.insert(tables.postings).values(seq=seq, cap=size, kind=12, key=b"b" + cid))


def count(engine: sa.Engine, table: str) -> int:
    """How many rows a table has."""
    with engine.connect() as connection:
        return int(connection.execute(sa.text(f"select count(*) from accountant.{table}")).scalar_one())
