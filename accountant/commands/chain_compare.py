"""`accountant chain compare URL`: where this accountant and another one first differ, and who is right."""

import json
from contextlib import ExitStack
from typing import Annotated, Any

import typer

from accountant.accounting.agreement import single_digest
from accountant.accounting.compare import Agreed, ChainsDiffer, Differs, PeerContradicts
from accountant.accounting.compare import compare as compare_both
from accountant.client.client import AccountantClient
from accountant.client.peer import HttpPeer, StoredOutcome
from accountant.commands.contract_service import Api, ApiKey, Json, address_of, open_client

DIFFER = 1
_RECHECK_S = 24 * 3600.0


def compare(
    url: Annotated[str, typer.Argument(help="The other accountant's URL.")],
    their_key: Annotated[str, typer.Option(envvar="THEIR_API_KEY", help="An API key of the other accountant.")] = "",
    execute: Annotated[
        bool, typer.Option("--execute", help="Have ours execute what differs anew, from nothing, and say who is right.")
    ] = False,
    gas_budget: Annotated[int | None, typer.Option(min=0, help="The most gas for --execute.")] = None,
    api: Api = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Compare what this accountant observed with what another one did, and find the first transaction that differs.

    Exit status: 0 if they agree, 1 if they differ, 2 if that could not be found out.
    """
    with ExitStack() as opened:
        client = opened.enter_context(open_client(api, api_key))
        ours = opened.enter_context(HttpPeer("our accountant", *address_of(api, api_key)))
        theirs = opened.enter_context(HttpPeer("the other accountant", url, their_key))
        found = compare_both(ours, theirs)
        document = _document(found)
        if isinstance(found, Differs):
            both = _stored(ours, found, found.ours), _stored(theirs, found, found.theirs)
            if both[0].transaction != both[1].transaction:
                raise PeerContradicts(theirs, f"transaction {found.seq} has another hash on the same chain")
            document |= _difference(*both)
            if execute:
                document |= _recheck(client, both, gas_budget)
        document["requests"] = {"ours": ours.requests, "theirs": theirs.requests}
    typer.echo(json.dumps(document) if as_json else _text(document))
    if not isinstance(found, Agreed):
        raise typer.Exit(DIFFER)


def _stored(peer: HttpPeer, found: Differs, claimed: bytes) -> StoredOutcome:
    """The outcome that differs, which must be the one that was digested."""
    stored = peer.stored(found.seq)
    if single_digest(found.seq, stored.digest) != claimed:
        raise PeerContradicts(peer, f"it shows another outcome of transaction {found.seq} than it digested")
    return stored


def _document(found: Agreed | Differs | ChainsDiffer) -> dict[str, Any]:
    match found:
        case Agreed():
            return {"result": "agree", **found._asdict()}
        case Differs():
            return {"result": "differ", "seq": found.seq, "outcomes": found.outcomes}
        case ChainsDiffer():
            hashes = {"ours": "0x" + found.ours.hex(), "theirs": "0x" + found.theirs.hex()}
            return {"result": "chains_differ", "height": found.height, **hashes}


def _difference(ours: StoredOutcome, theirs: StoredOutcome) -> dict[str, Any]:
    shown = [{**stored._asdict(), "digest": "0x" + stored.digest.hex()} for stored in (ours, theirs)]
    return {"transaction": ours.transaction, "ours": shown[0], "theirs": shown[1]}


def _recheck(
    client: AccountantClient, both: tuple[StoredOutcome, StoredOutcome], gas_budget: int | None
) -> dict[str, Any]:
    """Who is right: what executing the whole slice anew says."""
    budget = {} if gas_budget is None else {"gas_budget": gas_budget}
    result = client.result(client.recheck(both[0].transaction, **budget), timeout_s=_RECHECK_S)
    if result["outcome"] is None:
        return {"verdict": "undecided", "gas_executed": result["gas_executed"], "missing": result["missing"]}
    digest = result["outcome"]["digest"]
    ours, theirs = ("0x" + stored.digest.hex() == digest for stored in both)
    verdict = "ours_is_wrong" if theirs else "theirs_is_wrong" if ours else "both_are_wrong"
    return {"verdict": verdict, "digest": digest, "gas_executed": result["gas_executed"]}


_VERDICTS = {
    "ours_is_wrong": "ours is wrong: withdraw it with `accountant chain withdraw {transaction}`",
    "theirs_is_wrong": "theirs is wrong",
    "both_are_wrong": "both are wrong: withdraw ours with `accountant chain withdraw {transaction}`",
    "undecided": "the gas budget does not suffice to say who is right, or a published file is missing",
}


def _text(document: dict[str, Any]) -> str:
    requests = f"{sum(document['requests'].values())} requests"
    match document["result"]:
        case "agree":
            return (
                f"agree on {document['outcomes']} outcomes of the {document['transactions']} transactions up to height "
                f"{document['height']} (ours observed {document['ours']}, theirs {document['theirs']}); {requests}"
            )
        case "chains_differ":
            return (
                f"the chains differ from height {document['height']} on: "
                f"ours has {document['ours']}, theirs {document['theirs']}; {requests}"
            )
    lines = [
        f"differ on transaction {document['seq']} ({document['transaction']}), "
        f"after {document['outcomes']} outcomes that are the same; {requests}",
        *(f"{name:7}{_outcome_text(document[name])}" for name in ("ours", "theirs")),
    ]
    if "verdict" in document:
        said = _VERDICTS[document["verdict"]].format_map(document)
        lines.append(f"executed anew with {int(document['gas_executed']):,} gas: {said}")
    return "\n".join(lines)


def _outcome_text(stored: dict[str, Any]) -> str:
    ended = "succeeded" if stored["failure"] is None else f"failed ({stored['failure']})"
    counts = ", ".join(f"{stored[name]} {name}" for name in ("writes", "credits", "debits", "logs"))
    return f"{stored['digest']} {ended}, {stored['gas_used']:,} gas, {counts}"
