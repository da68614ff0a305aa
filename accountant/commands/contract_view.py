"""`accountant contract view CONTRACT FUNCTION ARG…`: what a function returns, without a transaction."""

import json
import re
from typing import Annotated, Any

import typer

from accountant.client.client import AccountantClient, ApiProblem
from accountant.client.contracts import ContractClient
from accountant.client.signatures import wire_of
from accountant.commands.contract_files import described
from accountant.commands.contract_sending import FAILED
from accountant.commands.contract_service import Api, ApiKey, Interface, Json, open_client
from accountant.commands.contract_shown import shown_value
from accountant.primitives.addresses import show
from accountant.primitives.errors import AccountantError

_HEIGHT = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
_POSITION = re.compile(r"(0x[0-9a-fA-F]{64}):(0|[1-9][0-9]{0,7})", re.ASCII)
_HEAD = "head"


class InvalidPlace(AccountantError):
    """A place of the chain that is written as none is, or is not there."""

    code = "invalid_place"


def view(
    contract: Annotated[str, typer.Argument(help="The contract's id.")],
    function: Annotated[str, typer.Argument(help="The function to ask.")],
    arguments: Annotated[list[str] | None, typer.Argument(help="Its arguments.")] = None,
    interface: Interface = None,
    at: Annotated[
        str, typer.Option(help="head, a height (the state after that block), or HASH:INDEX (before a transaction).")
    ] = _HEAD,
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
        job = client.view(show(asked.id), function, signature.texts(wire), _position(client, at))
        result = client.result(job)
    failure = result["answer"]["failure"]
    if as_json:
        typer.echo(json.dumps(result))
    else:
        value = wire_of(result["answer"]["value"])
        typer.echo(shown_value(signature.returns, value) if failure is None else f"failed: {failure}")
        typer.echo(_cost(result))
    if failure is not None:
        raise typer.Exit(FAILED)


def _position(client: AccountantClient, at: str) -> dict[str, Any] | str:
    if at == _HEAD:
        return at
    given = _POSITION.fullmatch(at)
    if given is not None:
        return {"previous_hash": given[1], "index": int(given[2])}
    if not _HEIGHT.fullmatch(at):
        raise InvalidPlace(f"{at!r} is no place of the chain: write head, a height, or HASH:INDEX")
    try:
        return {"previous_hash": client.block(int(at))["hash"], "index": 0}
    except ApiProblem as problem:
        if problem.problem.get("code") == "unknown_block":
            raise InvalidPlace(f"there is no block of height {at} yet") from None
        raise


def _cost(result: dict[str, Any]) -> str:
    executed = len(result["executed"])
    return (
        f"{int(result['gas_executed']):,} gas, {executed} transaction{'s' * (executed != 1)} executed, "
        f"{result['cache_hits']} known before"
    )
