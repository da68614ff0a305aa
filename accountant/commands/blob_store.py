"""`accountant blob gc|unpin`: what the store of this accountant may forget."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from accountant.commands.blob_files import CidText
from accountant.commands.database import database_url
from accountant.primitives.cid import parse_cid, show_cid
from accountant.services import blob_garbage
from accountant.services.blobs import Blobs
from accountant.settings import load_settings


def gc(
    delete: Annotated[bool, typer.Option("--delete", help="Delete them; without it, only say what would go.")] = False,
) -> None:
    """Name the blobs of this accountant's store that nothing needs any more, or delete them.

    What a block names or an outcome saved is never among them, nor what came in lately.
    """
    with _kept() as blobs:
        if not delete:
            size = 0
            for row in blob_garbage.unneeded(blobs):
                typer.echo(f"{show_cid(row.facts.cid)}  {row.facts.size:>14,}")
                size += row.facts.size
            typer.echo(f"{size:,} bytes would go; --delete deletes them")
            return
        gone = blob_garbage.collect(blobs)
    typer.echo(f"{gone.blobs} blobs deleted, {gone.bytes:,} bytes; {gone.parts} uploads that nobody went on with")


def unpin(cid: CidText) -> None:
    """Let the store forget a blob that outcomes saved: whoever needs it executes those transactions again."""
    with _kept() as blobs:
        outcomes = blob_garbage.unpin(blobs, parse_cid(cid))
    typer.echo(f"{outcomes} outcomes keep it no more; `accountant blob gc --delete` deletes it")


@contextmanager
def _kept() -> Iterator[Blobs]:
    # Here, because it takes a second to import, and sending and fetching need none of it.
    from accountant.storage.database import engine_of
    from workers.lifecycle import blobs_of

    engine = engine_of(database_url())
    try:
        yield blobs_of(load_settings(), engine)
    finally:
        engine.dispose()
