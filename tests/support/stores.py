"""A store over each backing: a folder, S3 (moto's server, where the extra s3-tests is installed), an IPFS node."""

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from accountant.blobs.location import open_location
from accountant.blobs.store import Store
from accountant.primitives.cid import show_cid
from accountant.primitives.types import Cid
from tests.support.kubo import kubo_node

KINDS: Sequence[str] = ("folder", "ipfs", "s3") if importlib.util.find_spec("moto") else ("folder", "ipfs")
"""S3 needs packages that nothing else needs."""


class Opened:
    """A store, and how somebody else damages what is in it."""

    def __init__(self, store: Store, url: str, damage: Callable[[Cid, bytes], None]) -> None:
        self.store, self.url, self.damage = store, url, damage


@contextmanager
def opened(kind: str, folder: Path) -> Iterator[Opened]:
    """A store of this kind, empty."""
    match kind:
        case "folder":
            yield _of_folder(folder)
        case "ipfs":
            with kubo_node() as node:
                url = "ipfs+" + node.url
                yield Opened(
                    Store(open_location(url, folder)),
                    url,
                    lambda cid, data: node.blocks.__setitem__(show_cid(cid), data),
                )
        case _:
            with _of_s3(folder) as made:
                yield made


def _of_folder(folder: Path) -> Opened:
    def damage(cid: Cid, data: bytes) -> None:
        (folder / show_cid(cid)).write_bytes(data)

    return Opened(Store(open_location(str(folder), folder)), str(folder), damage)


@contextmanager
def _of_s3(folder: Path) -> Iterator[Opened]:
    import boto3
    from moto.server import ThreadedMotoServer

    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        server.start()
        try:
            host, port = server.get_host_and_port()
            endpoint = f"http://{host}:{port}"
            client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
            client.create_bucket(Bucket="blobs")

            def damage(cid: Cid, data: bytes) -> None:
                client.put_object(Bucket="blobs", Key=f"anh/{show_cid(cid)}", Body=data)

            url = f"s3://blobs/anh?endpoint={endpoint}&region=us-east-1"
            yield Opened(Store(open_location(url, folder)), url, damage)
        finally:
            server.stop()
