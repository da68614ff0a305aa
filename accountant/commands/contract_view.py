"""`accountant contract view CONTRACT FUNCTION ARG…`: what a function returns, without a transaction."""

import json
from typing import Annotated

import typer

from accountant.client.contracts import ContractClient
from accountant.client.signatures import wire_of
from accountant.commands.contract_files import described
from accountant.commands.contract_sending import FAILED
from accountant.commands.contract_service import Api, ApiKey, Interface, Json, open_client
from accountant.commands.contract_shown import cost_of, shown_value
from accountant.commands.place import HEAD, At, position_of
from accountant.primitives.addresses import show


def view(
    contract: Annotated[str, typer.Argument(help="The contract's id.")],
    function: Annotated[str, typer.Argument(help="The function to ask.")],
    arguments: Annotated[list[str] | None, typer.Argument(help="Its arguments.")] = None,
    interface: Interface = None,
    at: At = HEAD,
    api: Api = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Print what a function returns on the state of the chain, and what finding that out took.

    Exit status: 0, 1 if the function failed, 2 if it could not be asked.
    """
    source = None if interface is None else described(interface)
    with open_client(api, api_key) as client:
        asked = ContractClient(client, contract, None if source is None else source.interface)
        signature = asked.signatures.function(function)
        wire = signature.arguments(arguments or [])
        job = client.view(show(asked.id), function, signature.texts(wire), position_of(client, at))
        result = client.result(job)
    failure = result["answer"]["failure"]
    if as_json:
        typer.echo(json.dumps(result))
    else:
        value = wire_of(result["answer"]["value"])
        typer.echo(shown_value(signature.returns, value) if failure is None else f"failed: {failure}")
        typer.echo(cost_of(result))
    if failure is not None:
        raise typer.Exit(FAILED)
