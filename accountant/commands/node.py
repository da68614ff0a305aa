"""`accountant node …`: the chain's node, and handing blocks to one."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import structlog
import typer

from accountant.chain.genesis import Genesis
from accountant.commands.init import ensure_chain, places_of
from accountant.contracts.engine import require_engine
from accountant.contracts.module import check_module
from accountant.logs import configure_logs
from accountant.node.client import NodeClient
from accountant.node.devnet import Devnet
from accountant.node.keeper import Keeper
from accountant.node.keystore import read_key, read_password
from accountant.node.server import NodeOptions, run_node
from accountant.node.store import STORE_FOLDER, BlockStore
from accountant.node.wire import split_blocks
from accountant.primitives.addresses import show
from accountant.primitives.keys import PrivateKey
from accountant.processes.tokens import keep_token
from accountant.settings import Settings, load_settings

app = typer.Typer(no_args_is_help=True, help="The chain's node.")

log = structlog.get_logger(__name__)


@app.command()
def run() -> None:
    """Order transactions into blocks and serve them, until SIGTERM. Without a genesis, takes a peer's or makes one."""
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format, "node")
    places = places_of(settings)
    genesis = ensure_chain(places, settings.node_peers.split())
    require_engine(genesis.engine)
    key = proposer_key(places, genesis)
    keep_token(settings.node_token_path)
    with BlockStore(settings.chain_folder / STORE_FOLDER) as store:
        keeper = Keeper(store, genesis, check_module, key, settings.node_uploads_bytes)
        asyncio.run(run_node(keeper, options_of(settings), _ready))


@app.command()
def send(file: Annotated[Path, typer.Argument(help="Blocks as `accountant chain record` writes them.")]) -> None:
    """Hand recorded blocks to the running node, in order. Those that it has already change nothing."""
    settings = load_settings()
    blocks = split_blocks(file.read_bytes())
    print(f"{len(blocks)} blocks; the chain ends at height {asyncio.run(_send(settings.node, blocks))}")


def options_of(settings: Settings) -> NodeOptions:
    """How the node runs by these settings."""
    return NodeOptions(
        host=settings.node_host,
        port=settings.node_port,
        interval_s=settings.block_interval_s,
        heartbeat_s=settings.heartbeat_s,
        peers=tuple(settings.node_peers.split()),
        token=settings.node_token_path,
    )


def proposer_key(places: Devnet, genesis: Genesis) -> PrivateKey | None:
    """The key to sign blocks with; None if there is none here, or if it proposes nothing on this chain."""
    if not places.proposer_key.exists():
        log.info("follows only: no proposer key", path=str(places.proposer_key))
        return None
    password = read_password(places.password) if places.password.exists() else b""
    key = read_key(places.proposer_key, password)
    if key.address not in genesis.proposers:
        log.warning("follows only: genesis names other proposers", key=show(key.address))
        return None
    return key


def _ready(url: str) -> None:
    log.info("node ready", url=url)
    print(url, file=sys.stdout, flush=True)


async def _send(url: str, blocks: list[bytes]) -> int:
    async with NodeClient(url) as client:
        for raw in blocks:
            await client.submit_block(raw)
        return (await client.head()).height
