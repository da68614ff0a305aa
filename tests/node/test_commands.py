"""`accountant node run` and `accountant index follow` as a supervisor starts them."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from accountant.chain.transaction import Transaction, TransactionKind, sign_transaction
from accountant.node.client import NodeClient
from accountant.node.devnet import devnet_in, read_genesis
from accountant.node.keystore import read_key, read_password
from accountant.primitives.types import Height
from accountant.processes.ports import free_port
from accountant.storage.chain_state import stored_hash
from accountant.storage.database import Database, migrate
from tests.support.chains import BOB
from tests.support.nodes import until, until_height


@contextmanager
def command(environment: dict[str, str], *words: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A running `accountant` command; killed at the end if it still runs."""
    argv = [sys.executable, "-m", "accountant.cli", *words]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANH_")}
    with subprocess.Popen(argv, env={**kept, **environment}, stdout=subprocess.DEVNULL) as child:
        try:
            yield child
        finally:
            child.kill()


def test_from_nothing_to_an_indexed_transaction(tmp_path: Path, database_url: str) -> None:
    """A node started on an empty folder makes a chain; what the faucet sends is ordered, then indexed."""
    migrate(database_url)
    port = free_port()
    environment = {
        "ANH_DATA_DIR": str(tmp_path),
        "ANH_NODE_PORT": str(port),
        "ANH_BLOCK_INTERVAL_S": "0.05",
        "DATABASE_URL": database_url,
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    with command(environment, "node", "run") as node:
        block_hash = asyncio.run(_pay(f"http://127.0.0.1:{port}", tmp_path))
        with command(environment, "index", "follow") as follower, Database(database_url) as database:
            asyncio.run(_wait_for(database, block_hash))
            for child in (follower, node):
                child.terminate()
                assert child.wait(60) == 0


async def _pay(url: str, folder: Path) -> str:
    places = devnet_in(folder / "chain")

    async def has_chain() -> bool:
        return places.genesis.exists()

    await until(has_chain, 30)
    genesis = read_genesis(places.genesis)[1]
    faucet = read_key(places.faucet_key, read_password(places.password))
    payment = Transaction(1, genesis.chain_id, 0, TransactionKind.TRANSFER, BOB.address, 5, 0, 0, 1, 0, b"", (), b"")
    async with NodeClient(url, backoff_s=1) as client:
        await client.submit(sign_transaction(payment, faucet))
        await until_height(client, 1)
        assert (await client.account(BOB.address)).zero_balance == 5
        return (await client.head()).hash


async def _wait_for(database: Database, block_hash: str) -> None:
    async def is_indexed() -> bool:
        found = stored_hash(database, Height(1))
        return found is not None and found.hex() == block_hash

    await until(is_indexed, 30)
