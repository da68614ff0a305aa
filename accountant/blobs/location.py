"""`ANH_BLOBS`: where blobs are kept, as one URL."""

from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from accountant.blobs.backing import Backing
from accountant.blobs.errors import InvalidBlobsUrl
from accountant.blobs.files import FileBacking, FolderBacking
from accountant.blobs.kubo import KuboBacking

_FORMS = (
    "ANH_BLOBS is a folder, s3://bucket/prefix (with ?endpoint=http://host:port where it is not Amazon's), "
    "or ipfs+http://host:port"
)
_PORTS = {"http": 80, "https": 443}


class Location(NamedTuple):
    """A store. `folder`: of this machine, where files come in, and stay unless they go elsewhere. `ports`: what a
    process must reach to use it.
    """

    backing: Backing
    folder: Path
    ports: tuple[int, ...]


def open_location(url: str | None, folder: Path) -> Location:
    """The store of a URL; without one, or with a path, a folder. `folder`: the blobs' own in the data folder.

    Raises `InvalidBlobsUrl`, which repeats no part of the URL.
    """
    if url is None:
        return _of_folder(folder)
    try:
        scheme = urlsplit(url).scheme
        if "://" not in url:
            return _of_folder(Path(url))
        if scheme == "file" and not urlsplit(url).netloc:
            return _of_folder(Path(unquote(urlsplit(url).path)))
        if scheme == "s3":
            return _of_s3(url, folder)
        if scheme in ("ipfs+http", "ipfs+https"):
            return _of_ipfs(url.removeprefix("ipfs+"), folder)
    except ValueError:  # a port that is none, brackets that do not close
        pass
    raise InvalidBlobsUrl(_FORMS)


def _of_folder(folder: Path) -> Location:
    if not folder.parts:
        raise InvalidBlobsUrl(_FORMS)
    return Location(FolderBacking(folder), folder, ())


def _of_s3(url: str, folder: Path) -> Location:
    parts = urlsplit(url)
    options = parse_qs(parts.query, strict_parsing=bool(parts.query))
    if not parts.netloc or "@" in parts.netloc or set(options) - {"endpoint", "region"}:
        raise InvalidBlobsUrl(_FORMS + "; S3's keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    endpoint = options["endpoint"][0] if "endpoint" in options else None
    port = _PORTS["https"] if endpoint is None else _port(endpoint)
    if find_spec("s3fs") is None:
        raise InvalidBlobsUrl("ANH_BLOBS=s3://… needs a package more: pip install 'anh-accountant[s3]'")
    from s3fs import S3FileSystem  # only who keeps blobs there has it

    client = {"region_name": options["region"][0]} if "region" in options else {}
    system = S3FileSystem(endpoint_url=endpoint, client_kwargs=client, use_listings_cache=False)
    return Location(FileBacking(system, parts.netloc + parts.path), folder, (port,))


def _of_ipfs(url: str, folder: Path) -> Location:
    parts = urlsplit(url)
    if parts.path.strip("/") or parts.query:
        raise InvalidBlobsUrl(_FORMS)
    port = _port(url)
    return Location(KuboBacking(url), folder, (port,))


def _port(url: str) -> int:
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise InvalidBlobsUrl(_FORMS)
    return parts.port or _PORTS[parts.scheme]
