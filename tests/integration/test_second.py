"""Two accountants as services over loopback, an honest one and one that lies, on nodes of their own."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import httpx
from pydantic import SecretStr

from accountant.accounting.compare import Differs, compare
from accountant.chain.transaction import Transaction
from accountant.client import AccountantClient, ApiProblem
from accountant.client.peer import HttpPeer
from accountant.commands.beside import beside, join
from accountant.execution.outcome import Movement, Observed, Outcome
from accountant.index.port import ChainIndex
from accountant.primitives.addresses import show
from accountant.primitives.types import UNITS_PER_TOKEN, Address, Hash, Seq
from accountant.processes.ports import free_port
from accountant.settings import Settings
from accountant.storage.database import Database
from accountant.storage.index import PostgresIndex
from accountant.storage.outcomes import PostgresOutcomes
from accountant.supervisor.process import ProcessSpec
from accountant.supervisor.processes import processes
from accountant.supervisor.stack import Stack
from tests.support.chains import BOB, CAROL, call, transfer
from tests.support.processes import wait_until
from tests.support.running_up import greeted_up
from tests.support.service import BURNER
from tests.support.small_stack import QUICK
from tests.support.whole_chain import begin_chain

GAS_LIMIT, LOOPS = 200_000, 20_000
NEVER_OWNED = 180_000
"""More than the call can give back: its loop takes at least a gas for each instruction."""
PENALTY, DEPOSIT = 2 * UNITS_PER_TOKEN, 20 * UNITS_PER_TOKEN
OF_THE_HONEST = ("node", "indexer", "api", "worker", "dispatcher")
OF_THE_LIAR = (*OF_THE_HONEST, "signer", "publisher")
PATIENCE_S = 90.0


class Service(NamedTuple):
    """A running accountant."""

    stack: Stack
    client: AccountantClient
    chain: PostgresIndex
    outcomes: PostgresOutcomes

    def has(self, name: str) -> bool:
        """Whether its index has a transaction."""
        return self.chain.seq_of(_hash(name)) is not None

    def kill_node(self) -> None:
        """SIGKILL; it is started again by its supervisor."""
        before = self.stack.starts("node")
        pid = self.stack.pid("node")
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.stack.starts("node") > before and _answers(self.stack.node_url), PATIENCE_S)


@contextmanager
def running(settings: Settings, parts: Sequence[str]) -> Iterator[Service]:
    """The accountant of these settings, with these of its processes."""

    def some(with_ports: Settings) -> Sequence[ProcessSpec]:
        return tuple(replace(spec, backoff=QUICK) for spec in processes(with_ports) if spec.name in parts)

    with Stack(settings, processes=some) as stack, Database(stack.database_url) as database:
        assert stack.api_key is not None
        with AccountantClient(stack.api_url, stack.api_key) as client:
            outcomes = PostgresOutcomes(database)
            yield Service(stack, client, PostgresIndex(database), outcomes)
            outcomes.close()


def test_a_lie_of_one_is_found_by_the_other(data_dir: Path, make_database: Callable[[], str], redis_url: str) -> None:
    """The liar swears that an unsettled payment settled; the honest one's audit names that oath, and the deposit is
    short by the penalty. The liar's node is killed between every two steps: no transaction of its key is lost, none
    is there twice, and the faucet has paid it once."""
    base = Settings(
        data_dir=data_dir / "data",
        api_port=0,
        dashboard_port=0,
        node_port=free_port(),
        block_interval_s=0.2,
        worker_concurrency=1,
        oath_penalty=PENALTY,
        oath_deposit=DEPOSIT,
        oath_alarm=DEPOSIT,
    )
    begin_chain(base.chain_folder)
    with running(_on(base, make_database(), redis_url), OF_THE_HONEST) as honest:
        theirs = beside(base, "liar", 0)
        assert theirs.data_dir == data_dir / "data-liar"
        joined = join(theirs, base.chain_folder)
        assert (joined.paid, joined.lacks) == (11 * DEPOSIT, 0)
        assert not theirs.proposer_key_path.exists()
        with running(_on(theirs, make_database(), redis_url.removesuffix("/0") + "/1"), OF_THE_LIAR) as liar:
            burning = call(BOB, 0, BURNER, "burn", (LOOPS,), gas_limit=GAS_LIMIT)
            paying = transfer(BOB, 1, CAROL.address, general=NEVER_OWNED)
            burnt = liar.client.submit(burning)
            wait_until(lambda: honest.has(burnt), PATIENCE_S)
            payment = _submitted(liar, honest, paying)
            wait_until(lambda: liar.has(payment), PATIENCE_S)
            _believe(liar, burnt)
            liar.kill_node()
            job = liar.client.verify_payment(payment, swear=True)
            assert liar.client.result(job, PATIENCE_S)["verdict"] == "accepted"
            liar.kill_node()
            wait_until(lambda: liar.client.job(job["id"])["oath"] is not None, PATIENCE_S)
            oath_id = liar.client.job(job["id"])["oath"]
            liar.kill_node()
            wait_until(lambda: liar.client.oath(oath_id)["standing"] is not None, PATIENCE_S)
            oath = liar.client.oath(oath_id)["sworn"]
            wait_until(lambda: honest.has(oath["transaction"]), PATIENCE_S)
            assert honest.client.oath(oath["transaction"])["standing"]["counts"] is True
            audit = honest.client.audit(oath["purse"], gas_budget=str(10**9))
            found = honest.client.result(audit, PATIENCE_S)
            assert [each["transaction"] for each in found["lies"]] == [oath["transaction"]]
            assert (found["oath_counts"]["all"], found["owner"]) == (1, show(joined.signer))
            money = [int(found[name]) for name in ("deposited", "slashed", "deposit")]
            assert money == [DEPOSIT, PENALTY, DEPOSIT - PENALTY]
            liar.kill_node()
            wait_until(lambda: liar.chain.head() == honest.chain.head(), PATIENCE_S)
            signed = _signed_by(joined.signer, honest.chain)
            assert [each.nonce for each in signed] == [0, 1, 2]  # the purse, its deposit, the oath
            assert [each.zero_value for each in signed] == [0, DEPOSIT, 0]
            assert _paid_to(joined.signer, honest.chain) == [11 * DEPOSIT]
            assert join(theirs, base.chain_folder) == joined._replace(paid=0)
            with _peer(honest) as ours, _peer(liar) as other:
                difference = compare(ours, other)
            assert isinstance(difference, Differs)
            assert difference.seq == honest.chain.seq_of(_hash(burnt))


def test_up_beside_another(data_dir: Path) -> None:
    """`accountant up --name second` beside `accountant up`: other folders, ports, servers and keys, the same chain; its
    purse is paid by the faucet, and its deployment and deposit, signed by itself, come back to it in blocks."""
    first_folder, second_folder = data_dir / "data", data_dir / "data-second"
    with (
        greeted_up(first_folder, data_dir / "first.err", ANH_BLOCK_INTERVAL_S="0.2") as (_, first),
        greeted_up(
            first_folder, data_dir / "second.err", "--name", "second", "--port", "0", "--follow", first["Node"]
        ) as (program, second),
    ):
        assert second["Follows"].startswith(first["Node"])
        assert "the faucet pays it" in second["Signer"]
        assert {first[name] for name in ("API", "Node", "API key")}.isdisjoint(second.values())
        assert (second_folder / "servers" / "ledger.json").exists()
        genesis = [folder / "chain" / "genesis.bin" for folder in (first_folder, second_folder)]
        assert genesis[0].read_bytes() == genesis[1].read_bytes()
        signer = second["Signer"].split()[0]
        wait_until(lambda: _nonce(first["Node"], signer) >= 2, PATIENCE_S)
        with AccountantClient(second["API"].removesuffix("/v1"), second["API key"]) as client:
            # both purses, both deposits, and what the faucet paid
            wait_until(lambda: int(client.chain()["transactions"]) >= 5, PATIENCE_S)
        program.send_signal(signal.SIGTERM)
        assert program.wait(60) == 0


def _nonce(node: str, address: str) -> int:
    return int(httpx.get(f"{node}/accounts/{address}", trust_env=False).json()["nonce"])


def _on(settings: Settings, database_url: str, redis_url: str) -> Settings:
    urls = {"database_url": SecretStr(database_url), "redis_url": SecretStr(redis_url)}
    return settings.model_copy(update=urls)


def _submitted(liar: Service, honest: Service, raw: bytes) -> str:
    """Handed in at the follower, whose node is killed right after; the hash, when the other accountant has it.

    A mempool is not kept: what a node had not passed on when it was killed is handed in again by its sender.
    """
    name = liar.client.submit(raw)
    liar.kill_node()

    def there() -> bool:
        if not honest.has(name):
            with suppress(ApiProblem):  # a block has it by now
                liar.client.submit(raw)
        return honest.has(name)

    wait_until(there, PATIENCE_S)
    return name


def _believe(liar: Service, burnt: str) -> None:
    """The lie, where it begins: an outcome that nobody computed, in which the call gives nearly all of its gas back."""
    seq = liar.chain.seq_of(_hash(burnt))
    assert seq is not None
    wrong = Outcome(failure=None, detail="", gas_used=6_000, credits=(Movement(BOB.address, GAS_LIMIT - 6_000),))
    liar.outcomes.current().put(seq, Observed(wrong, ()))


def _transactions(index: ChainIndex) -> list[tuple[Address, Transaction]]:
    located = [index.transaction(Seq(seq)) for seq in range(index.head().next_seq)]
    return [(each.sender, each.transaction) for each in located]


def _signed_by(sender: Address, index: ChainIndex) -> list[Transaction]:
    return [transaction for who, transaction in _transactions(index) if who == sender]


def _paid_to(account: Address, index: ChainIndex) -> list[int]:
    return [transaction.zero_value for _, transaction in _transactions(index) if transaction.to == account]


def _peer(service: Service) -> HttpPeer:
    assert service.stack.api_key is not None
    return HttpPeer("an accountant", service.stack.api_url, service.stack.api_key)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/head", trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def _hash(text: str) -> Hash:
    return Hash(bytes.fromhex(text[2:]))
