"""The demo's steps, each through the REST API, each noting what it showed."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

import msgspec
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from accountant.chain.query import TransactionSucceeded
from accountant.chain.transaction import sign_transaction
from accountant.client import AccountantClient, ApiProblem
from accountant.demo.network import training
from accountant.demo.reference import compare_with_eager
from accountant.demo.second import Second, starting_second
from accountant.demo.setting import ALICE, BOB, CAROL, DAVE, LIAR, Person, Scene, payout, prepare, transfer
from accountant.execution.memory import MemoryBlobs
from accountant.node.client import NodeClient
from accountant.oath.oath import SwornTerms
from accountant.oath.swear import Stamp, deploy_transaction, deposit_transaction, swear_transaction
from accountant.primitives.addresses import contract_id_of, show
from accountant.primitives.cid import show_cid
from accountant.primitives.encoding import encode
from accountant.primitives.errors import AccountantError
from accountant.primitives.types import BLACKHOLE, UNITS_PER_TOKEN, Amount, Cid
from accountant.settings import Settings
from accountant.storage.database import Database
from accountant.storage.outcomes import PostgresOutcomes
from accountant.storage.place import temporary_folder
from accountant.supervisor.process import ProcessSpec
from accountant.supervisor.processes import processes
from accountant.supervisor.stack import Stack

_WAIT_S = 60.0
_POLL_S = 0.05
_SALARY = 50 * UNITS_PER_TOKEN
_PRICE = 30 * UNITS_PER_TOKEN
_PENALTY = UNITS_PER_TOKEN

Json = dict[str, Any]


class DemoFailed(AccountantError):
    """Something did not turn out as the paper says: a fault of this program."""

    code = "demo_failed"


class Step(NamedTuple):
    """One row of the demo's table."""

    what: str
    answer: str
    executed: int
    gas: int


class Report(msgspec.Struct, frozen=True):
    """What the demo found; `accountant demo --json` ends with it as one line."""

    transactions: int
    executed: int
    gas_share: float
    """Gas executed to answer, as a share of the gas of executing everything."""
    matches_eager: bool
    oath_counts: bool
    oath_kept: bool
    """Whether the second accountant's audit found the oath true."""
    lie_slashed: bool
    agreed_outcomes: int
    """Outcomes that both accountants found, all of them the same."""
    network_trained: bool
    """Whether workers of both, with unlike numbers of threads, found the same weights of the network."""
    double_spend_rejected: bool
    repeated_executed: int
    seconds: float


def run_demo(tell: Callable[[Step], None]) -> Report:
    """The whole demo on embedded servers in a folder that is removed afterwards. Raises `DemoFailed`."""
    began = time.monotonic()
    with temporary_folder("anh-demo-") as folder:
        data = folder / "data"
        settings = _DemoSettings(data_dir=data, block_interval_s=0.2, worker_concurrency=1, worker_threads=1)
        scene = prepare(settings.chain_folder)
        with Stack(settings, processes=_processes, durable=False) as stack:
            assert stack.api_key is not None
            blank = _DemoSettings()
            with (
                AccountantClient(stack.api_url, stack.api_key) as client,
                starting_second(folder / "second", stack, blank) as second,
            ):
                return _Demo(scene, stack, client, second, tell).run(began)


def _processes(settings: Settings) -> Sequence[ProcessSpec]:
    """All but the worker for heavy executions, of which the demo has none, and the pages, which nobody looks at."""
    return [spec for spec in processes(settings) if spec.name not in ("worker-gpu", "dashboard")]


class _DemoSettings(Settings):
    """Settings from nothing but free ports: the demo must not touch what the environment names."""

    api_port: int = 0
    dashboard_port: int = 0
    node_port: int = 0

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


