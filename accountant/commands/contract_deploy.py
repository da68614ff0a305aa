"""`accountant contract deploy FILE ARG…`: a contract onto the chain."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from accountant.chain.envelope import Envelope
from accountant.chain.transaction import TRANSACTION_BYTES_MAX
from accountant.client.signatures import Signatures
from accountant.client.wallet import prepare_deployment
from accountant.commands.contract_files import SOURCE, Described, built
from accountant.commands.contract_sending import Sending, carry_out, confirm, placed, print_guesses
from accountant.commands.contract_service import (
    Api,
    ApiKey,
    AskOutcome,
    Gas,
    General,
    Json,
    KeyFile,
    Nonce,
    PasswordFile,
    Tip,
    Value,
    Wait,
    Yes,
    open_client,
    open_key,
    terms_of,
)
from accountant.language.artefacts import MODULE
from accountant.language.files import read_file
from accountant.primitives.encoding import Decoder
from accountant.primitives.errors import AccountantError, InvalidEncoding
from accountant.primitives.hashes import sha256

_envelopes = Decoder(Envelope, TRANSACTION_BYTES_MAX)


class NothingToDeploy(AccountantError):
    """An envelope for what has one already, or a file that holds none."""

    code = "nothing_to_deploy"


class _Module(NamedTuple):
    code: bytes
    envelope: Envelope
    source: Described | None


def deploy(
    file: Annotated[Path, typer.Argument(help="The contract's source, what a build made of it, or any module.")],
    arguments: Annotated[list[str] | None, typer.Argument(help="The constructor's arguments.")] = None,
    envelope: Annotated[
        Path | None, typer.Option(help="What a module of another compiler admits: canonical bytes, or their hex.")
    ] = None,
    value: Value = 0,
    general: General = False,
    key: KeyFile = None,
    password_file: PasswordFile = None,
    tip: Tip = 0,
    gas: Gas = 0,
    nonce: Nonce = None,
    api: Api = None,
    api_key: ApiKey = None,
    wait: Wait = True,
    yes: Yes = False,
    outcome: AskOutcome = False,
    as_json: Json = False,
) -> None:
    """Deploy a contract: prepared by the accountant, signed here. Prints the contract's id, hash, fee and gas limit."""
    module = _module(file, envelope)
    signatures = Signatures(module.envelope, None if module.source is None else module.source.interface)
    constructor = signatures.constructor
    wire = constructor.arguments(arguments or [])
    with open_client(api, api_key) as client:
        signer = open_key(key, password_file)
        terms = terms_of(value, general, gas, tip, nonce)
        code_hash = "0x" + sha256(module.code).hex()
        with placed(module.source, code_hash):
            ready = prepare_deployment(client, signer.address, module.code, module.envelope, constructor, wire, terms)
        sending = Sending(ready, signatures, constructor, wire, module.source, code_hash)
        if not as_json:
            print_guesses(sending)
        confirm(sending, yes)
        carry_out(client, signer, sending, wait, outcome, as_json)


def _module(file: Path, envelope: Path | None) -> _Module:
    if envelope is not None:
        if file.suffix != MODULE:
            raise NothingToDeploy(f"an envelope of its own goes with a module, NAME{MODULE}; {file} has one already")
        return _Module(read_file(file), _read_envelope(envelope), None)
    module, admitted, interface, mapped = built(file)
    return _Module(module, admitted, Described(interface, mapped, file.with_suffix(SOURCE).name))


def _read_envelope(path: Path) -> Envelope:
    raw = read_file(path)
    with suppress(ValueError):  # else they are the bytes themselves
        raw = bytes.fromhex(raw.strip().removeprefix(b"0x").decode("ascii"))
    try:
        return _envelopes.decode(raw)
    except InvalidEncoding as error:
        raise NothingToDeploy(f"{path} holds no envelope: {error.detail}") from None
