"""`accountant bounty list` and `show`: what is paid for which answers, and how far the accountant's claims came."""

import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from accountant.commands.contract_service import Api, ApiKey, Json, open_client
from accountant.commands.contract_shown import line
from accountant.primitives.addresses import parse_account, show
from accountant.storage.bounties import BountyState

NOT_CERTAIN = 1
"""The exit status for a bounty that a right answer might not be paid by: that is an answer, and no error."""

_LIMIT_MOST = 100


def list_bounties(
    state: Annotated[BountyState | None, typer.Option(help="Only those.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=_LIMIT_MOST, help="The latest so many.")] = 20,
    api: Api = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """List the bounties that the accountant has seen, the latest first, a line each."""
    wanted = {"limit": limit} if state is None else {"limit": limit, "state": state.value}
    with open_client(api, api_key) as client:
        found = client.bounties(**wanted)
    if as_json:
        typer.echo(json.dumps(found))
        return
    for bounty in found["items"]:
        claim = bounty["claim"]
        why = f": {claim['reason']}" if claim["reason"] else ""
        typer.echo(f"{bounty['contract']}  {int(bounty['reward']):>20,}  {claim['state']}{why}")


def show_bounty(
    contract: Annotated[str, typer.Argument(help="The bounty's contract id.")],
    api: Api = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Tell what a bounty asks and pays, and whether a right answer is surely paid.

    Exit status: 0 if it is, 1 if it might not be, 2 if there is no such bounty.
    """
    with open_client(api, api_key) as client:
        found = client.bounty(show(parse_account(contract)))
    typer.echo(json.dumps(found) if as_json else "\n".join(_shown(found)))
    if found["flaws"]:
        raise typer.Exit(NOT_CERTAIN)


def _shown(found: dict[str, Any]) -> Iterator[str]:
    query, claim = found["query"], found["claim"]
    yield line("Bounty", found["contract"])
    yield line("Client", found["client"])
    yield line("Query", "malformed" if query is None else _query(query))
    yield line("Reward", f"{int(found['reward']):,}")
    yield line("Bond", f"{int(found['bond']):,}")
    yield line("Commit", f"until block {found['commits_until']}; {found['claims']} claims so far")
    yield line("Reveal", f"until block {found['reveals_until']}")
    for flaw in found["flaws"]:
        yield line("Flaw", f"{flaw['kind']}: {flaw['detail']}")
    if claim is not None:
        why = f" ({claim['reason']}: {claim['detail']})" if claim["reason"] else ""
        yield line("Claim", claim["state"] + why)


def _query(query: dict[str, Any]) -> str:
    said = (value for name, value in query.items() if value is not None and name not in ("hash", "position"))
    return " ".join(str(value) for value in said)
