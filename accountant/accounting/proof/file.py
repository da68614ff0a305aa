"""The portable file: canonical bytes, a statement, hints, and evidence in pieces, each under a checksum of its own.

Checksums name what was changed by accident; nobody trusts them. What cannot be changed is said by headers alone.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import msgspec

from accountant.accounting.proof.errors import CertificateRefused
from accountant.accounting.proof.window import Window, ZeroWindow
from accountant.primitives.encoding import Decoder, Record, encode
from accountant.primitives.errors import InvalidEncoding
from accountant.primitives.hashes import sha256

CERTIFICATE_FILE_BYTES_MAX = 64 * 1024 * 1024
VERSION = 1

_MAGIC = b"anh/certificate\x00"
_CHECKSUM_BYTES = 8


class OutcomeDigest(Record, frozen=True):
    """A transaction, and SHA-256 of the encoding of its outcome."""

    transaction: bytes
    digest: bytes


class Statement(Record, frozen=True):
    """What is certified: on the chain of this genesis, whose block at `height` has this hash, `query` has `answer`."""

    chain_id: int
    genesis: bytes
    height: int
    block: bytes
    query: bytes
    """Canonical encoding, as it is sworn."""
    answer: bytes
    gas: int
    """Gas that finding it out from nothing takes."""
    outcomes: tuple[OutcomeDigest, ...]
    """What it rests on, in the order in which it is found from nothing."""


class Walks(Record, frozen=True):
    """Where walks over balances begin. Nobody has to trust it."""

    windows: tuple[Window, ...]
    zero_windows: tuple[ZeroWindow, ...]


class _Item(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True, gc=False, tag_field="kind"):
    """Base of the pieces of evidence: encoded as [tag, fields…]."""

    height: int


class TransactionItem(_Item, frozen=True, tag=0):
    """A transaction's bytes, and its place in the block."""

    index: int
    raw: bytes

    @property
    def name(self) -> str:
        return f"transaction {self.index} of block {self.height}"


class HashItem(_Item, frozen=True, tag=1):
    """The hash of a transaction that is not carried itself."""

    index: int
    hash: bytes

    @property
    def name(self) -> str:
        return f"hash of transaction {self.index} of block {self.height}"


class LeafItem(_Item, frozen=True, tag=2):
    """A leaf of the block's footprint tree."""

    index: int
    leaf: bytes

    @property
    def name(self) -> str:
        return f"footprint leaf {self.index} of block {self.height}"


class PathItem(_Item, frozen=True, tag=3):
    """What leads from the block's pieces to the roots in its header."""

    leaf_count: int
    transaction_nodes: tuple[bytes, ...]
    leaf_nodes: tuple[bytes, ...]

    @property
    def name(self) -> str:
        return f"Merkle paths of block {self.height}"


Item = TransactionItem | HashItem | LeafItem | PathItem
_KINDS: list[type[Item]] = [TransactionItem, HashItem, LeafItem, PathItem]


def _order(item: Item) -> tuple[int, int, int]:
    """Pieces are sorted by block, kind and place, each once."""
    return item.height, _KINDS.index(type(item)), 0 if isinstance(item, PathItem) else item.index


def evidence_in_order(items: Iterable[Item]) -> tuple[Item, ...]:
    """Pieces as a file carries them."""
    return tuple(sorted(items, key=_order))


def check_order(items: Sequence[Item]) -> None:
    """Raises `CertificateRefused` and names a piece that is out of order, or there twice."""
    for earlier, later in pairwise(items):
        if _order(earlier) >= _order(later):
            raise CertificateRefused(later.name, f"it comes again, or after {earlier.name}")


class _File(Record, frozen=True):
    magic: bytes
    version: int
    checksums: bytes
    statement: Statement
    walks: Walks
    items: tuple[Item, ...]


class CertificateFile(Record, frozen=True):
    """What a file carries. Nothing of it is proved yet."""

    statement: Statement
    walks: Walks
    items: tuple[Item, ...]


_files = Decoder(_File, CERTIFICATE_FILE_BYTES_MAX)


def encode_certificate(file: CertificateFile) -> bytes:
    """The canonical bytes, pieces in order."""
    items = evidence_in_order(file.items)
    sums = b"".join(_checksum(part) for _, part in _parts(file.statement, file.walks, items))
    return encode(_File(_MAGIC, VERSION, sums, file.statement, file.walks, items))


def decode_certificate_file(raw: bytes) -> CertificateFile:
    """The parts of a file. Raises `CertificateRefused` and names the one that was changed, as far as it can be told."""
    try:
        file = _files.decode(raw)
    except InvalidEncoding as error:
        raise CertificateRefused("file", error.detail) from None
    if file.magic != _MAGIC:
        raise CertificateRefused("file", "it is no portable certificate")
    if file.version != VERSION:
        raise CertificateRefused("file", f"it has version {file.version}, not {VERSION}")
    parts = list(_parts(file.statement, file.walks, file.items))
    if len(file.checksums) != _CHECKSUM_BYTES * len(parts):
        raise CertificateRefused("checksums", f"they are not those of {len(parts)} parts")
    for number, (name, part) in enumerate(parts):
        if file.checksums[_CHECKSUM_BYTES * number :][:_CHECKSUM_BYTES] != _checksum(part):
            raise CertificateRefused(name, "it does not have its checksum: one of the two was changed")
    check_order(file.items)
    return CertificateFile(file.statement, file.walks, file.items)


def _checksum(part: object) -> bytes:
    return sha256(encode(part))[:_CHECKSUM_BYTES]


def _parts(statement: Statement, walks: Walks, items: tuple[Item, ...]) -> Iterator[tuple[str, object]]:
    yield "statement", statement
    yield "walks", walks
    for item in items:
        yield item.name, item
