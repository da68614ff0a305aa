"""Contracts on a whole accountant: what the guide tells a newcomer to type, and the same from Python."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from accountant.client import AccountantClient, ContractClient, deploy
from accountant.client.contracts import NoKey, NotAContract, ViewFailed
from accountant.commands.contract_new import new
from accountant.commands.contract_templates import CONTRACT
from accountant.language.compiler import compile_file, compile_source
from accountant.library.c.auction_envelope import AUCTION
from accountant.node.devnet import devnet_in
from accountant.node.keystore import read_key, read_password, write_key
from accountant.primitives.addresses import show
from accountant.primitives.encoding import encode
from accountant.primitives.keys import PrivateKey
from accountant.settings import Settings
from accountant.supervisor.stack import Stack
from tests.support.chains import ALICE, BOB, CAROL
from tests.support.command_line import CommandLine, Said
from tests.support.servers import reachable_folder
from tests.support.whole_chain import begin_chain

LIBRARY = Path(__file__).parents[2] / "accountant" / "library"
QUEUE = '''"""A queue: what was put in first comes out first."""

from accountant.language import Map, export, reads, touches, view, writes

first: int
last: int
items: Map[int, str]


@export
@touches(writes(items, most=1))
def put(item: str) -> None:
    global last
    items[last] = item
    last += 1


@export
@touches(reads(items, most=1))
def take() -> str:
    global first
    assert first < last, "the queue is empty"
    first += 1
    return items[first - 1]


@view
def length() -> int:
    return last - first
'''


class Running(NamedTuple):
    """A whole accountant."""

    stack: Stack
    folder: Path

    def client(self) -> AccountantClient:
        assert self.stack.api_key is not None
        return AccountantClient(self.stack.api_url, self.stack.api_key)


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with reachable_folder() as folder:
        settings = Settings(data_dir=folder, api_port=0, dashboard_port=0, node_port=0, block_interval_s=0.2)
        begin_chain(settings.chain_folder)
        with Stack(settings, durable=False) as stack:
            yield Running(stack, folder)


@pytest.fixture
def accountant(
    running: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    """The command line with the settings of the stack, in a folder with a counter and a queue."""
    for name in [name for name in os.environ if name.startswith("ANH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ANH_DATA_DIR", str(running.folder))
    monkeypatch.setenv("ANH_API_PORT", str(running.stack.settings.api_port))
    monkeypatch.chdir(tmp_path)
    new("counter", tmp_path)
    Path("queue.py").write_text(QUEUE)
    return CommandLine(monkeypatch, capsys)


def _ends(said: Said, status: int = 0) -> Said:
    assert said.status == status, said
    return said


def _line_of(text: str, source: str) -> int:
    return next(at for at, line in enumerate(source.splitlines(), 1) if text in line)


def test_the_guides_ten_minutes(accountant: CommandLine, running: Running) -> None:
    """Build, deploy, call and view, as the guide has it; the address to ask about is printed."""
    _ends(accountant("contract", "build", "counter.py"))
    deployed = _ends(accountant("contract", "deploy", "counter.py"))
    there = deployed.value("Contract")
    faucet = show(_faucet(running).address)
    assert deployed.value("Sender") == faucet
    called = _ends(accountant("contract", "call", there, "count", "5", "--interface", "counter.py"))
    assert "not executed" in called.value("Block")
    assert int(called.value("Gas limit").replace(",", "")) > 0
    viewed = _ends(accountant("contract", "view", there, "count_of", faucet, "--interface", "counter.py"))
    value, cost = viewed.out.splitlines()
    assert value == "5"
    assert "1 transaction executed, 0 known before" in cost
    again = _ends(accountant("contract", "view", there, "count_of", faucet, "--json"))
    told = json.loads(again.out)
    assert (told["verdict"], told["answer"]["value"], told["executed"]) == ("accepted", "5", [])


def _faucet(running: Running) -> PrivateKey:
    places = devnet_in(running.folder / "chain")
    return read_key(places.faucet_key, read_password(places.password))


def test_what_a_call_did(accountant: CommandLine, running: Running) -> None:
    """Result and events by the interface; a failure with its reason and its line; exit status 1 for it."""
    there = _ends(accountant("contract", "deploy", "counter.py"))
    name, faucet = there.value("Contract"), show(_faucet(running).address)
    ok = _ends(accountant("contract", "call", name, "count", "3", "--interface", "counter.py", "--outcome"))
    assert ok.value("Outcome").startswith("succeeded, returned 3; ")
    assert ok.value("Event") == f"Counted(who={faucet}, count=3)"
    place = f"counter.py:{_line_of('assert times > 0', CONTRACT)}"
    call = ("contract", "call", name, "count", "-3", "--interface", "counter.py")
    refused = _ends(accountant(*call), 2)
    assert f"it fails: assertion: count at least once at {place}; nothing is signed without --yes" in refused.err
    failed = _ends(accountant(*call, "--yes", "--outcome"), 1)
    assert failed.value("Outcome").startswith(f"failed: count at least once at {place}; ")
    told = _ends(accountant("contract", "outcome", failed.value("Transaction"), "--interface", "counter.py"), 1)
    assert told.value("Outcome") == failed.value("Outcome")
    deployment = _ends(accountant("contract", "outcome", there.value("Transaction"), "--json"))
    assert json.loads(deployment.out)["outcome"]["failure"] is None


def test_a_log_without_an_interface(accountant: CommandLine) -> None:
    """Topic and data as they are."""
    there = _ends(accountant("contract", "deploy", "counter.py")).value("Contract")
    called = _ends(accountant("contract", "call", there, "count", "0x10", "--outcome"))
    assert called.value("Event").startswith(f"{there} logged 'Counted' 0x")


def test_guesses_and_the_entry_that_was_lacking(accountant: CommandLine) -> None:
    """Guesses are shown and need a yes; a call that lacked an entry names it, and --retry declares it."""
    there = _ends(accountant("contract", "deploy", "queue.py")).value("Contract")
    put = ("contract", "call", there, "put", "--interface", "queue.py")
    asked = _ends(accountant(*put, "tea"), 2)
    assert asked.out == "Guess         writes items[0]   slot 0x" + b"items:".hex() + 8 * "00" + "\n"
    assert "1 of 3 entries are guesses; nothing is signed without --yes" in asked.err
    _ends(accountant(*put, "tea", "--yes"))
    lacking = _ends(accountant(*put, "milk", "--yes"))  # nobody executed the first, so the guess is items[0] again
    assert "rests on 1 transaction that nobody has executed" in lacking.out
    name = lacking.value("Transaction")
    failed = _ends(accountant("contract", "outcome", name, "--interface", "queue.py"), 1)
    assert failed.value("Outcome").startswith("failed: undeclared_access: write ")
    assert f" at queue.py:{_line_of('items[last] = item', QUEUE)}; " in failed.value("Outcome")
    assert failed.value("Again") == f"accountant contract call --retry {name}"
    again = accountant("contract", "call", "--retry", name, "--interface", "queue.py", "--yes", "--outcome")
    assert _ends(again).value("Outcome").startswith("succeeded; ")
    assert "Guess         writes items[1]" in again.out
    assert "nothing to do again" in _ends(
        accountant("contract", "call", "--retry", again.value("Transaction")), 2
    ).err  # fmt: skip
    assert _ends(accountant("contract", "view", there, "length", "--interface", "queue.py")).out.startswith("2\n")
    first = json.loads(
        _ends(
            accountant("contract", "call", there, "take", "--interface", "queue.py", "--yes", "--json", "--outcome")
        ).out
    )
    assert first["outcome"]["outcome"]["return_value"] == "0x" + b"tea".hex()
    assert [guess["guess"] for guess in first["guesses"]] == [True]


def test_an_open_call_that_fails_when_it_is_tried_out(accountant: CommandLine) -> None:
    """Nothing says what it would touch, so nothing can be signed; the line is told."""
    there = _ends(accountant("contract", "deploy", "queue.py")).value("Contract")
    said = _ends(accountant("contract", "call", there, "take", "--interface", "queue.py", "--yes"), 2)
    assert f"assertion: the queue is empty at queue.py:{_line_of('assert first', QUEUE)}" in said.err


def test_positions_of_views(accountant: CommandLine, running: Running) -> None:
    """At a height, before a transaction, and at the head."""
    there = _ends(accountant("contract", "deploy", "counter.py")).value("Contract")
    heights = [
        int(_ends(accountant("contract", "call", there, "count", "1")).value("Block").split(":")[0]) for _ in range(2)
    ]
    view = ("contract", "view", there, "count_of", show(_faucet(running).address), "--at")
    with running.client() as client:
        before_second = client.block(heights[1] - 1)["hash"]
    for at, value in ((str(heights[0]), "1"), (str(heights[1]), "2"), (f"{before_second}:0", "1"), ("head", "2")):
        assert _ends(accountant(*view, at)).out.splitlines()[0] == value
    assert "no block of height 999999 yet" in _ends(accountant(*view, "999999"), 2).err
    assert "write head, a height, or HASH:INDEX" in _ends(accountant(*view, "yesterday"), 2).err
    assert _ends(accountant("contract", "view", there, "count", "0"), 1).out.startswith("failed: assertion\n")


def test_keys_and_money_of_ones_own(accountant: CommandLine) -> None:
    """Another signer's key file; money that comes with a call; a payment that the contract does not take."""
    Path("secret").write_text("correct horse\n")
    write_key(Path("alice.json"), ALICE, b"correct horse", 2**12)
    who = ("--key", "alice.json", "--password-file", "secret")
    there = _ends(accountant("contract", "deploy", str(LIBRARY / "vault.py"), *who)).value("Contract")
    paid = accountant("contract", "call", there, "deposit", "1", *who, "--value", "500", "--outcome")
    assert _ends(paid).value("Sender") == show(ALICE.address)
    assert paid.value("Outcome").startswith("succeeded")
    refused = _ends(accountant("contract", "call", there, "withdraw", "1", *who, "--value", "5"), 2)
    assert "no block would take this transaction now: not_payable" in refused.err
    poor = accountant("contract", "call", there, "deposit", "1", *who, "--value", str(2**61))
    assert "no block would take this transaction now: unpaid" in _ends(poor, 2).err


