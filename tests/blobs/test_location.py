"""ANH_BLOBS: one URL says where blobs are, and no error repeats it."""

from pathlib import Path

import pytest

from accountant.blobs.errors import InvalidBlobsUrl, StoreUnavailable
from accountant.blobs.location import open_location
from accountant.blobs.store import Store
from accountant.primitives.cid import cid_of


@pytest.mark.parametrize("url", [None, "{}", "file://{}"])
def test_a_folder(url: str | None, tmp_path: Path) -> None:
    """By default the blobs' own in the data folder; else the one that is named."""
    location = open_location(url and url.format(tmp_path / "named"), tmp_path / "default")
    assert location.folder == tmp_path / ("default" if url is None else "named")
    assert location.ports == ()


def test_an_ipfs_node(tmp_path: Path) -> None:
    """Its port is told, for processes that may reach nothing else; files come in beside the default."""
    location = open_location("ipfs+http://user:pass@127.0.0.1:5001", tmp_path)
    assert (location.folder, location.ports) == (tmp_path, (5001,))
    assert open_location("ipfs+https://example.org", tmp_path).ports == (443,)


@pytest.mark.parametrize(
    "url",
    [
        "", "ftp://s3cret/x", "http://s3cret", "ipfs+http://s3cret:port", "ipfs+http://", "ipfs+http://s3cret/path",
        "ipfs+ftp://s3cret", "file://s3cret/x", "s3://", "s3://key:s3cret@bucket", "s3://s3cret?endpoint=ftp://x",
        "s3://s3cret?colour=red", "s3://s3cret?endpoint", "ipfs+http://[s3cret",
    ],
)  # fmt: skip
def test_other_urls_are_refused(url: str, tmp_path: Path) -> None:
    """With what would be right, and without what was given: it may hold a password."""
    with pytest.raises(InvalidBlobsUrl) as refused:
        open_location(url, tmp_path)
    assert "ANH_BLOBS" in refused.value.detail and "s3cret" not in refused.value.detail


def test_a_node_that_is_down_is_one_error(tmp_path: Path) -> None:
    """Every way to use it raises StoreUnavailable."""
    store = Store(open_location("ipfs+http://127.0.0.1:1", tmp_path))
    for use in (lambda: store.get(cid_of(b""), 0), lambda: store.has(cid_of(b"")), lambda: store.remove(cid_of(b""))):
        with pytest.raises(StoreUnavailable):
            use()
