"""`accountant contract outcome HASH`: what a transaction did, which somebody has to execute to know."""

import json
from typing import Annotated

import typer

from accountant.chain.envelope import Envelope
from accountant.chain.transaction import TransactionKind, decode_call, decode_transaction
from accountant.client.client import AccountantClient
from accountant.client.contracts import ContractClient, done_of
from accountant.client.signatures import Signature, Signatures
from accountant.commands.contract_files import Described, described
from accountant.commands.contract_sending import FAILED, print_done
from accountant.commands.contract_service import Api, ApiKey, Interface, Json, open_client
from accountant.primitives.addresses import contract_id_of, parse_account, show
from accountant.primitives.types import Address, ContractId


def outcome(
    transaction: Annotated[str, typer.Argument(help="The transaction's hash.")],
    interface: Interface = None,
    api: Api = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Print whether a transaction succeeded, what it returned and logged, or how and where it failed.

    Exit status: 0, 1 if it failed, 2 if that could not be asked.
    """
    source = None if interface is None else described(interface)
    with open_client(api, api_key) as client:
        certificate = client.result(client.outcome(transaction))
        contract, called, function = _called(client, transaction, source)
    signatures = Signatures(Envelope(())) if called is None else called.signatures
    done = done_of(certificate, signatures, contract, function)
    if as_json:
        typer.echo(json.dumps(certificate))
    else:
        print_done(done, function, signatures, source, None if called is None else called.deployed["code_hash"])
    if not done.succeeded:
        raise typer.Exit(FAILED)


def _called(
    client: AccountantClient, transaction: str, source: Described | None
) -> tuple[ContractId, ContractClient | None, Signature | None]:
    """The contract that a transaction calls or deploys, and the function; nothing of a transfer or a publication."""
    told = client.transaction(transaction)
    sent = decode_transaction(bytes.fromhex(told["raw"][2:]))
    if sent.kind in (TransactionKind.TRANSFER, TransactionKind.PUBLISH):
        return ContractId(b""), None, None
    deploys = sent.kind is TransactionKind.DEPLOY
    contract = contract_id_of(Address(parse_account(told["sender"])), sent.nonce) if deploys else ContractId(sent.to)
    called = ContractClient(client, show(contract), None if source is None else source.interface)
    if deploys:
        return contract, called, called.signatures.constructor
    return contract, called, called.signatures.function(decode_call(sent.payload).function)
