"""`accountant blob put|get|list`: files to an accountant's store and back."""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from accountant.client.blobs import fetch_blob, send_blob
from accountant.commands.contract_service import Api, ApiKey, Json, open_client
from accountant.primitives.cid import parse_cid, show_cid

CidText = Annotated[str, typer.Argument(metavar="CID", help="The blob: bafkrei…")]


def put(
    file: Annotated[Path, typer.Argument(help="The file to send.", exists=True, dir_okay=False)],
    api: Api = None,
    api_key: ApiKey = None,
) -> None:
    """Send a file, and print its CID. What broke off on the way is not sent again."""
    with open_client(api, api_key) as client, file.open("rb") as data:
        facts = send_blob(client, data)
    typer.echo(show_cid(facts.cid))


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
