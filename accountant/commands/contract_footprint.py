"""`accountant contract footprint FILE FUNCTION ARG…`: what a call declares, from the call alone."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from accountant.api.views import EntryView
from accountant.chain.envelope import Envelope, FunctionEnvelope, OpenAccess, Sender, TemplateEntry
from accountant.chain.errors import InvalidTransaction
from accountant.chain.footprint import Entry
from accountant.chain.template import instantiate
from accountant.client.signatures import Signature, Signatures, UnknownFunction
from accountant.commands.contract_files import described
from accountant.commands.contract_service import Json
from accountant.commands.contract_shown import hashed_keys, line, shown_entry
from accountant.language.footprints.shown import is_open
from accountant.language.interface import FunctionInterface, Interface, envelope_of_interface
from accountant.primitives.addresses import parse_account
from accountant.primitives.errors import AccountantError
from accountant.primitives.types import ADDRESS_BYTES, BLACKHOLE, HASH_BYTES, AccountId, Address, ContractId

_NOWHERE = "0x" + bytes(HASH_BYTES).hex()


class ImpossibleCall(AccountantError):
    """A call that no transaction can be: of a user, by a contract, or with arguments that give no footprint."""

    code = "impossible_call"


def footprint(
    file: Annotated[Path, typer.Argument(help="The contract's source, or its interface NAME.json.")],
    function: Annotated[str, typer.Argument(help="The function; init is the constructor.")],
    arguments: Annotated[list[str] | None, typer.Argument(help="Its arguments.")] = None,
    sender: Annotated[str | None, typer.Option(help="Who signs; default: address zero.")] = None,
    contract: Annotated[str, typer.Option(help="The contract's id.")] = _NOWHERE,
    value: Annotated[int, typer.Option(min=0, help="Base units that come with the call.")] = 0,
    as_json: Json = False,
) -> None:
    """Print what a call may touch: nothing is executed, and nobody is asked."""
    interface = described(file).interface
    envelope = envelope_of_interface(interface)
    admitted, signature = _named(envelope, interface, function)
    wire = signature.arguments(arguments or [])
    signer = Address(_account(BLACKHOLE if sender is None else parse_account(sender), ADDRESS_BYTES, "a sender"))
    own = ContractId(_account(parse_account(contract), HASH_BYTES, "a contract"))
    try:
        entries = instantiate(admitted, wire, signer, own, value)
    except InvalidTransaction as error:
        raise ImpossibleCall(error.detail) from None
    open_lines = [] if admitted.complete else _open_lines(interface, function)
    if as_json:
        typer.echo(json.dumps(_as_json(admitted, entries, open_lines, envelope.open)))
        return
    for entry in entries:
        typer.echo(shown_entry(entry, own, interface, hashed_keys(signature, wire)))
    if sender is None and any(_follows_sender(entry) for entry in admitted.template):
        typer.echo("Some of it follows from the sender, here address zero: name another with --sender")
    typer.echo(line("Complete", "yes" if admitted.complete else "no: a simulation must find the rest"))
    for open_line in open_lines:
        typer.echo(line("Open", open_line))


def _named(envelope: Envelope, interface: Interface, name: str) -> tuple[FunctionEnvelope, Signature]:
    signatures, admitted = Signatures(envelope, interface), envelope.function(name)
    signature = signatures.constructor if name == signatures.constructor.name else signatures.function(name)
    if admitted is None:
        raise UnknownFunction(f"{interface.contract} has no constructor")
    return admitted, signature


def _account(found: AccountId, size: int, what: str) -> bytes:
    if len(found) != size:
        raise ImpossibleCall(f"{what} has {size} bytes, not {len(found)}")
    return found


def _open_lines(interface: Interface, name: str) -> list[str]:
    known: list[FunctionInterface] = [*interface.functions]
    if interface.constructor is not None:
        known.append(interface.constructor)
    return [shown for one in known if one.name == name for shown in one.touches if is_open(shown)]


def _follows_sender(entry: TemplateEntry) -> bool:
    return any(isinstance(part, Sender) for part in (*entry.on, *entry.slot))


def _as_json(
    admitted: FunctionEnvelope, entries: tuple[Entry, ...], open_lines: list[str], access: OpenAccess
) -> dict[str, Any]:
    found = [EntryView.of(entry).model_dump(exclude_none=True) for entry in entries]
    prefixes = {"read": access.read_prefixes, "write": access.write_prefixes}
    return {
        "complete": admitted.complete,
        "entries": found,
        "open": open_lines,
        "open_prefixes": {kind: ["0x" + one.hex() for one in some] for kind, some in prefixes.items()},
    }
