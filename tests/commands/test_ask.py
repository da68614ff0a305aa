"""`accountant ask`: every kind of query from the command line, its lines and its exit status."""

import json
import threading
from collections.abc import Iterator

import pytest

from accountant.execution.memory import MemoryOutcomes
from accountant.primitives.addresses import show
from accountant.services.policy import JobPolicy
from accountant.services.questions import answering
from accountant.services.work import work
from accountant.storage.database import Database
from accountant.storage.embedded import EmbeddedServers
from accountant.storage.index import PostgresIndex
from tests.support.chains import BOB, CAROL
from tests.support.command_line import CommandLine, Said
from tests.support.service import RATE, TELLER, Service, running_service, service_genesis, small_chain

CHAIN = small_chain()
SETTLED, UNSETTLED = ("0x" + h.hex() for h in (CHAIN.settled, CHAIN.unsettled))
BOBS, CAROLS, TELLER_ID = show(BOB.address), show(CAROL.address), show(TELLER)
GENESIS = "0x" + service_genesis().hash.hex() + ":0"


@pytest.fixture(scope="module")
def service(
    module_database_url: str, servers: EmbeddedServers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A service and a worker beside it, until the module ends."""
    stop = threading.Event()
    with running_service(module_database_url, servers.redis_url, tmp_path_factory.mktemp("node")) as running:

        def run() -> None:
            with Database(module_database_url) as database:
                answer = answering(PostgresIndex(database), MemoryOutcomes())
                while not stop.wait(0.05):
                    with running.engine.connect() as connection:
                        queued = connection.exec_driver_sql("select id from accountant.jobs where state = 'queued'")
                        ids = [row[0] for row in queued]
                    for job_id in ids:
                        work(running.engine, answer, job_id, "test", JobPolicy())

        worker = threading.Thread(target=run)
        worker.start()
        yield running
        stop.set()
        worker.join(60)


@pytest.fixture
def ask(service: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> "Ask":
    """`accountant ask`, of the service."""
    return Ask(CommandLine(monkeypatch, capsys), service)


class Ask:
    """The command with the options that lead to a service."""

    def __init__(self, line: CommandLine, service: Service) -> None:
        self._line, self._service = line, service

    def __call__(self, *arguments: str) -> Said:
        return self._line("ask", *arguments, "--api", self._service.url, "--api-key", self._service.key)


@pytest.mark.parametrize(
    ("arguments", "status", "answer"),
    [
        (("balance-at-least", BOBS, "1"), 0, "yes"),
        (("balance-at-least", BOBS, str(2**63 - 1)), 1, "no"),
        (("transaction-succeeded", SETTLED), 0, "yes"),
        (("transaction-succeeded", UNSETTLED), 1, "no"),
        (("income", SETTLED, BOBS), 0, "10,000"),
        (("storage", TELLER_ID, "0x72617465"), 0, f"0x{RATE:016x}"),
        (("storage", TELLER_ID, "0x", "--at", "1"), 0, "0x"),
        (("view", TELLER_ID, "rate"), 0, str(RATE)),
        (("view", TELLER_ID, "set_rate", "-5"), 1, "failed: view_writes"),
        (("view", TELLER_ID, "rate", "--gas-limit", "10"), 1, "failed: out_of_gas"),
        (("lower-bound", BOBS, "--at", GENESIS), 0, "1,000,000,000,000,000"),
        (("exact-balance", BOBS, "--at", GENESIS), 0, "1,000,000,000,000,000"),
    ],
)
def test_an_answer_and_its_exit_status(ask: Ask, arguments: tuple[str, ...], status: int, answer: str) -> None:
    """Yes and values end with 0, no and failed views with 1; the answer, its query and its cost are told."""
    said = ask(*arguments)
    assert (said.status, said.err) == (status, "")
    assert said.value("Answer") == answer
    assert said.value("Query").startswith("0x") and "transactions executed" in said.value("Took")


def test_how_it_is_sworn(ask: Ask, service: Service) -> None:
    """Options for the oath are a wish for one; a beneficiary that is no user is refused."""
    assert ask("transaction-succeeded", SETTLED, "--together", "--beneficiary", BOBS).status == 0
    assert ask("income", SETTLED, BOBS, "--swear").status == 0
    assert ask("transaction-succeeded", SETTLED, "--beneficiary", TELLER_ID).status == 2
    with service.engine.connect() as connection:
        wished = "select oath_batch, oath_beneficiary from accountant.jobs where swear order by number"
        rows = [tuple(row) for row in connection.exec_driver_sql(wished)]
    assert rows == [(True, BOB.address), (False, None)]


def test_undecided_is_a_status_of_its_own(ask: Ask) -> None:
    """3, with what was learnt, what is missing, and its price."""
    said = ask("exact-balance", CAROLS, "--gas-budget", "0")
    assert said.status == 3
    assert said.value("Answer") == "undecided: the gas budget is spent"
    assert " to " in said.value("General") and "at most" in said.value("Missing")


def test_a_quote_executes_nothing(ask: Ask, service: Service) -> None:
    """Bounds, what is probable, and whether the budget suffices; no job is made."""
    before = service.rows()
    said = ask("exact-balance", CAROLS, "--quote", "--gas-budget", "5")
    assert said.status == 0 and service.rows() == before
    assert " to " in said.value("Gas") and said.value("Budget") == "does not suffice"
    assert said.value("Seconds").startswith("about ")


@pytest.mark.parametrize(
    ("amount", "status", "theta"),
    [
        (1, 0, "none needed: it is covered for certain"),
        (2**62, 1, "none: the account cannot own so much"),
    ],
)
def test_theta_is_proposed(ask: Ask, service: Service, amount: int, status: int, theta: str) -> None:
    """Which incomes show it, with the exit statuses of answers; no job is made."""
    before = service.rows()
    said = ask("theta", BOBS, str(amount))
    assert (said.status, said.err) == (status, "") and said.value("Theta") == theta
    assert service.rows() == before


def test_json_is_the_services(ask: Ask) -> None:
    """With --json what the service said, whole. (Before it stand the logs of the worker in this process.)"""
    said = ask("income", SETTLED, BOBS, "--json")
    assert json.loads(said.out.splitlines()[-1])["answer"] == "10000"
    assert "gas_most" in json.loads(ask("income", SETTLED, BOBS, "--json", "--quote").out)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("income", SETTLED, "0x12"), "#/account"),
        (("storage", TELLER_ID, "72"), "#/slot"),
        (("transaction-succeeded", "0x" + "ab" * 32), "unknown_transaction"),
        (("lower-bound", BOBS, "--at", "99999"), "no block of height 99999"),
        (("lower-bound", BOBS, "--at", "yesterday"), "no place of the chain"),
        (("view", TELLER_ID, "gone"), "unknown_function"),
    ],
)
def test_what_cannot_be_asked_is_one_line(ask: Ask, arguments: tuple[str, ...], told: str) -> None:
    """Status 2, and one line that says what was wrong."""
    said = ask(*arguments)
    assert (said.status, said.out) == (2, "")
    assert told in said.err and said.err.count("\n") == 1
