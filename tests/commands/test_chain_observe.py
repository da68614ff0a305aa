"""`accountant chain observe` against a real service with a real worker, and what the service keeps of it."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

import httpx
import pytest

from accountant.client.client import AccountantClient
from accountant.commands.chain_observe import shown
from accountant.execution.eager import execute_everything
from accountant.execution.port import OutcomesWithdrawn
from accountant.execution.world_state import root_of
from accountant.primitives.hashes import sha256
from accountant.primitives.types import Height, Seq
from accountant.services.withdraw import withdraw
from accountant.storage import world_states
from accountant.storage.database import Database
from accountant.storage.world_states import PostgresStates, kept_state
from tests.support.command_line import CommandLine, Said
from tests.support.index_chain import RecordedIndex
from tests.support.random_chain import RandomChain
from tests.support.two_accountants import Accountant, running_accountant

BLOCKS = 10


def _chain() -> RecordedIndex:
    chain = RandomChain(Random(7), calm=True)
    chain.index = index = RecordedIndex(chain.genesis)
    chain.grow(BLOCKS)
    return index


CHAIN = _chain()
EAGER = execute_everything(CHAIN)


@pytest.fixture
def accountant(database_url: str) -> Iterator[Accountant]:
    with running_accountant(database_url, CHAIN) as running:
        yield running


@pytest.fixture
def run(accountant: Accountant, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> "Observe":
    return Observe(accountant, CommandLine(monkeypatch, capsys))


class Observe:
    """The command line, with this accountant's address."""

    def __init__(self, accountant: Accountant, run: CommandLine) -> None:
        self._accountant, self._run = accountant, run

    def __call__(self, *arguments: str) -> Said:
        api = ("--api", self._accountant.url, "--api-key", self._accountant.key)
        said = self._run("chain", "observe", *arguments, *api)
        lines = [line for line in said.out.splitlines() if "[info " not in line]  # the worker's log
        return said._replace(out="\n".join(lines))


def _root(height: int) -> str:
    return "0x" + root_of(EAGER.world(Height(height))).hex()


def test_the_root_and_the_state(run: Observe, accountant: Accountant, tmp_path: Path) -> None:
    """The root is the eager one, the file has the eager leaves, and observing again executes nothing."""
    world = EAGER.world(Height(BLOCKS))
    said = run(str(BLOCKS), "--file", str(tmp_path / "state.jsonl"))
    assert said.status == 0, said.err
    assert said.out.splitlines()[0] == _root(BLOCKS)
    lines = (tmp_path / "state.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [shown(leaf) for leaf in world]
    again = json.loads(run(str(BLOCKS), "--json").out)
    assert (again["root"], again["gas_executed"], again["executed"]) == (_root(BLOCKS), "0", 0)
    assert again["transactions"] == len(EAGER.outcomes)
    assert again["users"] + again["contracts"] + again["slots"] == len(world)
    assert run("3").out.splitlines()[0] == _root(3)


def test_without_means_it_is_undecided_or_refused(run: Observe, tmp_path: Path) -> None:
    """A budget too small is exit status 1 and writes no file; a block that is not there is 2."""
    file = tmp_path / "state.jsonl"
    said = run(str(BLOCKS), "--gas-budget", "0", "--file", str(file))
    assert (said.status, said.out.startswith("undecided: the gas budget is spent")) == (1, True), said
    assert list(tmp_path.iterdir()) == []
    said = run(str(BLOCKS + 1))
    assert (said.status, "no block of height 11 yet" in said.err) == (2, True)


def test_pages_that_are_not_the_state_are_refused(
    run: Observe, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Pages in which something was changed are found out by the root, and no file is left."""
    honest = AccountantClient.observation_page

    def changed(client: AccountantClient, height: int, page: int) -> bytes:
        raw = bytearray(honest(client, height, page))
        raw[-1] ^= 1
        return bytes(raw)

    monkeypatch.setattr(AccountantClient, "observation_page", changed)
    said = run("2", "--file", str(tmp_path / "state.jsonl"))
    assert said.status == 2
    assert list(tmp_path.iterdir()) == []


def test_states_are_kept_for_a_while(
    accountant: Accountant, run: Observe, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    """The latest few; until something that they rest on is withdrawn; and nothing of an earlier epoch is kept."""
    monkeypatch.setattr(world_states, "KEPT_MOST", 3)
    for height in (2, 9, 6, 4):
        assert run(str(height)).status == 0

    def kept() -> list[int]:
        with accountant.engine.connect() as connection:
            return [height for height in range(BLOCKS + 1) if kept_state(connection, Height(height))]

    assert kept() == [4, 6, 9]
    block = CHAIN.block(Height(6))
    assert block is not None
    first = next(s for s in range(block.first_seq, block.first_seq + block.count) if EAGER.outcomes[s].gas_used)
    withdraw(accountant.engine, accountant.index, CHAIN.transaction(Seq(first)).hash)
    assert kept() == [4]
    with Database(database_url) as database, pytest.raises(OutcomesWithdrawn):
        PostgresStates(database, 0).keep(block, sha256(b""), 0, [])
    assert run("9").out.splitlines()[0] == _root(9)


def test_what_is_not_kept_is_not_found(accountant: Accountant) -> None:
    """Heights and pages that are none are typed problems."""
    headers = {"Authorization": f"Bearer {accountant.key}"}
    with httpx.Client(base_url=accountant.url, headers=headers, trust_env=False) as client:
        for path in ("5", "99999999999999999999", "5/pages/0", "5/pages/99999999999"):
            assert client.get(f"/v1/observations/{path}").json()["code"] == "not_observed", path
        for path in ("-5", "five", "5/pages/x", "1.0"):
            assert client.get(f"/v1/observations/{path}").json()["code"] == "invalid_request", path
        for body in ({"height": -1}, {"height": "5"}, {"height": 2**63}, {}, {"height": 1, "more": 1}):
            assert client.post("/v1/observations", json=body).status_code == 422, body
        assert client.post("/v1/observations", json={"height": 11}).json()["code"] == "unknown_block"
