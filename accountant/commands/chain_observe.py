"""`accountant chain observe HEIGHT`: the whole world state b.ws and its root (paper, section II-A)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Annotated, Any

import msgspec
import typer

from accountant.accounting.observe import STATE_BYTES_MAX
from accountant.client.client import AccountantClient
from accountant.commands.ask_shown import STOPPED
from accountant.commands.contract_service import Api, ApiKey, Json, open_client
from accountant.execution.world_state import Leaf, decode_leaf, order
from accountant.primitives.addresses import show
from accountant.primitives.encoding import Decoder
from accountant.primitives.errors import AccountantError
from accountant.primitives.merkle import streamed_root

UNDECIDED = 1
_OBSERVE_S = 7 * 24 * 3600.0

_pages: Decoder[list[bytes]] = Decoder(list[bytes], STATE_BYTES_MAX)


class StateDiffers(AccountantError):
    """The pages that were read are not the state whose root was told."""

    code = "state_differs"


def observe(
    height: Annotated[int, typer.Argument(min=0, help="The state at the end of this block.")],
    file: Annotated[
        Path | None, typer.Option(help="Write the state here: a JSON object for each leaf, one a line.")
    ] = None,
    gas_budget: Annotated[int | None, typer.Option(min=0, help="The most gas to execute.")] = None,
    api: Api = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Execute everything up to a height that nobody executed before, and print the root of the world state.

    Exit status: 0, 1 if the gas budget did not suffice, 2 if the state could not be observed.
    """
    with open_client(api, api_key) as client:
        budget = {} if gas_budget is None else {"gas_budget": gas_budget}
        found = client.result(client.observe(height, **budget), timeout_s=_OBSERVE_S)
        if found["root"] is not None and file is not None:
            _download(client, found, file)
    if as_json:
        typer.echo(json.dumps(found))
    else:
        typer.echo(_text(found))
    if found["root"] is None:
        raise typer.Exit(UNDECIDED)


def _download(client: AccountantClient, found: dict[str, Any], file: Path) -> None:
    """Writes the state's leaves, and checks while they come that they have the root. Raises `StateDiffers`."""
    height = found["height"]
    kept = client.observation(height)
    draft = file.with_name(file.name + ".part")
    try:
        with draft.open("w", encoding="utf-8") as out:
            root = streamed_root(_written(_leaves(client, height, kept["pages"]), out))
        if "0x" + root.hex() != found["root"]:
            raise StateDiffers(f"the pages of height {height} have the root 0x{root.hex()}, not {found['root']}")
        draft.rename(file)
    finally:
        draft.unlink(missing_ok=True)


def _leaves(client: AccountantClient, height: int, pages: int) -> Iterator[bytes]:
    for page in range(pages):
        yield from _pages.decode(client.observation_page(height, page))


def _written(leaves: Iterator[bytes], out: IO[str]) -> Iterator[bytes]:
    """Passes leaves on, each written as a line of JSON; they must ascend."""
    last: tuple[int, bytes, bytes] | None = None
    for raw in leaves:
        leaf = decode_leaf(raw)
        if last is not None and order(leaf) <= last:
            raise StateDiffers("the leaves are not in order")
        last = order(leaf)
        out.write(json.dumps(shown(leaf)) + "\n")
        yield raw


def shown(leaf: Leaf) -> dict[str, Any]:
    """A leaf as JSON: accounts as they are shown, other bytes as hex, amounts as decimal strings."""
    fields: dict[str, Any] = msgspec.structs.asdict(leaf)
    for name, value in fields.items():
        if name in ("address", "contract", "deployer") and value is not None:
            fields[name] = show(value)
        elif isinstance(value, bytes):
            fields[name] = "0x" + value.hex()
        elif isinstance(value, int) and name != "nonce":
            fields[name] = str(value)
    return fields


def _text(found: dict[str, Any]) -> str:
    took = (
        f"{int(found['gas_executed']):,} gas in {found['executed']} contract runs "
        f"(everything: at most {int(found['gas_everything']):,} gas)"
    )
    if found["root"] is None:
        next_gas = int(found["missing"][0]["gas_most"])
        why = STOPPED[found["reason"]]
        return f"undecided: {why}, the next transaction takes at most {next_gas:,} gas; {took}"
    return (
        f"{found['root']}\n{found['users']} users, {found['contracts']} contracts, {found['slots']} slots after "
        f"{found['transactions']} transactions at height {found['height']}; {took}"
    )
