"""`accountant oath prosecute` and `convict`: a lie proved to whoever trusts block headers alone."""

from pathlib import Path
from typing import Annotated, Any

import typer

from accountant.chain.headers import HEADERS_BYTES_MAX, InvalidHeaders, decode_headers
from accountant.chain.query import decode_answer
from accountant.client.client import AccountantClient
from accountant.commands.blobs_given import GivenBlobs, GivenFiles, GivenFolder
from accountant.commands.certificate import GAS_MOST, check_genesis, genesis_hash, read_file
from accountant.commands.contract_service import Api, ApiKey, open_client
from accountant.commands.oath_prove import oath_proof
from accountant.oath.conviction import CONVICTION_BYTES_MAX, ConvictionRefused
from accountant.oath.conviction import convict as convict_by
from accountant.oath.conviction import prosecute as prosecute_with
from accountant.primitives.addresses import show
from accountant.primitives.errors import AccountantError, InvalidEncoding
from accountant.primitives.types import Gas

REFUSED = 1
_ANSWER_S = 24 * 3600.0
_FIELDS = ("account", "amount", "transaction", "contract", "slot", "function", "arguments", "gas_limit", "position")
_PARTS = "queries"


class CannotBeAsked(AccountantError):
    """An oath that is in no block, or whose query cannot be asked as it was sworn."""

    code = "cannot_be_asked"


def prosecute(
    transaction: Annotated[str, typer.Argument(help="The hash of the oath's transaction.")],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    gas_budget: Annotated[int | None, typer.Option(min=0, help="The most gas to execute for the true answer.")] = None,
    api: Api = None,
    api_key: ApiKey = None,
) -> None:
    """Have the true answer found and certified, and write a proof that the oath counted and is a lie.

    Exit status: 0, 1 if the oath is true or did not count, 2 if there is no such oath, or no certificate of the answer.
    """
    with open_client(api, api_key) as client:
        oath = client.oath(transaction)
        if oath["position"] is None:
            raise CannotBeAsked(f"the oath is in no block: it is {oath['state']}")
        sworn, standing = oath["sworn"], oath["standing"]
        if not standing["counts"]:
            flaw = standing["flaws"][0]
            typer.echo(f"nothing is proved: the oath did not count, {flaw['kind']}: {flaw['detail']}")
            raise typer.Exit(REFUSED)
        certificate = _truth(client, sworn, {} if gas_budget is None else {"gas_budget": str(gas_budget)})
        proof = oath_proof(client, sworn["transaction"])
    try:
        raw = prosecute_with(proof, certificate)
    except ConvictionRefused as error:
        typer.echo(f"no lie is proved: {error.detail}")
        raise typer.Exit(REFUSED) from None
    out.write_bytes(raw)
    typer.echo(f"{len(raw)} bytes in {out}: {sworn['swearer']} swore {sworn['transaction']}, and it is a lie")


def _truth(client: AccountantClient, sworn: dict[str, Any], budget: dict[str, str]) -> bytes:
    """A portable certificate of the query's answer. Raises `CannotBeAsked`, `JobNotDone`, `ApiProblem`."""
    if sworn["query"] is None:
        raise CannotBeAsked("the oath's query is malformed: it is void, and no lie")
    fields = _fields(sworn["query"])
    if sworn["query"].get(_PARTS) is not None:
        fields[_PARTS] = [{"kind": part["kind"], **_fields(part)} for part in sworn["query"][_PARTS]]
    job = client.query(sworn["query"]["kind"], **fields, **budget)
    result = client.result(job, _ANSWER_S)
    if result["query"] != sworn["query_bytes"]:
        raise CannotBeAsked("the accountant takes the query's arguments for others than were sworn")
    export = client.export(job["id"], **budget)
    client.result(export, _ANSWER_S)
    return client.certificate(export["id"])


def _fields(query: dict[str, Any]) -> dict[str, Any]:
    return {name: query[name] for name in _FIELDS if query.get(name) is not None}


def convict(
    file: Annotated[Path, typer.Argument(help="The proof: `accountant oath prosecute`.")],
    headers: Annotated[Path, typer.Option(help="Block headers that you trust: `accountant chain headers`.")],
    genesis: Annotated[str | None, typer.Option(help="The hash that genesis must have.")] = None,
    gas_most: Annotated[int, typer.Option(min=0, help="The most gas to execute.")] = GAS_MOST,
    blob: GivenFiles = None,
    blobs: GivenFolder = None,
) -> None:
    """Check offline that an oath counted and is a lie, executing the slice of the true answer and nothing else.

    Exit status: 0 if it is one, 1 if the proof is refused, and then it says why, 2 if a file cannot be read,
    or if a published file that the true answer rests on is not among those given: then it is neither.
    """
    given = GivenBlobs(blob or (), blobs)
    raw, trusted = read_file(file, CONVICTION_BYTES_MAX), read_file(headers, HEADERS_BYTES_MAX)
    expected = None if genesis is None else genesis_hash(genesis)
    try:
        anchor = decode_headers(trusted)
        check_genesis(anchor, expected)
        found = convict_by(raw, anchor, Gas(gas_most), blobs=given)
    except (ConvictionRefused, InvalidHeaders) as error:
        typer.echo(f"refused: {error.detail}")
        raise typer.Exit(REFUSED) from None
    typer.echo(
        f"a lie: {show(found.swearer)} swore {_said(found.terms.answer)} in 0x{found.transaction.hex()} "
        f"(block {found.height}, purse {show(found.contract)}, penalty {found.terms.penalty:,}, covered: it counted), "
        f"true is {_said(found.truth)} ({found.gas_executed} gas executed)"
    )


def _said(answer: bytes) -> str:
    try:
        decoded = decode_answer(answer)
    except InvalidEncoding:
        return "what is no answer"
    return str(decoded).lower() if isinstance(decoded, bool) else f"{decoded!r:.100}"
