"""`accountant chain send` and `accountant chain fund`: plain transfers, signed here, through a node."""

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from accountant.chain.genesis import Genesis, decode_genesis
from accountant.commands.contract_sending import NotConfirmed
from accountant.commands.contract_service import Json, KeyFile, PasswordFile, Tip, Wait, open_key
from accountant.commands.contract_shown import line
from accountant.commands.init import places_of
from accountant.node.client import NodeClient
from accountant.node.devnet import read_genesis
from accountant.node.payment import Ready, Transfer, prepare_transfer, send_ready, wait_for_block
from accountant.primitives.addresses import parse_account, show
from accountant.primitives.keys import PrivateKey
from accountant.primitives.types import AMOUNT_MAX, Amount
from accountant.settings import load_settings

ON_CHAIN_S = 60.0

NodeUrl = Annotated[str | None, typer.Option("--node", help="The node's URL; default: by the settings.")]


def send(
    to: Annotated[str, typer.Option(help="Who gets it: a user's or a contract's address.")],
    units: Annotated[int, typer.Option(min=1, max=AMOUNT_MAX, help="Base units.")],
    general: Annotated[
        bool, typer.Option("--general", help="General money: whether you own it shows when it is executed.")
    ] = False,
    tip: Tip = 0,
    key: KeyFile = None,
    password_file: PasswordFile = None,
    node: NodeUrl = None,
    yes: Annotated[bool, typer.Option("--yes", help="Sign without asking.")] = False,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Transfer money: the fee is shown, then signed with a key file, and handed to a node."""
    transfer = Transfer(parse_account(to), Amount(units), general, tip)
    signer = open_key(key, password_file)

    def confirm(ready: Ready) -> None:
        if not as_json:
            _print_ready(signer, transfer, ready)
        if not yes:
            confirm_fee(ready)

    told = asyncio.run(_send(node or load_settings().node, signer, transfer, confirm, wait))
    _print_sent(told, as_json)


def fund(
    address: Annotated[str, typer.Argument(help="Who gets it.")],
    units: Annotated[int, typer.Argument(min=1, max=AMOUNT_MAX, help="Base units of zero-cost money.")],
    node: NodeUrl = None,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Pay zero-cost money of the development chain's faucet to an address, without asking."""
    transfer = Transfer(parse_account(address), Amount(units))
    told = asyncio.run(_send(node or load_settings().node, open_key(None, None), transfer, lambda _: None, wait))
    _print_sent(told, as_json)


async def _send(
    url: str, key: PrivateKey, transfer: Transfer, confirm: Callable[[Ready], None], wait: bool
) -> dict[str, object]:
    async with NodeClient(url) as client:
        ready = await prepare_transfer(client, await genesis_of(client), key, transfer)
        confirm(ready)
        name = await send_ready(client, key, ready)
        height = await wait_for_block(client, name, ready.height, ON_CHAIN_S) if wait else None
        return {
            "transaction": "0x" + name.hex(),
            "sender": show(key.address),
            "to": show(transfer.to),
            "units": str(transfer.units),
            "fee": str(ready.fee),
            "nonce": ready.unsigned.nonce,
            "height": height,
        }


async def genesis_of(client: NodeClient) -> Genesis:
    """The chain that this folder insists on; without one, the node's."""
    file = places_of(load_settings()).genesis
    return read_genesis(file)[1] if file.exists() else decode_genesis(await client.genesis())


def confirm_fee(ready: Ready) -> None:
    """Asks whether to sign. Raises `NotConfirmed`."""
    if not sys.stdin.isatty():
        raise NotConfirmed("nothing is signed without --yes")
    if not typer.confirm(f"Sign it for a fee of {ready.fee:,} base units?"):
        raise NotConfirmed("nothing is signed")


def _print_ready(signer: PrivateKey, transfer: Transfer, ready: Ready) -> None:
    kind = "general money" if transfer.general else "zero-cost money"
    typer.echo(line("Sender", show(signer.address)))
    typer.echo(line("To", show(transfer.to)))
    typer.echo(line("Amount", f"{transfer.units:,} base units of {kind}"))
    typer.echo(line("Fee", f"{ready.fee:,} base units of zero-cost money"))


def _print_sent(told: dict[str, object], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(told))
        return
    typer.echo(line("Transaction", told["transaction"]))
    if told["height"] is not None:
        typer.echo(line("Block", f"{told['height']}: ordered and paid for, not executed"))
