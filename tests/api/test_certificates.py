"""Portable certificates over HTTP and from the command line: made by a worker, fetched, verified with headers alone."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from accountant.accounting.proof.verify import verify
from accountant.chain.genesis import decode_genesis
from accountant.chain.headers import decode_headers, decode_signed_headers, encode_headers
from accountant.client.client import AccountantClient, ApiProblem
from accountant.execution.memory import MemoryOutcomes
from accountant.primitives import merkle
from accountant.primitives.addresses import show
from accountant.primitives.types import Hash
from accountant.services.attempt import Attempt
from accountant.services.policy import JobPolicy
from accountant.services.questions import answering
from accountant.services.work import work
from accountant.storage.database import Database
from accountant.storage.embedded import EmbeddedServers
from accountant.storage.index import PostgresIndex
from tests.support.chains import ALICE, BOB
from tests.support.command_line import CommandLine
from tests.support.service import TELLER, Service, running_service, service_genesis, small_chain


@pytest.fixture(scope="module")
def service(
    module_database_url: str, servers: EmbeddedServers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    with running_service(module_database_url, servers.redis_url, tmp_path_factory.mktemp("node")) as running:
        yield running


@pytest.fixture
def client(service: Service) -> Iterator[AccountantClient]:
    with AccountantClient(service.url, service.key) as opened:
        yield opened


@pytest.fixture
def index(module_database_url: str, service: Service) -> Iterator[PostgresIndex]:
    with Database(module_database_url) as database:
        yield PostgresIndex(database)


@pytest.fixture
def worker(service: Service, index: PostgresIndex) -> Iterator[None]:
    """Answers whatever is asked, until the test ends."""
    ended = threading.Event()
    answer = answering(index, MemoryOutcomes())
    queued = sa.text("select id from accountant.jobs where state = 'queued'")

    def run() -> None:
        while not ended.wait(0.02):
            with service.engine.connect() as connection:
                waiting = connection.execute(queued).scalars().all()
            for job in waiting:
                assert work(service.engine, answer, job, "test", JobPolicy()) is Attempt.DONE

    thread = threading.Thread(target=run)
    thread.start()
    yield
    ended.set()
    thread.join(60)


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    monkeypatch.chdir(tmp_path)
    return CommandLine(monkeypatch, capsys)


def _name(transaction: bytes) -> str:
    return "0x" + transaction.hex()


@pytest.mark.usefixtures("worker")
def test_a_payments_certificate_is_verified_offline(
    service: Service, client: AccountantClient, cli: CommandLine, tmp_path: Path
) -> None:
    """Ask, fetch, and verify with headers: one line and status 0; a changed byte is refused by name with status 1."""
    job = client.verify_payment(_name(small_chain().settled))
    client.result(job)
    reach = ("--api", service.url, "--api-key", service.key)
    fetched = cli("certificate", "fetch", job["id"], "--out", "paid.cert", *reach)
    assert (fetched.status, fetched.err) == (0, "")
    told = cli("chain", "headers", "--out", "chain.headers", *reach)
    assert told.out.startswith("3 headers of chain 7, genesis 0x")
    genesis = _name(service_genesis().hash)
    good = cli("certificate", "verify", "paid.cert", "--headers", "chain.headers", "--genesis", genesis)
    assert good.status == 0, good
    assert good.out.startswith(f"valid: TransactionSucceeded(transaction={_name(small_chain().settled)}) = true")
    assert good.out.count("\n") == 1
    shown = cli("certificate", "show", "paid.cert")
    assert (shown.status, f"genesis {genesis}" in shown.out) == (0, True)

    raw = Path("paid.cert").read_bytes()
    for path, place, part in (
        ("paid.cert", len(raw) // 2, ""),
        ("chain.headers", -5, "header 3"),
        ("chain.headers", 60, ""),
    ):
        whole = Path(path).read_bytes()
        changed = bytearray(whole)
        changed[place] ^= 1
        Path(path).write_bytes(changed)
        bad = cli("certificate", "verify", "paid.cert", "--headers", "chain.headers", "--genesis", genesis)
        assert (bad.status, bad.out[:9]) == (1, "refused: "), bad
        assert part in bad.out
        Path(path).write_bytes(whole)
    assert cli("certificate", "verify", "paid.cert", "--headers", "chain.headers", "--gas-most", "1").status == 1
    assert cli("certificate", "verify", "paid.cert", "--headers", "chain.headers", "--genesis", "0x12").status == 2
    assert cli("certificate", "verify", "none.cert", "--headers", "chain.headers").status == 2
    other = "0x" + "00" * 32
    assert (
        "genesis: its hash is"
        in cli("certificate", "verify", "paid.cert", "--headers", "chain.headers", "--genesis", other).out
    )


@pytest.mark.usefixtures("worker")
def test_every_kind_of_answer_has_a_certificate(client: AccountantClient) -> None:
    """Payments that settled and that did not, balances, views and outcomes, each proved by what is handed out."""
    chain = small_chain()
    jobs = [
        client.verify_payment(_name(chain.settled)),
        client.verify_payment(_name(chain.unsettled)),
        client.lower_bound(_name(ALICE.address), target=1_000),
        client.lower_bound(_name(ALICE.address), target=2**62),
        client.lower_bound(_name(ALICE.address)),
        client.view(_name(TELLER), "rate"),
        client.outcome(_name(chain.refund)),
        client.query("income", transaction=_name(chain.settled), account=show(BOB.address)),
        client.query("storage", contract=_name(TELLER), slot="0x" + b"rate".hex(), position="head"),
        client.query("lower_bound", account=show(ALICE.address), position="head"),
    ]
    signed = decode_signed_headers(client.headers(1))
    assert decode_signed_headers(client.headers(2, 1)) == signed[1:2]
    headers = decode_headers(encode_headers(service_genesis(), signed))
    for job in jobs:
        result = client.result(job)
        export = client.export(job["id"])
        made = client.result(export)
        raw = client.certificate(export["id"])
        assert made["file_bytes"] == len(raw)
        answer = verify(raw, headers).answer
        if job["kind"] not in ("view", "query"):
            assert answer is (result["verdict"] == "accepted")


@pytest.mark.usefixtures("worker")
def test_what_has_no_answer_has_no_certificate(client: AccountantClient) -> None:
    """A job that is not done, one that made no certificate, and one that is not there."""
    job = client.verify_payment(_name(small_chain().burns[0]), gas_budget=0)
    client.result(job)
    with pytest.raises(ApiProblem) as early:
        client.export(job["id"])
    assert (early.value.status, early.value.problem["code"]) == (409, "nothing_to_prove")
    with pytest.raises(ApiProblem) as other:
        client.certificate(job["id"])
    assert (other.value.status, other.value.problem["code"]) == (409, "no_certificate")
    exact = client.query("exact_balance", account=show(ALICE.address), position="head")
    client.result(exact)
    with pytest.raises(ApiProblem) as unsworn:
        client.export(exact["id"])
    assert (unsworn.value.status, unsworn.value.problem["code"]) == (409, "nothing_to_prove")
    with pytest.raises(ApiProblem) as nobody:
        client.certificate("job_" + "0" * 32)
    assert nobody.value.status == 404


@pytest.mark.usefixtures("worker")
def test_what_an_answer_rests_on_is_proved_to_be_on_the_chain(client: AccountantClient) -> None:
    """Each transaction of the slice has a path to the transaction root in its block's header."""
    job = client.verify_payment(_name(small_chain().settled))
    result = client.result(job)
    listed = client.inclusion(job["id"])
    assert [one["transaction"] for one in listed["items"]] == result["slice"]
    assert not listed["has_more"]
    signed = decode_signed_headers(client.headers(1))
    for one in listed["items"]:
        root = Hash(signed[one["height"] - 1].header.transaction_root)
        leaf, path = bytes.fromhex(one["transaction"][2:]), [bytes.fromhex(node[2:]) for node in one["path"]]
        assert merkle.verify(leaf, one["index"], one["count"], path, root)
    assert client.inclusion(job["id"], len(result["slice"])) == {"items": [], "has_more": False}


def test_genesis_is_handed_out_as_it_is(client: AccountantClient) -> None:
    """Its bytes have the hash that names the chain."""
    assert decode_genesis(client.genesis()).hash == service_genesis().hash