def test_a_module_of_another_compiler(accountant: CommandLine) -> None:
    """A contract in C: its module, and the envelope that somebody wrote by hand."""
    Path("auction.envelope").write_text(encode(AUCTION).hex() + "\n")
    module = str(LIBRARY / "c" / "auction.wasm")
    deployed = accountant("contract", "deploy", module, "100", "900", "--envelope", "auction.envelope", "--outcome")
    assert _ends(deployed).value("Outcome").startswith("succeeded")
    bid = accountant("contract", "call", deployed.value("Contract"), "bid", "--value", "200", "--outcome")
    assert _ends(bid).value("Outcome").startswith("succeeded, returned 200; ")
    wrong = _ends(accountant("contract", "deploy", module, "1", "2", "--envelope", "counter.py"), 2)
    assert "counter.py holds no envelope" in wrong.err
    twice = _ends(accountant("contract", "deploy", "counter.py", "--envelope", "auction.envelope"), 2)
    assert "counter.py has one already" in twice.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("deploy", "nowhere.py"), "nowhere.py: No such file"),
        (("deploy", "counter.py", "5"), "1 arguments came; the parameters are ()"),
        (("deploy", "counter.py", "--key", "nowhere.json"), "nowhere.json: No such file"),
        (("deploy", "counter.py", "--api", "http://127.0.0.1:1"), "is `make up` running?"),
        (("deploy", "counter.py", "--api-key", "wrong"), "401 unauthorized"),
        (("call",), "name a contract and a function"),
        (("call", "0x" + "11" * 32, "count", "1"), "404 unknown_contract"),
        (("call", "0x" + "11" * 20, "count", "1"), "is no contract's id"),
        (("call", "counter", "count", "1"), "an account is 0x and"),
        (("call", "0x" + "11" * 32, "count", "--retry", "0x" + "11" * 32), "with --retry contract, function"),
        (("call", "--retry", "0x" + "11" * 32), "404 unknown_transaction"),
        (("view", "0x" + "11" * 32, "count_of"), "404 unknown_contract"),
        (("outcome", "0x" + "11" * 32), "404 unknown_transaction"),
        (("outcome", "0x11"), "422 invalid_request"),
    ],
)
def test_bad_input_is_one_line_and_status_2(accountant: CommandLine, arguments: tuple[str, ...], said: str) -> None:
    """Each says what is wrong, and nothing is sent."""
    ended = _ends(accountant("contract", *arguments), 2)
    assert said in ended.err
    assert len(ended.err.splitlines()) == 1


