"""`accountant blob publish`: a file handed to a node, and the transaction that publishes its CID."""

import asyncio
import hashlib
import json
import os
from pathlib import Path
from typing import Annotated

import typer

from accountant.chain.genesis import Genesis
from accountant.commands.chain_send import ON_CHAIN_S, NodeUrl, confirm_fee, genesis_of
from accountant.commands.contract_service import Json, KeyFile, PasswordFile, Tip, Wait, open_key
from accountant.commands.contract_shown import line
from accountant.node.client import NodeClient
from accountant.node.payment import Ready, prepare_publication, send_ready, wait_for_block
from accountant.primitives.addresses import show
from accountant.primitives.cid import CID_PREFIX, show_cid
from accountant.primitives.errors import AccountantError
from accountant.primitives.keys import PrivateKey
from accountant.primitives.types import Cid
from accountant.settings import load_settings


class NotPublishable(AccountantError):
    """A file that no transaction can publish."""

    code = "not_publishable"


def publish(
    file: Annotated[Path, typer.Argument(help="What is published: weights, data, any bytes.")],
    tip: Tip = 0,
    key: KeyFile = None,
    password_file: PasswordFile = None,
    node: NodeUrl = None,
    yes: Annotated[bool, typer.Option("--yes", help="Sign without asking.")] = False,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Hand a file to a node and publish its CID: the fee is shown, then signed with a key file."""
    cid, size = _named(file)
    signer = open_key(key, password_file)
    told = asyncio.run(_publish(node or load_settings().node, signer, file, (cid, size), tip, yes, wait, as_json))
    if as_json:
        typer.echo(json.dumps(told))
        return
    typer.echo(line("Transaction", told["transaction"]))
    if told["height"] is not None:
        typer.echo(line("Block", f"{told['height']}: from now on contracts may load it"))


def _named(file: Path) -> tuple[Cid, int]:
    """The file's CID and size. Raises `NotPublishable`, `OSError`."""
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").digest()
        size = os.fstat(opened.fileno()).st_size
    if not size:
        raise NotPublishable(f"{file} is empty: a blob has at least one byte")
    return Cid(CID_PREFIX + digest), size


async def _publish(
    url: str, key: PrivateKey, file: Path, blob: tuple[Cid, int], tip: int, yes: bool, wait: bool, quiet: bool
) -> dict[str, object]:
    cid, size = blob
    told: dict[str, object] = {"cid": show_cid(cid), "size": size, "sender": show(key.address)}
    async with NodeClient(url) as client:
        genesis = await genesis_of(client)
        if size > genesis.limits.blob_bytes_most:
            raise NotPublishable(f"{file} has {size:,} bytes, a blob of this chain {genesis.limits.blob_bytes_most:,}")
        ready = await prepare_publication(client, genesis, key, blob, tip)
        if not quiet:
            _print_ready(told, ready, genesis)
        if not yes:
            confirm_fee(ready)
        await client.put_blob(cid, file)
        name = await send_ready(client, key, ready)
        height = await wait_for_block(client, name, ready.height, ON_CHAIN_S) if wait else None
    sent = {"transaction": "0x" + name.hex(), "fee": str(ready.fee), "nonce": ready.unsigned.nonce, "height": height}
    return told | sent


def _print_ready(told: dict[str, object], ready: Ready, genesis: Genesis) -> None:
    typer.echo(line("Sender", told["sender"]))
    typer.echo(line("CID", told["cid"]))
    typer.echo(line("Bytes", f"{told['size']:,} at {genesis.fees.blob_per_byte} base units each"))
    typer.echo(line("Fee", f"{ready.fee:,} base units of zero-cost money"))
