"""From a transaction that is ready to sign to the lines that tell of it: what `deploy` and `call` share."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import typer

from accountant.client.client import AccountantClient
from accountant.client.contracts import Done, done_of
from accountant.client.signatures import Happened, Signature, Signatures
from accountant.client.wallet import Fails, Ready, send, tried_out, wait_for
from accountant.commands.contract_files import Described
from accountant.commands.contract_shown import hashed_keys, line, places_of, shown_entry, shown_event, shown_outcome
from accountant.primitives.addresses import parse_account, show
from accountant.primitives.errors import AccountantError
from accountant.primitives.keys import PrivateKey

FAILED = 1
"""The exit status of a transaction or a view that failed: that is an answer, and no error."""


class NotConfirmed(AccountantError):
    """Somebody has to say whether to sign, and nobody is there or wants to."""

    code = "not_confirmed"


class Sending(NamedTuple):
    """A transaction that is ready, and what is known of what it calls."""

    ready: Ready
    signatures: Signatures
    function: Signature
    arguments: tuple[int | bytes, ...]
    source: Described | None
    code_hash: str | None
    """The module's, 0x and hex, where `source` describes it."""


@contextmanager
def placed(source: Described | None, code_hash: str | None) -> Iterator[None]:
    """A call that fails when it is tried out is told with its source line."""
    try:
        yield
    except Fails as error:
        places = places_of(error.simulation["trace"], source, code_hash)
        raise Fails(error.simulation, next(iter(places), None)) from None


def confirm(sending: Sending, yes: bool) -> None:
    """Asks before something is signed that may well fail. Raises `NotConfirmed`."""
    prepared = sending.ready.prepared
    simulation, doubts = prepared["simulation"], []
    if simulation is not None and simulation["failure"] is not None:
        place = next(iter(places_of(simulation["trace"], sending.source, sending.code_hash)), None)
        doubts.append(tried_out(simulation, place))
    if sending.ready.guesses:
        doubts.append(f"{len(sending.ready.guesses)} of {len(prepared['entries'])} entries are guesses")
    if not doubts or yes:
        return
    said = ", and ".join(doubts)
    if not sys.stdin.isatty():
        raise NotConfirmed(f"{said}; nothing is signed without --yes")
    if not typer.confirm(f"{said}. Sign it?"):
        raise NotConfirmed("nothing is signed")


def carry_out(
    client: AccountantClient, key: PrivateKey, sending: Sending, wait: bool, outcome: bool, as_json: bool
) -> None:
    """Sends, waits, asks for the outcome as told, and prints. Exits with 1 if the outcome is a failure."""
    ready = sending.ready
    told: dict[str, Any] = {
        "contract": ready.contract,
        "sender": show(key.address),
        "transaction": send(client, key, ready),
        "fee": str(ready.fee),
        "gas_limit": str(ready.unsigned.gas_limit),
        "height": None,
        "guesses": ready.guesses,
    }
    if not as_json:
        _print_sent(sending, told)
    if wait or outcome:
        told["height"] = wait_for(client, told["transaction"])["height"]
        if not as_json:
            typer.echo(line("Block", f"{told['height']}: ordered and paid for, not executed"))
    done = None
    if outcome:
        certificate = client.result(client.outcome(told["transaction"]))
        done = done_of(certificate, sending.signatures, parse_account(ready.contract), sending.function)
        told["outcome"] = certificate
        if not as_json:
            print_done(done, sending.function, sending.signatures, sending.source, sending.code_hash)
    if as_json:
        typer.echo(json.dumps(told))
    if done is not None and not done.succeeded:
        raise typer.Exit(FAILED)


def print_done(
    done: Done, function: Signature | None, signatures: Signatures, source: Described | None, code_hash: str | None
) -> None:
    """Tells what a transaction did, and what it logged."""
    places = places_of(done.certificate["trace"], source, code_hash)
    for shown in shown_outcome(done, function, places):
        typer.echo(shown)
    if done.certificate["outcome"]["missing_entry"] is not None:
        typer.echo(line("Again", f"accountant contract call --retry {done.certificate['transaction']}"))
    for event in done.events:
        typer.echo(line("Event", _shown(event, signatures)))


def print_guesses(sending: Sending) -> None:
    """The entries of a footprint that a simulation found, before they are signed."""
    if not sending.ready.guesses:
        return
    own, hashed = parse_account(sending.ready.contract), hashed_keys(sending.function, sending.arguments)
    marked = zip(sending.ready.unsigned.footprint, sending.ready.prepared["entries"], strict=True)
    for entry, said in marked:
        if said["guess"]:
            shown = shown_entry(entry, own, sending.signatures.interface, hashed)
            rests = said["rests_on_unobserved"]
            why = f"   (rests on {rests} transaction{'s' * (rests > 1)} that nobody has executed)" if rests else ""
            typer.echo(line("Guess", shown + why))


def _print_sent(sending: Sending, told: dict[str, Any]) -> None:
    typer.echo(line("Contract", told["contract"]))
    typer.echo(line("Sender", told["sender"]))
    typer.echo(line("Transaction", told["transaction"]))
    typer.echo(line("Fee", f"{sending.ready.fee:,} base units; unused gas comes back"))
    typer.echo(line("Gas limit", f"{sending.ready.unsigned.gas_limit:,}"))


def _shown(event: Happened, signatures: Signatures) -> str:
    return shown_event(event, signatures.interface)
