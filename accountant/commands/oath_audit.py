"""`accountant oath audit CONTRACT`: what a deposit is worth, and which oaths on it are lies."""

import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from accountant.commands.contract_service import Api, ApiKey, Json, open_client
from accountant.commands.contract_shown import line
from accountant.commands.place import HEAD, At, position_of

BAD = 1
_WAIT_S = 30
_AUDIT_S = 7 * 24 * 3600.0


def audit(
    contract: Annotated[str, typer.Argument(help="The oath contract's id.")],
    gas: Annotated[int, typer.Option(min=0, help="The most gas to execute oaths for, the riskiest first.")] = 0,
    at: At = HEAD,
    swear: Annotated[bool, typer.Option("--swear", help="Publish the audit's answer as an oath.")] = False,
    api: Api = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Audit an oath contract: its deposit from below, and its oaths as far as the gas reaches.

    Exit status: 0, 1 if a lie was found or the contract is not solvent, 2 if it could not be audited.
    """
    with open_client(api, api_key, _WAIT_S) as client:
        job = client.audit(contract, position_of(client, at), gas_budget=str(gas), swear=swear)
        found = client.result(job, _AUDIT_S)
    typer.echo(json.dumps(found) if as_json else "\n".join(shown(found)))
    if found["lies"] or not found["solvent"]:
        raise typer.Exit(BAD)


def shown(found: dict[str, Any]) -> Iterator[str]:
    """An audit for people."""
    counts = found["oath_counts"]
    yield line("Contract", found["contract"])
    yield line("Owner", found["owner"] or "nobody deployed it")
    yield line("Solvent", "yes" if found["solvent"] else "no" + "".join(f", {flaw}" for flaw in found["flaws"]))
    yield line("Deposit", f"at least {_number(found['deposit'])} ({_number(found['deposit_static'])} by bytes alone)")
    yield line("Penalties", f"{_number(found['penalties'])}, of which {_number(found['outstanding'])} unchecked")
    yield line("Coverage", f"{found['coverage_per_mille'] / 10:g} %")
    names = ("kept", "slashed", "escaped", "unchecked")
    yield line("Oaths", f"{counts['all']}: " + ", ".join(f"{counts[name]} {name}" for name in names))
    for lie in found["lies"]:
        yield line("Lie", f"{lie['transaction']} swore {_said(lie['answer'])}, true is {_said(lie['truth'])}")
    for missing in found["missing"]:
        yield line("Missing", f"{missing['transaction']}, at most {_number(missing['gas_most'])} gas")
    chosen = f"learned from {found['learned_from']} verdicts" if found["learned_from"] else "too few verdicts to learn"
    yield line("Order", chosen + ("" if found["floor_held"] else "; the gas did not reach all that chance demanded"))
    yield line("Took", f"{_number(found['gas_executed'])} gas, {found['cache_hits']} outcomes known before")


def _said(answer: Any) -> str:
    return "unknown" if answer is None else json.dumps(answer)


def _number(digits: str) -> str:
    return f"{int(digits):,}"
