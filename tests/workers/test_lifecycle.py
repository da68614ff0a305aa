"""What a worker process opens, what it refuses to work on, and how it ends when it works for nobody."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from accountant.contracts.engine import EngineMismatch
from accountant.settings import Settings
from accountant.storage.database import Database, migrate
from tests.support.index_chain import imported, transfers_chain
from workers.lifecycle import open_resources

ROOT = Path(__file__).parents[2]


def test_a_chain_with_another_engine_is_refused(database_url: str, redis_url: str) -> None:
    """Fuel is part of the rules, so a worker with another engine would find other outcomes: it finds none."""
    migrate(database_url)
    chain = transfers_chain(1, 2)
    with Database(database_url) as database:
        imported(database, chain.genesis, chain.blocks)
    settings = Settings(database_url=SecretStr(database_url), redis_url=SecretStr(redis_url))
    with pytest.raises(EngineMismatch, match=chain.genesis.engine):
        open_resources(settings)


# a contract that loops without ever calling the host, under a lease that is somebody else's
DEAF = """
from accountant.primitives.types import Gas
from accountant.services.heart import Heart
from accountant.services.policy import JobPolicy
from tests.support.wat import main_module, run_main
from workers.lifecycle import abandon

loops = main_module("(loop $more (br $more))")
with Heart(lambda gas: False, "deaf", Gas(0), JobPolicy(lease_s=0.3, abandon_s=0.3), abandon):
    print("running", flush=True)
    run_main(loops, gas=2**53)
print("came to an end")
"""


def test_a_process_in_an_endless_contract_ends_itself() -> None:
    """A contract that loops without calling the host cannot be told that its lease is lost: its process ends."""
    ran = subprocess.run([sys.executable, "-c", DEAF], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 1, ran.stderr
    assert ran.stdout.startswith("running\n")
    assert "came to an end" not in ran.stdout