def test_views_are_not_called_and_keys_are_found(
    accountant: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A view is asked, not called; without the data folder somebody must say the API key."""
    there = _ends(accountant("contract", "deploy", "counter.py")).value("Contract")
    zero = show(bytes(20))  # type: ignore[arg-type]
    called = _ends(accountant("contract", "call", there, "count_of", zero, "--interface", "counter.py"), 2)
    assert "count_of is a view: ask it with `accountant contract view`" in called.err
    monkeypatch.setenv("ANH_DATA_DIR", str(tmp_path))
    assert "there is no API key in" in _ends(accountant("contract", "view", there, "count_of", zero), 2).err
    monkeypatch.setenv("ANH_API_PORT", "0")
    assert (
        "say with --api where the accountant is"
        in _ends(accountant("contract", "view", there, "count_of", zero), 2).err
    )


def test_contracts_as_python_objects(running: Running) -> None:
    """Deploy, call, view and look at outcomes, with accounts as whatever a program has at hand."""
    with running.client() as client:
        token = deploy(client, compile_file(LIBRARY / "token.py"), 1_000, key=BOB)
        sent = token.transfer(CAROL.address, units=300, key=BOB)
        assert (sent.guesses, sent.fee > sent.gas_limit > 0) == ([], True)
        assert token.balance_of(CAROL.address) == 300
        assert (token.balance_of(BOB), token.total()) == (700, 1_000)
        done = sent.outcome()
        assert (done.succeeded, done.reason, done.returned) == (True, None, True)
        assert [(event.name, event.fields["units"]) for event in done.events] == [("Transfer", 300)]
        assert token.outcome(token.deployed["deployment"]).succeeded
        failed = token.transfer(CAROL.address, 10_000, key=BOB).outcome()
        assert (failed.succeeded, failed.returned, failed.events) == (False, None, ())
        assert failed.reason
        assert failed.certificate["trace"]
        bare = ContractClient(client, token.id)
        assert bare.view("balance_of", CAROL.address) == 300
        assert bare["transfer"].signature.parameters[0][0] == "0"
        spent = token.approve(token, 5, key=BOB, wait=False)
        assert spent.hash.startswith("0x")
        assert {"transfer", "balance_of"} <= set(dir(token))


def test_what_python_may_not_do(running: Running) -> None:
    """Errors of the client's own, before anything is sent."""
    source = b"from accountant.language import view\n\n\n@view\ndef half(n: int) -> int:\n    return 100 // n\n"
    with running.client() as client:
        halver = deploy(client, compile_source(source, "halver.py"), key=CAROL)
        assert halver.half(n=4) == 25
        with pytest.raises(ViewFailed, match="half: assertion"):
            halver.half(0)
        with pytest.raises(NoKey, match="nobody signs it"):
            halver.half(1, key=CAROL)
        with pytest.raises(NoKey, match="say who signs it"):
            ContractClient(client, halver.id).half(1)
        with pytest.raises(AttributeError, match="no function 'third'; it has half"):
            _ = halver.third
        with pytest.raises(NotAContract):
            ContractClient(client, bytes(20))
