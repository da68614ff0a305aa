"""`accountant oath prove TRANSACTION`: a file that shows a stranger that an oath stands on the chain, and counts."""

from pathlib import Path
from typing import Annotated

import typer

from accountant.client.client import AccountantClient
from accountant.commands.contract_service import Api, ApiKey, open_client

_PROOF_S = 3600.0


def prove(
    oath: Annotated[str, typer.Argument(metavar="OATH", help="The oath's id, or the hash of its transaction.")],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    api: Api = None,
    api_key: ApiKey = None,
) -> None:
    """Write a proof of an oath, for `accountant oath check --headers`. Nothing is executed.

    Exit status: 0, 2 if there is no such oath in a block.
    """
    with open_client(api, api_key) as client:
        raw = oath_proof(client, oath)
    out.write_bytes(raw)
    typer.echo(f"{len(raw)} bytes in {out}")


def oath_proof(client: AccountantClient, oath: str) -> bytes:
    """The portable proof of an oath. Raises `ApiProblem`, `JobNotDone`."""
    job = client.prove_oath(oath)
    client.result(job, _PROOF_S)
    return client.certificate(job["id"])
