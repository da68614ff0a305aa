"""`accountant chain headers --out FILE`: what a verifier trusts, written to a file."""

from pathlib import Path
from typing import Annotated

import typer

from accountant.chain.genesis import decode_genesis
from accountant.chain.headers import SignedHeader, decode_signed_headers, encode_headers, validate_headers
from accountant.client.client import AccountantClient
from accountant.commands.contract_service import Api, ApiKey, open_client


def headers(
    out: Annotated[Path, typer.Option(help="The file to write.")],
    to: Annotated[int | None, typer.Option(min=0, help="The last height; default: the end of the chain.")] = None,
    api: Api = None,
    api_key: ApiKey = None,
) -> None:
    """Write genesis and all signed headers to a file, checked: each follows the one before, signed in turn."""
    with open_client(api, api_key) as client:
        genesis, signed = decode_genesis(client.genesis()), _signed(client, to)
    checked = validate_headers(genesis, signed)
    out.write_bytes(encode_headers(genesis, signed))
    typer.echo(f"{checked.height} headers of chain {genesis.chain_id}, genesis 0x{genesis.hash.hex()}, in {out}")


def _signed(client: AccountantClient, to: int | None) -> list[SignedHeader]:
    signed: list[SignedHeader] = []
    while to is None or len(signed) < to:
        page = decode_signed_headers(client.headers(len(signed) + 1))
        if not page:
            break
        signed += page
    return signed if to is None else signed[:to]
