"""`accountant chain send` and `fund` through a real node."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from accountant.primitives.addresses import show
from tests.support.chains import ALICE, BOB, RICH
from tests.support.command_line import CommandLine, Said
from tests.support.nodes import node_of_folder
from tests.support.whole_chain import begin_chain

TO = show(BOB.address)


class Wallet:
    """The commands, on a development chain of their own; `alice`: her key file."""

    def __init__(self, run: CommandLine, url: str, alice: Path) -> None:
        self._run, self._url, self.alice = run, url, alice

    def __call__(self, *arguments: str) -> Said:
        return self._run("chain", *arguments, "--node", self._url)

    def owned(self, address: str) -> int:
        """Zero-cost base units."""
        return int(httpx.get(f"{self._url}/accounts/{address}", trust_env=False).json()["zero_balance"])

    def nonce(self) -> int:
        """Alice's next one."""
        return int(httpx.get(f"{self._url}/accounts/{show(ALICE.address)}", trust_env=False).json()["nonce"])


@pytest.fixture
def wallet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Wallet]:
    monkeypatch.setenv("ANH_DATA_DIR", str(tmp_path))
    begin_chain(tmp_path / "chain")
    alice = tmp_path / "alice.pem"
    alice.write_bytes(ALICE.to_pem())
    with node_of_folder(tmp_path / "chain") as url:
        yield Wallet(CommandLine(monkeypatch, capsys), url, alice)


def test_the_faucet_pays(wallet: Wallet) -> None:
    """Without a question; the block that has it is named."""
    said = wallet("fund", TO, "7", "--json")
    assert said.status == 0, said.err
    told = json.loads(said.out.splitlines()[-1])  # the node's log stands before it
    assert (told["to"], told["units"], told["nonce"], told["height"]) == (TO, "7", 0, 1)
    assert wallet.owned(TO) == RICH + 7


def test_a_transfer_costs_what_was_shown(wallet: Wallet) -> None:
    """Amount, fee and tip leave the signer's balance, the amount arrives; the next one has the next nonce."""
    alice = show(ALICE.address)
    said = wallet("send", "--to", TO, "--units", "7", "--tip", "3", "--key", str(wallet.alice), "--yes")
    assert said.status == 0, said.err
    fee = int(said.value("Fee").split()[0].replace(",", ""))
    assert (said.value("Sender"), said.value("To")) == (alice, TO)
    assert said.value("Block").startswith("1:")
    assert (wallet.owned(alice), wallet.owned(TO)) == (RICH - 7 - fee, RICH + 7)
    general = wallet("send", "--to", TO, "--units", "5", "--general", "--key", str(wallet.alice), "--yes", "--json")
    told = json.loads(general.out.splitlines()[-1])
    assert (told["nonce"], told["height"]) == (1, 2)
    assert wallet.owned(alice) == RICH - 7 - fee - int(told["fee"])
    assert wallet.owned(TO) == RICH + 7  # general money: what of it arrived shows when it is executed


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"--yes": None}, "nothing is signed without --yes"),
        ({"--to": TO[:-1]}, "an account is 0x"),
        ({"--to": TO.swapcase().replace("0X", "0x")}, "wrong checksum"),
        ({"--units": str(2 * RICH)}, "zero-cost money"),
        ({"--key": "/nowhere/key.json"}, "No such file"),
    ],
)
def test_what_is_wrong_signs_nothing(changed: dict[str, str | None], why: str, wallet: Wallet) -> None:
    """One line and exit status 2; the key's nonce is as it was."""
    options: dict[str, str | None] = {"--to": TO, "--units": "7", "--key": str(wallet.alice), "--yes": "", **changed}
    words = [word for name, value in options.items() if value is not None for word in (name, value) if word]
    said = wallet("send", *words)
    assert (said.status, said.err.count("\n")) == (2, 1)
    assert why in said.err
    assert wallet.nonce() == 0


def test_no_node_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nobody answers: exit status 2."""
    monkeypatch.setenv("ANH_DATA_DIR", str(tmp_path))
    begin_chain(tmp_path / "chain")
    said = CommandLine(monkeypatch, capsys)("chain", "fund", TO, "7", "--node", "http://127.0.0.1:1")
    assert (said.status, said.err.count("\n")) == (2, 1)
