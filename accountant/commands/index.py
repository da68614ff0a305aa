"""`accountant index …`: the inverted index of a node's chain."""

import asyncio
import signal

import typer

from accountant.commands.init import places_of
from accountant.contracts.engine import require_engine
from accountant.contracts.module import check_module
from accountant.logs import configure_logs
from accountant.node.client import NodeClient
from accountant.node.devnet import read_genesis
from accountant.services.follow_chain import follow_forever
from accountant.settings import Settings, load_settings
from accountant.storage.database import Database

app = typer.Typer(no_args_is_help=True, help="The inverted index of a node's chain.")


@app.callback()
def describe() -> None:
    """A group, although it has one command."""


@app.command()
def follow() -> None:
    """Validate and import the node's blocks, until SIGTERM."""
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format, "indexer")
    asyncio.run(_follow(settings))


async def _follow(settings: Settings) -> None:
    genesis_file = places_of(settings).genesis
    expected = read_genesis(genesis_file)[1] if genesis_file.exists() else None
    if expected is not None:
        require_engine(expected.engine)
    with Database(settings.database) as database:
        async with NodeClient(settings.node, agent="anh-index") as node:
            work = asyncio.create_task(follow_forever(node, database, check_module, expected))
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, work.cancel)
            try:
                await work
            except asyncio.CancelledError:
                return
