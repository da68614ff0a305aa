"""`accountant blob …`: large objects by the hash of their bytes."""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from accountant.client.blobs import fetch_blob, send_blob
from accountant.commands.contract_service import Api, ApiKey, Json, open_client
from accountant.commands.database import database_url
from accountant.primitives.cid import parse_cid, show_cid
from accountant.services import blob_garbage
from accountant.services.blobs import Blobs
from accountant.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="Keep blobs: weights, data, whatever is named by the hash of its bytes.")

CidText = Annotated[str, typer.Argument(metavar="CID", help="The blob: bafkrei…")]


@app.command()
def put(
    file: Annotated[Path, typer.Argument(help="The file to send.", exists=True, dir_okay=False)],
    api: Api = None,
    api_key: ApiKey = None,
) -> None:
    """Send a file, and print its CID. What broke off on the way is not sent again."""
    with open_client(api, api_key) as client, file.open("rb") as data:
        facts = send_blob(client, data)
    typer.echo(show_cid(facts.cid))


@app.command()
def get(
    cid: CidText,
    out: Annotated[Path | None, typer.Option(help="The file to write; without it, standard output.")] = None,
    api: Api = None,
    api_key: ApiKey = None,
) -> None:
    """Fetch a blob, and check it. Nothing is written unless all of it is there and right."""
    name = parse_cid(cid)
    with open_client(api, api_key) as client:
        if out is None:
            with tempfile.TemporaryFile() as held:
                fetch_blob(client, name, held)
                held.seek(0)
                while data := held.read(1 << 20):
                    sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
            return
        part = out.with_name(f"{out.name}.part")
        try:
            with part.open("wb") as file:
                size = fetch_blob(client, name, file)
            os.replace(part, out)
        finally:
            part.unlink(missing_ok=True)
    typer.echo(f"{size} bytes in {out}")


@app.command(name="list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=100, help="So many at most, the latest first.")] = 20,
    api: Api = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """List blobs that you sent, that the chain names, or that outcomes saved; and what keeps each."""
    with open_client(api, api_key) as client:
        page = client.blobs(limit=limit)
    if as_json:
        typer.echo(json.dumps(page))
        return
    for item in page["items"]:
        kept = item["references"]
        reasons = ["published"] * kept["published"] + [f"saved by {kept['saved']}"] * (kept["saved"] > 0)
        reasons += [f"uploaded, until {kept['uploaded_until'][:10]}"] * (kept["uploaded_until"] is not None)
        lost = "" if item["available"] else "  NOT THERE: send it again"
        typer.echo(f"{item['cid']}  {item['size']:>14,}  {', '.join(reasons)}{lost}")


@app.command()
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


@app.command()
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
