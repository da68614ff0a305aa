"""Uploads in several requests, by tus 1.0: what came is not sent again, and what it becomes is checked."""

import base64
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import httpx
import pytest

from accountant.blobs.pieces import PIECE_BYTES
from accountant.primitives.cid import cid_of, show_cid
from accountant.storage.embedded import EmbeddedServers
from tests.support.processes import wait_until
from tests.support.service import BLOB_TERMS, Service, running_service

DATA = Random(4).randbytes(2 * PIECE_BYTES + 321)
CID = show_cid(cid_of(DATA))
TUS = {"tus-resumable": "1.0.0"}
PATCH = {**TUS, "content-type": "application/offset+octet-stream"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("node")


@pytest.fixture(scope="module")
def service(module_database_url: str, servers: EmbeddedServers, folder: Path) -> Iterator[Service]:
    with running_service(module_database_url, servers.redis_url, folder) as running:
        yield running


@pytest.fixture
def client(service: Service) -> Iterator[httpx.Client]:
    with service.client() as opened:
        yield opened


def begin(client: httpx.Client, length: int, cid: str | None = None) -> httpx.Response:
    headers = {**TUS, "upload-length": str(length)}
    if cid is not None:
        headers["upload-metadata"] = f"name aGVsbG8=,cid {base64.b64encode(cid.encode()).decode()}"
    return client.post("/v1/uploads", headers=headers)


def begun(client: httpx.Client, length: int, cid: str | None = None) -> str:
    response = begin(client, length, cid)
    assert response.status_code == 201, response.text
    return str(response.headers["location"])


def patch(client: httpx.Client, url: str, data: bytes, offset: int) -> httpx.Response:
    return client.patch(url, content=data, headers={**PATCH, "upload-offset": str(offset)})


def offset(client: httpx.Client, url: str) -> int:
    return int(client.head(url, headers=TUS).headers["upload-offset"])


def test_the_protocol_is_described(client: httpx.Client) -> None:
    """OPTIONS says version, extensions and the largest size."""
    response = client.options("/v1/uploads")
    assert response.status_code == 204
    assert response.headers["tus-version"] == response.headers["tus-resumable"] == "1.0.0"
    assert response.headers["tus-extension"] == "creation,termination"
    assert response.headers["tus-max-size"] == str(BLOB_TERMS.bytes_most)


def test_an_upload_in_pieces(client: httpx.Client, folder: Path) -> None:
    """Each piece says how far it came; the last one, and HEAD after it, which blob it became; no file is left."""
    url = begun(client, len(DATA), CID)
    first = patch(client, url, DATA[:1_000], 0)
    assert (first.status_code, first.headers["upload-offset"]) == (204, "1000") and "blob-cid" not in first.headers
    head = client.head(url, headers=TUS)
    assert (head.headers["upload-offset"], head.headers["upload-length"]) == ("1000", str(len(DATA)))
    assert head.headers["cache-control"] == "no-store" and head.headers["tus-resumable"] == "1.0.0"
    patch(client, url, DATA[1_000 : PIECE_BYTES + 5], 1_000)
    last = patch(client, url, DATA[PIECE_BYTES + 5 :], PIECE_BYTES + 5)
    assert last.headers["blob-cid"] == CID
    assert client.head(url, headers=TUS).headers["blob-cid"] == CID and offset(client, url) == len(DATA)
    assert client.get(f"/v1/blobs/{CID}").content == DATA
    assert list((folder / "blobs").glob("*.part")) == []


def test_what_came_before_a_connection_broke_stays(client: httpx.Client, service: Service) -> None:
    """A client that vanishes in the midst goes on where the file ends, on a new connection."""
    url = begun(client, len(DATA))
    half = PIECE_BYTES + 4_321
    address = urlsplit(service.url)
    head = (
        f"PATCH {url} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.key}\r\nTus-Resumable: 1.0.0\r\n"
        f"Content-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\nContent-Length: {len(DATA)}\r\n\r\n"
    )
    with socket.create_connection((str(address.hostname), address.port or 0)) as broken:
        broken.sendall(head.encode() + DATA[:half])
    wait_until(lambda: offset(client, url) == half)
    wait_until(lambda: patch(client, url, b"", half).status_code == 204)  # the old request is gone
    assert patch(client, url, DATA[half:], half).headers["blob-cid"] == CID


def test_one_at_a_time(client: httpx.Client, service: Service) -> None:
    """While a request sends, another is told that the upload is locked; afterwards it goes on."""
    first, rest = DATA[:PIECE_BYTES], DATA[PIECE_BYTES : PIECE_BYTES + 5]
    url = begun(client, len(first + rest))
    go_on = threading.Event()

    def slowly() -> Iterator[bytes]:
        yield first
        assert go_on.wait(20)

    def send() -> None:
        with service.client() as other:
            other.patch(url, content=slowly(), headers={**PATCH, "upload-offset": "0"})

    thread = threading.Thread(target=send)
    thread.start()
    wait_until(lambda: offset(client, url) > 0)  # a piece is in the file, so the lock is taken
    for at in (0, len(first)):
        refused = patch(client, url, rest, at)
        assert (refused.status_code, refused.json()["code"]) == (423, "upload_locked")
    go_on.set()
    thread.join(60)
    assert "blob-cid" in patch(client, url, rest, len(first)).headers


def test_an_upload_of_nothing(client: httpx.Client) -> None:
    """Is a blob as soon as it begins."""
    response = begin(client, 0)
    assert response.headers["blob-cid"] == show_cid(cid_of(b""))
    assert offset(client, response.headers["location"]) == 0


def test_bytes_that_do_not_follow(client: httpx.Client) -> None:
    """409 with what is there; nothing is written; so too when all is there."""
    url = begun(client, 10)
    for wrong in (1, 10, 2**62):
        refused = patch(client, url, b"x", wrong)
        assert (refused.status_code, refused.json()["code"]) == (409, "wrong_offset")
    assert offset(client, url) == 0
    patch(client, url, b"1234567890", 0)
    assert patch(client, url, b"", 0).status_code == 409


def test_more_than_announced(client: httpx.Client) -> None:
    """413, and what there was stays."""
    url = begun(client, 10)
    patch(client, url, b"12345", 0)
    assert patch(client, url, b"678901", 5).json()["code"] == "blob_too_large"
    assert offset(client, url) == 5
    assert begin(client, BLOB_TERMS.bytes_most + 1).json()["code"] == "blob_too_large"


def test_other_bytes_than_announced(client: httpx.Client) -> None:
    """The upload ends, and nothing is kept."""
    url = begun(client, 5, CID)
    refused = patch(client, url, b"12345", 0)
    assert (refused.status_code, refused.json()["code"]) == (422, "cid_mismatch")
    assert client.head(url, headers=TUS).status_code == 404
    assert client.get(f"/v1/blobs/{show_cid(cid_of(b'12345'))}").status_code == 404


def test_an_upload_may_be_given_up(client: httpx.Client, folder: Path) -> None:
    """Then it is unknown, and its file is gone; a blob that it became stays."""
    before = set(folder.glob("blobs/*.part"))
    url = begun(client, 10)
    patch(client, url, b"12345", 0)
    assert len(set(folder.glob("blobs/*.part")) - before) == 1
    assert client.delete(url, headers=TUS).status_code == 204
    for response in (client.delete(url, headers=TUS), patch(client, url, b"67890", 5)):
        assert (response.status_code, response.json()["code"]) == (404, "unknown_upload")
        assert response.headers["tus-resumable"] == "1.0.0"
    assert set(folder.glob("blobs/*.part")) == before
    url = begun(client, 3)
    cid = patch(client, url, b"abc", 0).headers["blob-cid"]
    client.delete(url, headers=TUS)
    assert client.get(f"/v1/blobs/{cid}").content == b"abc"


@pytest.mark.parametrize("version", [{}, {"tus-resumable": "0.2.2"}])
def test_another_version_is_refused(client: httpx.Client, version: dict[str, str]) -> None:
    """412 with the one that we speak."""
    response = client.post("/v1/uploads", headers={**version, "upload-length": "1"})
    assert (response.status_code, response.json()["code"]) == (412, "unsupported_tus_version")
    assert response.headers["tus-version"] == response.headers["tus-resumable"] == "1.0.0"


def test_an_upload_is_its_keys(client: httpx.Client, service: Service) -> None:
    """Open uploads take the key's room, so it cannot be passed by beginning many."""
    urls = [begun(client, BLOB_TERMS.bytes_most) for _ in range(2)]
    refused = begin(client, BLOB_TERMS.bytes_most)
    assert (refused.status_code, refused.json()["code"]) == (507, "uploads_full")
    for url in urls:
        client.delete(url, headers=TUS)
