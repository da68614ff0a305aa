"""`accountant blob publish` through a real node."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from accountant.primitives.addresses import show
from accountant.primitives.cid import cid_of, show_cid
from tests.support.chains import ALICE, RICH
from tests.support.command_line import CommandLine, Said
from tests.support.nodes import node_of_folder
from tests.support.whole_chain import begin_chain

WEIGHTS = b"weights" * 9_000
CID = show_cid(cid_of(WEIGHTS))


class Publisher:
    """The command, on a development chain of its own; it publishes `file` with the key of ALICE."""

    def __init__(self, run: CommandLine, url: str, folder: Path) -> None:
        self._run, self.url = run, url
        self.file, self.key = folder / "weights", folder / "alice.pem"
        self.file.write_bytes(WEIGHTS)
        self.key.write_bytes(ALICE.to_pem())

    def __call__(self, *more: str, file: Path | None = None) -> Said:
        options = ("--key", str(self.key), "--node", self.url, *more)
        return self._run("blob", "publish", str(file or self.file), *options)

    def owned(self) -> int:
        """Alice's zero-cost base units."""
        return int(httpx.get(f"{self.url}/accounts/{show(ALICE.address)}", trust_env=False).json()["zero_balance"])

    def blob(self, cid: str = CID) -> httpx.Response:
        """What the node serves."""
        return httpx.get(f"{self.url}/blobs/{cid}", trust_env=False)


@pytest.fixture
def publisher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Publisher]:
    monkeypatch.setenv("ANH_DATA_DIR", str(tmp_path))
    begin_chain(tmp_path / "chain")
    with node_of_folder(tmp_path / "chain") as url:
        yield Publisher(CommandLine(monkeypatch, capsys), url, tmp_path)


def test_a_file_is_published(publisher: Publisher) -> None:
    """CID, size and fee are shown, the fee leaves the signer's balance, and the node serves the bytes."""
    said = publisher("--yes", "--tip", "3")
    assert said.status == 0, said.err
    assert (said.value("Sender"), said.value("CID")) == (show(ALICE.address), CID)
    assert said.value("Bytes") == f"{len(WEIGHTS):,} at 1 base units each"
    fee = int(said.value("Fee").split()[0].replace(",", ""))
    assert fee > len(WEIGHTS) and publisher.owned() == RICH - fee
    assert said.value("Block").startswith("1:")
    assert publisher.blob().content == WEIGHTS


def test_publishing_again_is_refused(publisher: Publisher) -> None:
    """A CID is published once; the second time is refused before it costs anything."""
    told = json.loads(publisher("--yes", "--json").out.splitlines()[-1])
    assert (told["cid"], told["size"], told["height"]) == (CID, len(WEIGHTS), 1)
    assert told["transaction"].startswith("0x")
    owned = publisher.owned()
    said = publisher("--yes")
    assert said.status == 2 and "is published already" in said.err and len(said.err.splitlines()) == 1
    assert publisher.owned() == owned


def test_nothing_is_sent_without_a_yes(publisher: Publisher) -> None:
    """Without --yes, and nobody to ask, neither bytes nor transaction leave."""
    said = publisher()
    assert said.status == 2 and "nothing is signed without --yes" in said.err
    assert publisher.blob().status_code == 404 and publisher.owned() == RICH


def test_what_cannot_be_published(publisher: Publisher, tmp_path: Path) -> None:
    """An empty file, and one that is not there: one line and exit status 2."""
    empty = tmp_path / "empty"
    empty.touch()
    said = publisher("--yes", file=empty)
    assert said.status == 2 and said.err.strip() == f"accountant: {empty} is empty: a blob has at least one byte"
    said = publisher("--yes", file=tmp_path / "nowhere")
    assert said.status == 2 and "No such file" in said.err
