"""`accountant oath check` and `audit` against a running service."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from accountant.chain.headers import SignedHeader
from accountant.primitives.addresses import show
from accountant.primitives.encoding import Decoder, encode
from accountant.primitives.types import Seq
from accountant.storage.embedded import EmbeddedServers
from tests.support.auditor import PLENTY, sworn_chain
from tests.support.command_line import CommandLine, Said
from tests.support.oath_node import ACCOUNTANT
from tests.support.servers import fresh_database
from tests.support.two_accountants import Accountant, running_accountant

SWORN = sworn_chain()
PURSE = show(SWORN.purse)
TRUTH, LIE = ("0x" + SWORN.recorded.transaction(seq).hash.hex() for seq in (SWORN.truths[0], SWORN.lie))
DEPLOYMENT = "0x" + SWORN.recorded.transaction(Seq(0)).hash.hex()

Oath = Callable[..., Said]


@pytest.fixture(scope="module")
def service(servers: EmbeddedServers) -> Iterator[Accountant]:
    with fresh_database(servers) as url, running_accountant(url, SWORN.recorded) as running:
        yield running


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(monkeypatch, capsys)


@pytest.fixture
def oath(service: Accountant, command: CommandLine) -> Oath:
    """`accountant oath`, of the service."""
    return lambda *arguments: command("oath", *arguments, "--api", service.url, "--api-key", service.key)


def test_an_audit_finds_the_lie(oath: Oath) -> None:
    """It is named with what was sworn and what is true, and the exit status is 1; without gas it is 0."""
    blind = oath("audit", PURSE)
    assert (blind.status, blind.value("Coverage")) == (0, "0 %") and "3 unchecked" in blind.value("Oaths")
    found = oath("audit", PURSE, "--gas", str(PLENTY))
    assert found.status == 1 and found.value("Lie") == f"{LIE} swore false, true is true"
    assert found.value("Deposit") == "at least 8,000,000,000 (6,000,000,000 by bytes alone)"
    early = oath("audit", PURSE, "--at", "2", "--json")
    assert early.status == 0 and json.loads(early.out.splitlines()[-1])["oath_counts"]["all"] == 0


def test_an_oath_by_its_hash(oath: Oath) -> None:
    """It is shown, and counts, whether it is true or not: a lie costs its penalty."""
    for name in (TRUTH, LIE):
        said = oath("check", name)
        assert said.status == 0 and said.value("Oath") == name and said.value("Counts").startswith("yes")
    assert json.loads(oath("check", TRUTH, "--json").out)["standing"]["counts"] is True


def test_an_oath_in_a_file(oath: Oath, tmp_path: Path) -> None:
    """Its bytes, plain or in hex, name it; what was changed in them is another oath, that nobody knows."""
    raw = encode(SWORN.recorded.transaction(SWORN.lie).transaction)
    plain, in_hex, changed = (tmp_path / name for name in ("plain", "hex", "changed"))
    plain.write_bytes(raw)
    in_hex.write_text(f"0x{raw.hex()}\n")
    changed.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    for path in (plain, in_hex):
        said = oath("check", str(path))
        assert (said.status, said.value("Oath")) == (0, LIE), said.err
    assert oath("check", str(changed)).status == 2


@pytest.mark.parametrize("argument", ["nowhere", "0x12", "0x" + "ab" * 32, "oath_" + "0" * 32, DEPLOYMENT])
def test_what_is_no_oath(oath: Oath, argument: str) -> None:
    """One line says so, and the exit status is 2."""
    said = oath("check", argument)
    assert said.status == 2 and len(said.err.splitlines()) == 1


@pytest.mark.parametrize("content", [b"", b"0x", b"\xc1", b"0xc1", b"\x00" * 100, b"{}"])
def test_files_that_hold_none(oath: Oath, tmp_path: Path, content: bytes) -> None:
    """One line says so, and the exit status is 2."""
    path = tmp_path / "file"
    path.write_bytes(content)
    said = oath("check", str(path))
    assert said.status == 2 and len(said.err.splitlines()) == 1


@pytest.fixture
def headers(service: Accountant, command: CommandLine, tmp_path: Path) -> Path:
    """What a stranger trusts."""
    path = tmp_path / "chain.headers"
    keys = ("--api", service.url, "--api-key", service.key)
    assert command("chain", "headers", "--out", str(path), *keys).status == 0
    return path


GENESIS = "0x" + SWORN.recorded.genesis.hash.hex()


def test_an_oath_is_proved_to_a_stranger(oath: Oath, command: CommandLine, headers: Path, tmp_path: Path) -> None:
    """Proved with the accountant, checked with headers alone: what is sworn, and that it counts."""
    proof = tmp_path / "oath.proof"
    for name in (TRUTH, LIE):
        assert oath("prove", name, "--out", str(proof)).status == 0
        said = command("oath", "check", str(proof), "--headers", str(headers), "--genesis", GENESIS)
        assert (said.status, said.value("Oath")) == (0, name) and said.value("Counts").startswith("yes"), said.err
        assert said.value("Swearer") == show(ACCOUNTANT.address)
    other = command("oath", "check", str(proof), "--headers", str(headers), "--genesis", "0x" + "0" * 64)
    assert other.status == 1 and other.out.startswith("refused: genesis")
    raw = proof.read_bytes()
    proof.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    changed = command("oath", "check", str(proof), "--headers", str(headers))
    assert changed.status == 1 and changed.out.startswith("refused:")
    assert command("oath", "check", str(tmp_path / "none"), "--headers", str(headers)).status == 2
    assert oath("prove", DEPLOYMENT, "--out", str(tmp_path / "nothing")).status == 2


def test_a_saved_answer_shows_where_the_oath_stands(
    oath: Oath, command: CommandLine, headers: Path, tmp_path: Path
) -> None:
    """What the accountant answered, saved: the oath is read from its own bytes, whatever else the file says."""
    answer = json.loads(oath("check", TRUTH, "--json").out)
    block = answer["inclusion"]
    signed = Decoder(SignedHeader, 2_000).decode(bytes.fromhex(block["header"][2:]))
    assert "0x" + signed.header.hash.hex() == block["block"] and signed.header.height == block["height"]
    path = tmp_path / "answer.json"

    def check() -> Said:
        return command("oath", "check", str(path), "--headers", str(headers), "--genesis", GENESIS)

    answer["sworn"]["answer"], answer["sworn"]["penalty"] = False, "5"
    path.write_text(json.dumps(answer))
    said = check()
    assert said.status == 1 and said.value("Counts").startswith("not shown"), said.err
    assert (said.value("Oath"), said.value("Answer"), said.value("Penalty")) == (TRUTH, "true", "1,000,000,000")
    for changed in ({"height": 1}, {"height": 10**9}, {"index": 1}, {"index": "0"}, {"path": [TRUTH]}, {"path": [1]}):
        path.write_text(json.dumps({**answer, "inclusion": {**block, **changed}}))
        assert check().status == 1 and check().out.startswith("refused:")
    for text in ("{}", "[]", "null", '{"inclusion": null}', "[" * 100_000):
        path.write_text(text)
        assert check().out.startswith("refused: file")


def test_a_lie_is_proved_to_a_stranger(oath: Oath, headers: Path, tmp_path: Path, command: CommandLine) -> None:
    """Prosecuted with the accountant, convicted with headers alone: who swore what, and what is true."""
    proof = tmp_path / "lie.proof"
    made = oath("prosecute", LIE, "--out", str(proof))
    assert made.status == 0 and LIE in made.out, made.err
    said = command("oath", "convict", str(proof), "--headers", str(headers), "--genesis", GENESIS)
    assert said.status == 0 and LIE in said.out and "swore false" in said.out and "true is true" in said.out
    assert "it counted" in said.out
    assert show(ACCOUNTANT.address) in said.out
    other = command("oath", "convict", str(proof), "--headers", str(headers), "--genesis", "0x" + "0" * 64)
    assert other.status == 1 and other.out.startswith("refused: genesis")
    raw = proof.read_bytes()
    proof.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    assert command("oath", "convict", str(proof), "--headers", str(headers)).status == 1
    assert command("oath", "convict", str(tmp_path / "none"), "--headers", str(headers)).status == 2


def test_a_truth_cannot_be_prosecuted(oath: Oath, tmp_path: Path) -> None:
    """The exit status is 1, and no file is written; for what is no oath it is 2."""
    out = tmp_path / "proof"
    said = oath("prosecute", TRUTH, "--out", str(out))
    assert said.status == 1 and "it is true" in said.out and not out.exists()
    assert oath("prosecute", DEPLOYMENT, "--out", str(out)).status == 2 and not out.exists()


@pytest.mark.parametrize("arguments", [("nothing",), (PURSE, "--at", "99"), (PURSE, "--at", "x")])
def test_what_cannot_be_audited(oath: Oath, arguments: tuple[str, ...]) -> None:
    """The exit status is 2."""
    assert oath("audit", *arguments).status == 2