class _Demo:
    """The steps, in order."""

    def __init__(
        self,
        scene: Scene,
        stack: Stack,
        client: AccountantClient,
        second: Future[Second],
        tell: Callable[[Step], None],
    ) -> None:
        self._scene, self._stack, self._client, self._second, self._tell = scene, stack, client, second, tell
        self._genesis = scene.chain.genesis
        self._gas = 0
        self._executed = 0

    def run(self, began: float) -> Report:
        ordered = self._order()
        salary, honest, double = self._pay()
        repeated = self._verify("the same question again, from the cache", honest, "accepted")
        rejected = self._verify("did Alice's second payment settle? (a double spend)", double, "rejected")
        self._bounds()
        counts, purse = self._swear(honest)
        second = self._second.result()
        kept = self._audit_honest(second, purse)
        slashed = self._lie(second, double)
        trained, files = self._train(second)
        agreed = self._agree(second)
        comparison = compare_with_eager(self._genesis, self._blocks(), self._outcomes(), files)
        self._step(
            "stored outcomes against executing everything",
            "all equal" if comparison.matches else "DIFFERENT",
            len(comparison.eager.outcomes),
            comparison.gas_everything,
        )
        assert salary and rejected["verdict"] == "rejected"
        report = Report(
            transactions=len(comparison.eager.outcomes),
            executed=self._executed,
            gas_share=round(self._gas / comparison.gas_everything, 4),
            matches_eager=comparison.matches and comparison.observed > 0,
            oath_counts=counts,
            oath_kept=kept,
            lie_slashed=slashed,
            agreed_outcomes=agreed,
            network_trained=trained,
            double_spend_rejected=True,
            repeated_executed=len(repeated["executed"]),
            seconds=round(time.monotonic() - began, 1),
        )
        shown = report.matches_eager and counts and kept and slashed and trained
        if not (shown and report.repeated_executed == 0 and ordered):
            raise DemoFailed(f"the demo did not show what it should: {report}")
        return report

    def _order(self) -> int:
        """The recorded blocks that the node began with: validated, ordered, paid for, not executed."""
        count = len(self._scene.chain.places)
        self._until("the index has the recorded blocks", lambda: self._client.chain()["transactions"] >= count)
        self._step(f"{count} recorded Ethereum transactions ordered in {len(self._scene.chain.blocks)} blocks", "done")
        return count

    def _pay(self) -> tuple[str, str, str]:
        """A payment out of money that rests on a chain of contract calls, and the same money spent again."""
        salary = self._submit(payout(self._scene, CAROL, 0, ALICE, _SALARY))
        honest = self._submit(transfer(self._genesis, ALICE, 0, BOB.address, general=_PRICE))
        double = self._submit(transfer(self._genesis, ALICE, 1, DAVE.address, general=_PRICE))
        first = self._verify("did Alice's payment to Bob settle?", honest, "accepted")
        if len(first["executed"]) < 2:
            raise DemoFailed("the payment should rest on several contract calls")
        return salary, honest, double

    def _bounds(self) -> None:
        """Lemma 1 for the merchant, who was never told any outcome."""
        result = self._client.result(self._client.lower_bound(show(BOB.address), target=str(_PRICE)))
        self._expect(result, "accepted")
        self._note("does Bob own 30 tokens at least?", result)

    def _swear(self, payment: str) -> tuple[bool, str]:
        """The answer as an oath on the chain, read back without executing anything; and the purse behind it."""
        job = self._client.verify_payment(payment, swear=True)
        self._expect(self._client.result(job), "accepted")
        self._until("the oath is on the chain", lambda: self._client.job(job["id"])["oath"] is not None)
        name = self._client.job(job["id"])["oath"]
        self._until("the oath is indexed", lambda: self._client.oath(name)["standing"] is not None)
        oath = self._client.oath(name)
        counts = bool(oath["standing"]["counts"] and oath["sworn"]["answer"] is True)
        self._step("the answer sworn on the chain, and read from there", "counts" if counts else "does not count")
        return counts, str(oath["sworn"]["purse"])

    def _audit_honest(self, second: Second, purse: str) -> bool:
        """Another accountant, which shares nothing with the first but the chain, checks what the first has sworn."""
        found = self._audited(second, purse, "a second accountant audits the first one's purse")
        return [oath["verdict"] for oath in found["oaths"]] == ["kept"] and found["solvent"] is True

    def _lie(self, second: Second, payment: str) -> bool:
        """Mallory swears that the double spend settled; the second accountant's audit executes that, and it is slashed.

        Her transactions go to the second accountant's node, which proposes no block and passes them on.
        """
        stamp = [Stamp(self._genesis.chain_id, nonce) for nonce in range(3)]
        purse = contract_id_of(LIAR.address, 0)
        deposit = Amount(10 * _PENALTY)
        terms = SwornTerms(
            encode(TransactionSucceeded(bytes.fromhex(payment[2:]))), encode(True), Amount(_PENALTY), BLACKHOLE
        )
        for unsigned in (
            deploy_transaction(stamp[0], self._genesis.gas),
            deposit_transaction(stamp[1], purse, deposit),
        ):
            self._submit(_signed(LIAR, unsigned), second.client)
        lie = self._submit(_signed(LIAR, swear_transaction(stamp[2], purse, terms)), second.client)
        if not self._client.oath(lie)["standing"]["counts"]:
            raise DemoFailed("the lie should be slashable")
        found = self._audited(second, show(purse), "Mallory swears the opposite, and the second accountant audits her")
        told = [oath["transaction"] for oath in found["lies"]]
        lost = self._client.result(self._client.lower_bound(show(purse), target=str(deposit - _PENALTY + 1)))
        self._expect(lost, "rejected")
        self._note("does her purse still hold the whole deposit?", lost)
        left = (int(found["slashed"]), int(found["deposit"]))
        return told == [lie] and left == (_PENALTY, deposit - _PENALTY)

    def _train(self, second: Second) -> tuple[bool, MemoryBlobs]:
        """A network trained within one transaction, by each accountant for itself; and the files it learnt from."""
        made = training(self._genesis)
        asyncio.run(self._serve(made.files))
        for raw in made.transactions:
            name = self._submit(raw)
        self._until("the second accountant has the training", lambda: _found(second.client, name))
        clients = (self._client, second.client)
        jobs = [client.outcome(name) for client in clients]
        ours, theirs = (client.result(job) for client, job in zip(clients, jobs, strict=True))
        for found in (ours, theirs):
            self._expect(found, "accepted")
        cid = str(ours["outcome"]["return_value"])
        shown = show_cid(Cid(bytes.fromhex(cid.removeprefix("0x"))))
        gas = int(ours["gas_executed"])
        self._gas += gas
        self._executed += len(ours["executed"])
        what = "a network trained in one transaction, by workers with 1 and 2 threads"
        same = bool(ours["outcome"]["digest"] == theirs["outcome"]["digest"])
        answer = f"the same weights, …{shown[-8:]}" if same else "DIFFERENT weights"
        self._step(what, answer, len(ours["executed"]), gas)
        files = MemoryBlobs()
        for data in made.files.values():
            files.put(data)
        return same, files

    async def _serve(self, files: dict[Cid, bytes]) -> None:
        """Hands published files to the first accountant's node; the second one's fetches them there."""
        async with NodeClient(self._stack.node_url) as node:
            for cid, data in files.items():
                path = self._stack.settings.data_dir / show_cid(cid)
                path.write_bytes(data)
                await node.put_blob(cid, path)

    def _agree(self, second: Second) -> int:
        """Two that found outcomes on their own found the same."""
        agreed = second.agreed_outcomes()
        if not agreed:
            raise DemoFailed("the two accountants should agree on what both of them found")
        self._step("outcomes that both accountants found", f"{agreed} the same")
        return agreed

    def _audited(self, second: Second, purse: str, what: str) -> Json:
        head = self._client.chain()["height"]
        self._until("the second accountant has the chain", lambda: second.client.chain()["height"] >= head)
        found = second.audit(purse)
        lies = f"{len(found['lies'])} of {found['oath_counts']['all']} oaths false"
        self._step(what, lies, int(found["executed"]), int(found["gas_executed"]))
        return found

    # Small steps

    def _submit(self, raw: bytes, to: AccountantClient | None = None) -> str:
        """Submit, to the first accountant or another one, and wait until the first has it from a block; the hash."""
        name = (to or self._client).submit(raw)
        self._until("a transaction is on the chain", lambda: _found(self._client, name))
        return name

    def _verify(self, what: str, payment: str, expected: str) -> Json:
        result = self._client.result(self._client.verify_payment(payment))
        self._expect(result, expected)
        self._note(what, result)
        return result

    def _expect(self, result: Json, verdict: str) -> None:
        if result["verdict"] != verdict:
            raise DemoFailed(f"expected {verdict}, got {result['verdict']} ({result['reason']})")

    def _note(self, what: str, result: Json) -> None:
        gas = int(result["gas_executed"])
        self._gas += gas
        self._executed += len(result["executed"])
        self._step(what, result["verdict"], len(result["executed"]), gas)

    def _step(self, what: str, answer: str, executed: int = 0, gas: int = 0) -> None:
        self._tell(Step(what, answer, executed, gas))

    def _until(self, what: str, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _WAIT_S
        while not holds():
            if time.monotonic() > deadline:
                raise DemoFailed(f"not within {_WAIT_S:.0f} s: {what}")
            time.sleep(_POLL_S)

    def _blocks(self) -> list[bytes]:
        async def fetch() -> list[bytes]:
            blocks: list[bytes] = []
            async with NodeClient(self._stack.node_url) as node:
                while batch := await node.blocks(len(blocks) + 1):
                    blocks += batch
            return blocks

        return asyncio.run(fetch())

    def _outcomes(self) -> PostgresOutcomes:
        return PostgresOutcomes(Database(self._stack.database_url))


def _found(client: AccountantClient, name: str) -> bool:
    try:
        client.transaction(name)
    except ApiProblem as problem:
        if problem.status == 404:
            return False
        raise
    return True


def _signed(who: Person, unsigned: Any) -> bytes:
    return sign_transaction(unsigned, who.key)
