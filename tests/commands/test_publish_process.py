"""`accountant publish` and `accountant sign`: a real node over HTTP, a real Postgres, a key file, and SIGKILL."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from accountant.accounting.certificate import Verdict
from accountant.chain.block import Position
from accountant.chain.query import BalanceAtLeast
from accountant.contracts.module import check_module
from accountant.oath.counts import counts
from accountant.oath.oath import NotAnOath, Oath, oath_of
from accountant.oath.purse import withdrawn_by
from accountant.primitives.addresses import contract_id_of, show
from accountant.primitives.types import UNITS_PER_TOKEN, Seq
from accountant.services.api_keys import ensure_first_key
from accountant.services.follow_chain import follow_forever
from accountant.storage.database import Database, engine_of, migrate
from accountant.storage.index import PostgresIndex
from accountant.storage.oaths import Oaths
from tests.support.nodes import RunningNode, running_node
from tests.support.oath_node import ACCOUNTANT, CUSTOMER, PROPOSER, oath_genesis
from tests.support.oath_office import finish_job

pytestmark = pytest.mark.anyio

TOKEN = UNITS_PER_TOKEN
GENESIS = oath_genesis()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def environment_of(database_url: str, node_url: str, folder: Path) -> dict[str, str]:
    """What the processes are told."""
    return {
        **os.environ,
        "DATABASE_URL": database_url,
        "REDIS_URL": "redis://127.0.0.1:1",
        "ANH_NODE_URL": node_url,
        "ANH_DATA_DIR": str(folder),
        "ANH_ACCOUNTANT_KEY": str(folder / "accountant.pem"),
        "ANH_OATH_DEPOSIT": str(100 * TOKEN),
    }


@contextmanager
def running(command: str, database_url: str, node_url: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The process; killed at the end if it still runs."""
    (folder / "accountant.pem").write_bytes(ACCOUNTANT.to_pem())
    environment = environment_of(database_url, node_url, folder)
    with (folder / f"{command}.log").open("ab") as log:
        process = subprocess.Popen([sys.executable, "-m", "accountant.cli", command], env=environment, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@asynccontextmanager
async def followed(node: RunningNode, database: Database) -> AsyncIterator[None]:
    """The index follows the node."""
    task = asyncio.create_task(follow_forever(node.client, database, check_module))
    try:
        yield
    finally:
        task.cancel()


def oaths_on(index: PostgresIndex) -> list[Oath]:
    """Every oath on the chain."""
    found = []
    for seq in range(index.head().next_seq):
        try:
            found.append(oath_of(index, Seq(seq)))
        except NotAnOath:
            continue
    return found


async def test_killed_again_and_again(tmp_path: Path, database_url: str) -> None:
    """Whenever publisher or signer is killed, the next goes on: every answer is sworn exactly once, each oath counts.

    At SIGTERM the last ones end by themselves, with exit code 0, and leave nothing open. The key is in no log.
    """
    migrate(database_url)
    engine = engine_of(database_url)
    api_key = ensure_first_key(engine)
    assert api_key is not None
    prefix, count = api_key.split("_")[1], 12
    query = BalanceAtLeast(CUSTOMER.address, TOKEN, Position(GENESIS.hash, 0))
    async with running_node(tmp_path / "node", GENESIS, PROPOSER) as node:
        with Database(database_url) as database:
            async with followed(node, database):
                for _ in range(count):
                    finish_job(engine, prefix, Verdict.ACCEPTED, query, True)
                with running("sign", database_url, node.url, tmp_path):
                    for life_s in (1.3, 1.5, 1.7):
                        with running("publish", database_url, node.url, tmp_path):
                            await asyncio.sleep(life_s)
                with running("publish", database_url, node.url, tmp_path):
                    for life_s in (0.0, 1.4, 1.9):
                        with running("sign", database_url, node.url, tmp_path):
                            await asyncio.sleep(life_s)
                index = PostgresIndex(database)
                with (
                    running("sign", database_url, node.url, tmp_path) as signer,
                    running("publish", database_url, node.url, tmp_path) as last,
                ):
                    finish_job(engine, prefix, Verdict.ACCEPTED, query, True)  # so that the last one surely runs
                    count += 1
                    async with asyncio.timeout(60):
                        while await asyncio.to_thread(_open, engine) or len(oaths_on(index)) < count:  # noqa: ASYNC110 - what is waited for is another process
                            await asyncio.sleep(0.1)
                    last.send_signal(signal.SIGTERM)
                    assert await asyncio.to_thread(last.wait, 10) == 0
                    purse = show(contract_id_of(ACCOUNTANT.address, 0))
                    said = await asyncio.to_thread(_withdraw, database_url, node.url, tmp_path, purse, "--dry-run")
                    assert f"{(100 - count) * TOKEN:,}" in said.stdout.decode(), said.stderr
                    said = await asyncio.to_thread(_withdraw, database_url, node.url, tmp_path, purse)
                    assert said.returncode == 0 and b"Withdrawn" in said.stdout, said.stderr
                    said = await asyncio.to_thread(_withdraw, database_url, node.url, tmp_path, purse)
                    assert said.returncode == 2 and b"may be taken out" in said.stderr
                    for wrong in ("purse", "0x" + "00" * 32):
                        said = await asyncio.to_thread(_withdraw, database_url, node.url, tmp_path, wrong)
                        assert said.returncode == 2 and len(said.stderr.splitlines()) == 1
                    async with asyncio.timeout(60):
                        while index.head().next_seq < 3 + count:  # noqa: ASYNC110 - another process
                            await asyncio.sleep(0.1)
                    withdrawn = index.transaction(Seq(2 + count)).transaction
                    assert withdrawn_by(withdrawn) == (100 - count) * TOKEN
                    _shows_no_key(signer.pid, tmp_path)
                    signer.send_signal(signal.SIGTERM)
                    assert await asyncio.to_thread(signer.wait, 10) == 0
                sworn = oaths_on(index)
                assert len(sworn) == count
                assert all(counts(index, oath).counts for oath in sworn)
    engine.dispose()


def _withdraw(
    database_url: str, node_url: str, folder: Path, purse: str, *options: str
) -> subprocess.CompletedProcess[bytes]:
    """`accountant oath withdraw`, once it ended."""
    command = [sys.executable, "-m", "accountant.cli", "oath", "withdraw", purse, *options]
    environment = environment_of(database_url, node_url, folder)
    return subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)


def _open(engine: sa.Engine) -> bool:
    """Whether anything that was signed is not known to be in a block."""
    with engine.connect() as connection:
        return bool(Oaths(connection).open(ACCOUNTANT.address))


def _shows_no_key(signer: int, folder: Path) -> None:
    """Neither command line nor environment nor any file but the key's own has it, and each signature is logged."""
    secret = ACCOUNTANT.secret
    forms = (secret, secret.hex().encode(), ACCOUNTANT.to_pem().splitlines()[1])
    seen = [Path(f"/proc/{signer}/{name}").read_bytes() for name in ("cmdline", "environ")]
    seen += [path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".pem"]
    assert not any(form in text for form in forms for text in seen)
    purposes = [
        json.loads(line)["purpose"] for line in (folder / "signer" / "signatures.jsonl").read_text().splitlines()
    ]
    assert purposes[:2] == ["deploy", "deposit"] and set(purposes[2:-1]) == {"oath"} and len(purposes) >= 16
    assert purposes[-1] == "withdraw"
