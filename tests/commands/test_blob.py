"""`accountant blob`: files to the store and back, over connections that break; and what may go."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa

from accountant.primitives.cid import cid_of, show_cid
from accountant.storage.embedded import EmbeddedServers
from tests.support.blob_office import publish
from tests.support.command_line import CommandLine, Said
from tests.support.cutting import cutting
from tests.support.service import Service, running_service

HELLO_CID = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"
LARGE = Random(6).randbytes(3_900_000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("node")


@pytest.fixture(scope="module")
def service(module_database_url: str, servers: EmbeddedServers, folder: Path) -> Iterator[Service]:
    with running_service(module_database_url, servers.redis_url, folder) as running:
        yield running


class Blob:
    """`accountant blob`, of the service."""

    def __init__(self, line: CommandLine, service: Service) -> None:
        self._line, self.url, self._key = line, service.url, service.key

    def __call__(self, *arguments: str) -> Said:
        return self._line("blob", *arguments, "--api", self.url, "--api-key", self._key)


@pytest.fixture
def blob(service: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Blob:
    return Blob(CommandLine(monkeypatch, capsys), service)


def test_a_file_there_and_back(blob: Blob, tmp_path: Path) -> None:
    """`put` prints the CID alone, `get` writes the file, whole, or standard output."""
    source, copy = tmp_path / "hello", tmp_path / "copy"
    source.write_bytes(b"hello world")
    assert blob("put", str(source)) == (0, HELLO_CID + "\n", "")
    assert blob("get", HELLO_CID, "--out", str(copy)).out == f"11 bytes in {copy}\n"
    assert copy.read_bytes() == b"hello world" and sorted(tmp_path.iterdir()) == [copy, source]


@pytest.mark.parametrize("times", [0, 3])
def test_a_large_file_over_a_bad_line(
    blob: Blob, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """In several requests, which go on where the connection broke; and back the same way."""
    monkeypatch.setattr("accountant.client.blobs.AT_ONCE_BYTES", 1_000_000)
    data = LARGE + bytes([times])
    source, copy = tmp_path / "large", tmp_path / "copy"
    source.write_bytes(data)
    with cutting(service.url, 1_500_000, times) as blob.url:
        assert blob("put", str(source)) == (0, show_cid(cid_of(data)) + "\n", "")
    with cutting(service.url, 1_500_000, times) as blob.url:
        assert blob("get", show_cid(cid_of(data)), "--out", str(copy)).status == 0
    assert copy.read_bytes() == data


def test_the_list(blob: Blob, service: Service, tmp_path: Path) -> None:
    """A line each, with why it stays; or the service's own words."""
    source = tmp_path / "file"
    source.write_bytes(b"listed")
    cid = blob("put", str(source)).out.strip()
    publish(service.engine, cid_of(b"listed"), 6)
    line = blob("list", "--limit", "1").out
    assert line.startswith(f"{cid}               6  published, uploaded, until 20")
    assert json.loads(blob("list", "--json").out)["items"][0]["cid"] == cid


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("get", "bafkrei"), "a CID is b and 58 characters"),
        (("get", show_cid(cid_of(b"nobody has it"))), "404 unknown_blob"),
        (("list", "--limit", "0"), "limit"),
        (("put", "/nonexistent"), "nonexistent"),
    ],
)
def test_what_cannot_be_done(blob: Blob, tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    """Status 2, with what was wrong."""
    said = blob(*arguments)
    assert (said.status, said.out) == (2, "") and told in said.err


def test_a_blob_that_was_damaged_leaves_no_file(blob: Blob, folder: Path, tmp_path: Path) -> None:
    """Neither the file nor a part of it."""
    source, copy = tmp_path / "file", tmp_path / "copy"
    source.write_bytes(LARGE[:2_500_000])
    cid = blob("put", str(source)).out.strip()
    (folder / "blobs" / cid).write_bytes(LARGE[:2_499_999] + b"?")
    said = blob("get", cid, "--out", str(copy))
    assert said.status == 2 and "blob_unavailable" in said.err
    assert list(tmp_path.iterdir()) == [source]


def test_garbage_is_named_and_then_deleted(
    service: Service, module_database_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], blob: Blob, tmp_path: Path,
) -> None:  # fmt: skip
    """Without --delete nothing goes; what the chain names never does, and cannot be unpinned."""
    source = tmp_path / "file"
    cids = []
    for data in (b"named", b"unneeded"):
        source.write_bytes(data)
        cids.append(blob("put", str(source)).out.strip())
    named, unneeded = cids
    publish(service.engine, cid_of(b"named"), 5)
    with service.engine.begin() as connection:
        connection.execute(sa.text("update accountant.blobs set kept_until = now()"))
        connection.execute(
            sa.text("delete from accountant.blob_references where cid = any(:cids)"),
            {"cids": [cid_of(b"named"), cid_of(b"unneeded")]},
        )
    monkeypatch.setenv("DATABASE_URL", module_database_url)
    monkeypatch.setenv("REDIS_URL", "redis://:x@127.0.0.1:1/0")
    monkeypatch.setenv("ANH_BLOBS", str(folder / "blobs"))
    line = CommandLine(monkeypatch, capsys)
    assert line("blob", "gc").out == f"{unneeded}               8\n8 bytes would go; --delete deletes them\n"
    assert (folder / "blobs" / unneeded).exists()
    assert line("blob", "gc", "--delete").out.startswith("1 blobs deleted, 8 bytes;")
    assert not (folder / "blobs" / unneeded).exists() and (folder / "blobs" / named).exists()
    assert "named by the chain" in line("blob", "unpin", named).err
    assert line("blob", "unpin", unneeded).status == 2
