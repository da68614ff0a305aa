"""Blobs over REST: what is sent comes back, whole or in part, checked; what is damaged is never served."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from random import Random

import httpx
import pytest

from accountant.blobs.pieces import PIECE_BYTES
from accountant.primitives.cid import cid_of, show_cid
from accountant.primitives.hashes import sha256
from accountant.storage.embedded import EmbeddedServers
from accountant.storage.keys_store import Keys, StoredKey
from tests.support.blob_office import publish
from tests.support.service import BLOB_TERMS, Service, running_service

OCTETS = {"content-type": "application/octet-stream"}
LARGE = Random(3).randbytes(2 * PIECE_BYTES + 777)
HELLO = b"hello world"
HELLO_CID = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"


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


def send(client: httpx.Client, data: bytes, query: str = "") -> httpx.Response:
    return client.post("/v1/blobs" + query, content=data, headers=OCTETS)


def sent(client: httpx.Client, data: bytes) -> str:
    response = send(client, data)
    assert response.status_code in (200, 201), response.text
    return str(response.json()["cid"])


def test_what_is_sent_comes_back(client: httpx.Client) -> None:
    """Under the name that IPFS gives it: new the first time, there the second, with a location that reads it."""
    first, second = send(client, HELLO), send(client, HELLO)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json() == {"cid": HELLO_CID, "size": 11}
    response = client.get(first.headers["location"])
    assert (response.status_code, response.content) == (200, HELLO)
    assert response.headers["etag"] == f'"{HELLO_CID}"'
    assert response.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert response.headers["accept-ranges"] == "bytes" and response.headers["content-length"] == "11"
    assert response.headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize("data", [b"", LARGE], ids=["nothing", "large"])
def test_every_size(client: httpx.Client, data: bytes) -> None:
    """No byte and several pieces; sent in chunks of no announced length too."""
    cid = show_cid(cid_of(data))
    chunks = (data[at : at + 70_001] for at in range(0, len(data), 70_001))
    assert client.post("/v1/blobs", content=chunks, headers=OCTETS).json() == {"cid": cid, "size": len(data)}
    assert client.get(f"/v1/blobs/{cid}").content == data
    head = client.head(f"/v1/blobs/{cid}")
    assert (head.status_code, head.headers["content-length"], head.content) == (200, str(len(data)), b"")


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-1048580", 10, 1_048_581),
        ("bytes=1048576-", 1_048_576, len(LARGE)),
        ("bytes=-5", len(LARGE) - 5, len(LARGE)),
        ("bytes=-99999999", 0, len(LARGE)),
        ("bytes=5-99999999999", 5, len(LARGE)),
    ],
)
def test_a_range(client: httpx.Client, asked: str, start: int, stop: int) -> None:
    """206 with those bytes and where they lie."""
    response = client.get(f"/v1/blobs/{sent(client, LARGE)}", headers={"range": asked})
    assert (response.status_code, response.content) == (206, LARGE[start:stop])
    assert response.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(LARGE)}"


@pytest.mark.parametrize("asked", ["bytes=0-1,4-5", "lines=0-1", "bytes=5-4", "bytes=-", "bytes=a-b", "bytes=1"])
def test_other_ranges_get_the_whole(client: httpx.Client, asked: str) -> None:
    """Several ranges, other units, and what is no range: 200, as RFC 9110 allows."""
    response = client.get(f"/v1/blobs/{sent(client, HELLO)}", headers={"range": asked})
    assert (response.status_code, response.content) == (200, HELLO)


@pytest.mark.parametrize("asked", ["bytes=11-", "bytes=99-100", "bytes=-0"])
def test_a_range_beyond_the_end(client: httpx.Client, asked: str) -> None:
    """416 with the size."""
    response = client.get(f"/v1/blobs/{sent(client, HELLO)}", headers={"range": asked})
    assert (response.status_code, response.json()["code"]) == (416, "range_not_satisfiable")
    assert response.headers["content-range"] == "bytes */11"


def test_who_has_it_gets_no_bytes(client: httpx.Client) -> None:
    """304 for the CID as an entity tag; a range only if it is of the same blob."""
    path = f"/v1/blobs/{sent(client, HELLO)}"
    for names in (f'"{HELLO_CID}"', f'"other", W/"{HELLO_CID}"', "*"):
        response = client.get(path, headers={"if-none-match": names})
        assert (response.status_code, response.content) == (304, b"")
    assert client.get(path, headers={"if-none-match": '"other"'}).status_code == 200
    for name, status in ((f'"{HELLO_CID}"', 206), ('"other"', 200)):
        assert client.get(path, headers={"range": "bytes=0-1", "if-range": name}).status_code == status


def test_other_bytes_than_announced_are_not_kept(client: httpx.Client, service: Service) -> None:
    """With a CID the bytes must be its bytes."""
    before = service.rows()
    refused = send(client, b"other bytes", f"?cid={HELLO_CID}")
    assert (refused.status_code, refused.json()["code"]) == (422, "cid_mismatch")
    assert service.rows() == before
    assert client.get(f"/v1/blobs/{show_cid(cid_of(b'other bytes'))}").status_code == 404
    assert send(client, HELLO, f"?cid={HELLO_CID}").status_code in (200, 201)


def test_more_than_allowed_is_not_read(client: httpx.Client, service: Service) -> None:
    """Announced it is refused at once, else as soon as it is too much; nothing is left, and the connection closed."""
    before, parts = service.rows(), 0

    def endless() -> Iterator[bytes]:
        nonlocal parts
        while True:
            parts += 1
            yield bytes(65_536)

    too_much = BLOB_TERMS.bytes_most + 1
    assert send(client, bytes(too_much)).json()["code"] == "request_entity_too_large"
    try:
        response = client.post("/v1/blobs", content=endless(), headers=OCTETS)
    except httpx.TransportError:  # the server may close the connection on a client that does not stop
        pass
    else:
        assert response.status_code == 413
    assert parts < 1_000
    assert service.rows() == before


@pytest.mark.parametrize("at", [0, len(LARGE) - 1], ids=["first piece", "last piece"])
def test_damage_is_never_served(client: httpx.Client, folder: Path, at: int) -> None:
    """In the first piece it is a problem; in a later one the answer breaks off before it. Then it is unavailable, in
    the list too, and sending it again mends it.
    """
    cid = sent(client, LARGE)
    path, url = folder / "blobs" / cid, f"/v1/blobs/{cid}"
    path.write_bytes(LARGE[:at] + bytes([LARGE[at] ^ 1]) + LARGE[at + 1 :])
    if at == 0:
        assert client.get(url).json()["code"] == "blob_unavailable"
    else:
        served = bytearray()
        with pytest.raises(httpx.RemoteProtocolError), client.stream("GET", url) as response:
            served.extend(byte for part in response.iter_raw() for byte in part)
        assert client.get(url).json()["code"] == "blob_unavailable"
    assert client.head(url).status_code == 503
    listed = {item["cid"]: item["available"] for item in client.get("/v1/blobs").json()["items"]}
    assert listed[cid] is False
    assert send(client, LARGE).status_code == 201
    assert client.get(url).content == LARGE


def test_the_list_says_what_keeps_each(client: httpx.Client, service: Service) -> None:
    """The latest first, in pages, with what refers to it; another key sees what the chain names and no more."""
    mine, public = sent(client, b"mine"), sent(client, b"public")
    publish(service.engine, cid_of(b"public"), 6)
    first = client.get("/v1/blobs?limit=1")
    page = first.json()
    assert [item["cid"] for item in page["items"]] == [public] and page["has_more"]
    assert page["items"][0]["references"]["published"] and page["items"][0]["size"] == 6
    second = client.get(first.links["next"]["url"]).json()
    assert [item["cid"] for item in second["items"]] == [mine]
    assert second["items"][0]["references"]["uploaded_until"] is not None
    assert not second["items"][0]["references"]["published"] and second["items"][0]["references"]["saved"] == 0
    with service.client(other_key(service)) as other:
        assert [item["cid"] for item in other.get("/v1/blobs").json()["items"]] == [public]
        assert other.get("/v1/blobs?cursor=" + page["next_cursor"]).status_code == 422
        assert other.get(f"/v1/blobs/{mine}").content == b"mine"  # whoever knows its name


def test_a_key_has_so_much_room(client: httpx.Client, service: Service) -> None:
    """507 beyond it, and what is there may be sent again."""
    key = other_key(service)
    with service.client(key) as other:
        blobs = [bytes([number]) * BLOB_TERMS.bytes_most for number in range(4)]
        statuses = [send(other, data).status_code for data in blobs]
        assert statuses == [201, 201, 201, 507]
        assert send(other, blobs[3]).json()["code"] == "uploads_full"
        assert send(other, blobs[0], f"?cid={show_cid(cid_of(blobs[0]))}").status_code == 200


def other_key(service: Service) -> str:
    """Another API key of the service."""
    prefix = secrets.token_hex(6)
    text = f"anh_{prefix}_" + "s" * 43
    with service.engine.begin() as connection:
        Keys(connection).add(StoredKey(prefix, sha256(text.encode())))
    return text
