"""`accountant contract call CONTRACT FUNCTION ARG…`: a signed call on the chain, or a failed one again."""

from typing import Annotated

import typer

from accountant.chain.transaction import TransactionKind, decode_call, decode_deployment
from accountant.client.client import AccountantClient
from accountant.client.contracts import ContractClient
from accountant.client.signatures import Signatures
from accountant.client.wallet import Terms, prepare_again, prepare_call
from accountant.commands.contract_files import Described, described
from accountant.commands.contract_sending import Sending, carry_out, confirm, placed, print_guesses
from accountant.commands.contract_service import (
    Api,
    ApiKey,
    AskOutcome,
    Gas,
    General,
    Interface,
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
from accountant.primitives.errors import AccountantError
from accountant.primitives.hashes import sha256
from accountant.primitives.keys import PrivateKey


class WhatToCall(AccountantError):
    """No contract and function, or more than there is to choose with `--retry`."""

    code = "what_to_call"


def call(
    contract: Annotated[str | None, typer.Argument(help="The contract's id.")] = None,
    function: Annotated[str | None, typer.Argument(help="The function to call.")] = None,
    arguments: Annotated[list[str] | None, typer.Argument(help="Its arguments.")] = None,
    interface: Interface = None,
    retry: Annotated[str | None, typer.Option(help="Make this failed call again, with the entry it lacked.")] = None,
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
    """Call a contract's function: prepared by the accountant, signed here, and ordered by the chain.

    Exit status: 0, 1 if --outcome told of a failure, 2 if nothing was sent.
    """
    terms = terms_of(value, general, gas, tip, nonce)
    source = None if interface is None else described(interface)
    if retry is None and (contract is None or function is None):
        raise WhatToCall("name a contract and a function, or a failed transaction with --retry")
    if retry is not None and (contract is not None or value):
        raise WhatToCall("with --retry contract, function, arguments and value are those of the failed transaction")
    with open_client(api, api_key) as client:
        if retry is not None:
            signer = open_key(key, password_file)
            sending = _again(client, signer, retry, terms, source)
        else:
            assert contract is not None and function is not None
            called = ContractClient(client, contract, None if source is None else source.interface)
            signature = called.signatures.function(function)
            if signature.view:
                raise WhatToCall(f"{function} is a view: ask it with `accountant contract view`, which costs nothing")
            wire = signature.arguments(arguments or [])
            signer = open_key(key, password_file)
            code_hash = called.deployed["code_hash"]
            with placed(source, code_hash):
                ready = prepare_call(client, signer.address, called.id, signature, wire, terms)
            sending = Sending(ready, called.signatures, signature, wire, source, code_hash)
        if not as_json:
            print_guesses(sending)
        confirm(sending, yes)
        carry_out(client, signer, sending, wait, outcome, as_json)


def _again(
    client: AccountantClient, signer: PrivateKey, failed: str, terms: Terms, source: Described | None
) -> Sending:
    """The failed call or deployment, with what it lacked."""
    ready = prepare_again(client, signer.address, failed, terms)
    known = None if source is None else source.interface
    if ready.unsigned.kind is TransactionKind.CALL:
        called = ContractClient(client, ready.contract, known)
        payload = decode_call(ready.unsigned.payload)
        signature = called.signatures.function(payload.function)
        return Sending(ready, called.signatures, signature, payload.arguments, source, called.deployed["code_hash"])
    deployment = decode_deployment(ready.unsigned.payload)
    signatures = Signatures(deployment.envelope, known)
    code_hash = "0x" + sha256(deployment.code).hex()
    return Sending(ready, signatures, signatures.constructor, deployment.arguments, source, code_hash)
