"""`accountant contract check`, `build` and `footprint`: all that needs no chain, and every error in one line."""

import json
from pathlib import Path

import pytest

from accountant.chain.template import instantiate
from accountant.chain.transaction import Argument
from accountant.chain.values import arguments_of, parameters_of
from accountant.commands.contract_new import new
from accountant.language.artefacts import load_artefacts
from accountant.language.compiler import compile_file
from accountant.primitives.addresses import show
from accountant.primitives.types import Address, ContractId
from tests.support.chains import ALICE, BOB, contract_id
from tests.support.command_line import CommandLine

LIBRARY = Path(__file__).parents[2] / "accountant" / "library"
QUEUE = '''"""A queue."""

from accountant.language import Map, deployer, export, only, touches, writes

last: int
items: Map[int, str]


def init(begin: int) -> None:
    global last
    last = begin


@export
@only(deployer)
@touches(writes(items, most=1))
def put(item: str) -> None:
    global last
    items[last] = item
    last += 1
'''


@pytest.fixture
def accountant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """In a folder with a counter and a queue."""
    monkeypatch.chdir(tmp_path)
    new("counter", tmp_path)
    Path("queue.py").write_text(QUEUE)
    return CommandLine(monkeypatch, capsys)


def test_check_says_what_a_contract_offers(accountant: CommandLine) -> None:
    """Functions, views, what a simulation must find, and the size; nothing is written."""
    said = accountant("contract", "check", "counter.py", "queue.py")
    sizes = [len(compile_file(Path(name)).code) for name in ("counter.py", "queue.py")]
    assert said == (
        0,
        f"counter.py: count, count_of (view); footprints complete; {sizes[0]:,} bytes\n"
        f"queue.py: put; simulation needed for put; {sizes[1]:,} bytes\n",
        "",
    )
    assert sorted(path.name for path in Path().iterdir()) == ["counter.py", "queue.py", "test_counter.py"]


def test_check_names_the_line_of_each_bad_file(accountant: CommandLine) -> None:
    """File, line, column, what, and what to write instead; the good files are told as well."""
    Path("bad.py").write_text("x: int = 1.5\n")
    Path("worse.py").write_text("def f(:\n")
    said = accountant("contract", "check", "bad.py", "counter.py", "worse.py")
    assert said.status == 2
    assert said.out.startswith("counter.py: count")
    assert [line.split(":")[:2] for line in said.err.splitlines()] == [["bad.py", "1"], ["worse.py", "1"]]


def test_build_writes_three_files_that_belong_together(accountant: CommandLine) -> None:
    """The same bytes again, elsewhere too; nothing unfinished stays."""
    said = accountant("contract", "build", "counter.py")
    built = load_artefacts(Path("counter.json"))
    assert said.status == 0
    assert said.out.splitlines()[0] == f"counter.wasm  {len(built.code):,} bytes"
    assert said.out.splitlines()[-1] == f"code hash 0x{built.interface.code_sha256}"
    first = {path.name: path.read_bytes() for path in Path().glob("counter.*")}
    assert set(first) == {"counter.py", "counter.wasm", "counter.json", "counter.map"}
    assert accountant("contract", "build", "counter.py", "--into", "made/here").status == 0
    assert accountant("contract", "build", "counter.py").out == said.out
    for folder in (Path(), Path("made/here")):
        assert {path.name: path.read_bytes() for path in folder.glob("counter.*")}.items() <= first.items()
    assert not list(Path().rglob(".*"))
    assert Path("counter.json").stat().st_mode & 0o777 == 0o644


def _footprint(name: str, function: str, *texts: str, sender: Address, contract: ContractId) -> set[tuple[str, str]]:
    """Kind and slot (or other bytes) of each entry that the template gives."""
    admitted = compile_file(Path(name)).envelope.function(function)
    assert admitted is not None
    wire: tuple[Argument, ...] = arguments_of(parameters_of(admitted.arguments), texts)
    entries = instantiate(admitted, wire, sender, contract, 0)
    return {(type(entry).__name__.lower(), "0x" + entry.slot.hex()) for entry in entries if hasattr(entry, "slot")}


def test_footprint_is_the_template_instantiated(accountant: CommandLine) -> None:
    """In words with the variable's name, and as JSON in the API's form; from a source as from an interface."""
    there, alice = contract_id("there"), show(ALICE.address)
    who = ("--sender", alice, "--contract", show(there))
    said = accountant("contract", "footprint", "counter.py", "count", "-5", *who)
    slot = "0x" + b"counts:".hex() + ALICE.address.hex()
    assert said == (
        0,
        f"reads counts[{alice}]   slot {slot}\nwrites counts[{alice}]   slot {slot}\nComplete      yes\n",
        "",
    )
    expected = _footprint("counter.py", "count", "-5", sender=ALICE.address, contract=there)
    accountant("contract", "build", "counter.py")
    Path("counter.wasm").unlink()  # an interface is enough
    told = json.loads(accountant("contract", "footprint", "counter.json", "count", "-5", *who, "--json").out)
    assert {(entry["kind"], entry["slot"]) for entry in told["entries"]} == expected
    assert {entry["contract"] for entry in told["entries"]} == {show(there)}
    assert (told["complete"], told["open"]) == (True, [])


def test_footprint_says_what_is_open(accountant: CommandLine) -> None:
    """What the author stated, and the prefixes that it opens; the constructor can be asked about as well."""
    said = accountant("contract", "footprint", "queue.py", "put", "tea")
    assert said.out.splitlines()[-2:] == [
        "Complete      no: a simulation must find the rest",
        "Open          writes at most 1 slots of items that depend on the state",
    ]
    told = json.loads(accountant("contract", "footprint", "queue.py", "put", "tea", "--json").out)
    assert "0x" + b"items:".hex() in told["open_prefixes"]["write"]
    assert accountant("contract", "footprint", "queue.py", "init", "3").out.startswith("writes last   slot 0x")


def test_footprint_of_money_and_other_contracts(accountant: CommandLine) -> None:
    """Payments have caps; keys under their hash are shown by the argument; without a sender it says so."""
    token = str(LIBRARY / "token.py")
    bob, alice = show(BOB.address), show(ALICE.address)
    said = accountant("contract", "footprint", token, "transfer_from", bob, alice, "5", "--sender", alice)
    assert f"reads allowances[{bob}][{alice}]" in said.out
    assert "--sender" in accountant("contract", "footprint", token, "transfer", bob, "5").out
    vault = accountant("contract", "footprint", str(LIBRARY / "vault.py"), "withdraw", "7", "--sender", alice)
    assert "pays at most 7\n" in vault.out
    assert f"pays to {alice}\n" in vault.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("footprint", "counter.py", "cuont", "5"), "no function 'cuont'; it has count, count_of"),
        (("footprint", "counter.py", "count"), "0 arguments came; the parameters are (times: int)"),
        (("footprint", "counter.py", "count", "many"), "argument times: 'many' came, expected is an integer"),
        (("footprint", "counter.py", "init"), "counter has no constructor"),
        (("footprint", "counter.py", "count", "5", "--sender", "0x12"), "an account is 0x and 40 hex digits"),
        (("footprint", "counter.py", "count", "5", "--sender", "0x" + "11" * 32), "a sender has 20 bytes, not 32"),
        (("footprint", "counter.py", "count", "5", "--contract", "0x" + "11" * 20), "a contract has 32 bytes, not 20"),
        (("footprint", "counter.txt", "count", "5"), "counter.txt is no contract"),
        (("footprint", "nowhere.json", "count", "5"), "nowhere.json: No such file"),
        (("check", "nowhere.py"), "nowhere.py: No such file"),
        (("build", "nowhere.py"), "nowhere.py: No such file"),
        (("build", "counter.txt"), "counter.txt: No such file"),
        (("build", "bad.py"), "bad.py:1:"),
        (("footprint", "bad.json", "f"), "no interface of a contract"),
    ],
)
def test_bad_input_is_one_line_and_status_2(accountant: CommandLine, arguments: tuple[str, ...], said: str) -> None:
    """Each says what is wrong, and nothing is written."""
    Path("bad.py").write_text("import os\n")
    Path("bad.json").write_text("{}")
    before = sorted(Path().iterdir())
    ended = accountant("contract", *arguments)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err
    assert len(ended.err.splitlines()) == 1
    assert sorted(Path().iterdir()) == before
