"""Headers alone: a genesis and the signed headers that follow it, checked without any transaction.

They are what somebody trusts who does not follow the chain: that the blocks behind them were validated, by the
proposers who signed them and by everybody who took them.
"""

from collections.abc import Iterable
from typing import NamedTuple

from accountant.chain.block import Header
from accountant.chain.errors import BlockRefusal, InvalidBlock, InvalidGenesis
from accountant.chain.genesis import Genesis
from accountant.chain.state import ChainHead, ChainState
from accountant.chain.validator import validate_header
from accountant.primitives.encoding import Decoder, Record, encode
from accountant.primitives.errors import AccountantError, InvalidEncoding
from accountant.primitives.types import Hash, Height, Seq

HEADERS_BYTES_MAX = 1024 * 1024 * 1024
_MAGIC = b"anh/headers\x00"


class SignedHeader(Record, frozen=True):
    """A header and its proposer's signature."""

    header: Header
    signature: bytes


class _HeadersFile(Record, frozen=True):
    magic: bytes
    genesis: Genesis
    headers: tuple[SignedHeader, ...]


class InvalidHeaders(AccountantError):
    """Headers that are no chain. The detail names the first one at fault."""

    code = "invalid_headers"


class Headers(NamedTuple):
    """A chain of headers from genesis on, each signed by whose turn it was."""

    genesis: Genesis
    headers: tuple[Header, ...]
    """Entry i: the header at height i + 1."""
    hashes: tuple[Hash, ...]
    """Entry i: the hash of the block at height i, genesis included."""
    first_seqs: tuple[Seq, ...]
    """Entry i: the number of the first transaction of the block at height i."""

    @property
    def height(self) -> Height:
        """The height of the last header."""
        return Height(len(self.headers))


_lists: Decoder[tuple[SignedHeader, ...]] = Decoder(tuple[SignedHeader, ...], HEADERS_BYTES_MAX)
_files = Decoder(_HeadersFile, HEADERS_BYTES_MAX)


def encode_headers(genesis: Genesis, headers: Iterable[SignedHeader]) -> bytes:
    """A headers file: canonical bytes."""
    return encode(_HeadersFile(_MAGIC, genesis, tuple(headers)))


def decode_signed_headers(raw: bytes) -> tuple[SignedHeader, ...]:
    """Some signed headers, as a service hands them out. Raises `InvalidEncoding`."""
    return _lists.decode(raw)


def decode_headers(raw: bytes) -> Headers:
    """The headers of a file, checked one by one from genesis on. Raises `InvalidHeaders`."""
    try:
        file = _files.decode(raw)
    except InvalidEncoding as error:
        raise InvalidHeaders(f"no headers file: {error.detail}") from None
    if file.magic != _MAGIC:
        raise InvalidHeaders("no headers file: it begins with something else")
    return validate_headers(file.genesis, file.headers)


def validate_headers(genesis: Genesis, signed: Iterable[SignedHeader]) -> Headers:
    """The chain that these headers make. Raises `InvalidHeaders`."""
    try:
        state = ChainState.at_genesis(genesis)
    except InvalidGenesis as error:
        raise InvalidHeaders(f"genesis: {error.detail}") from None
    headers: list[Header] = []
    hashes, first_seqs = [state.head.hash], [Seq(0)]
    for header, signature in ((one.header, one.signature) for one in signed):
        height = len(headers) + 1
        try:
            block_hash = validate_header(header, signature, state)
        except InvalidBlock as error:
            changed = height == 1 and error.kind is BlockRefusal.PREVIOUS_HASH
            raise InvalidHeaders(f"{'genesis, or ' if changed else ''}header {height}: {error.detail}") from None
        first_seqs.append(state.head.next_seq)
        headers.append(header)
        hashes.append(block_hash)
        next_seq = Seq(state.head.next_seq + header.transaction_count)
        state.apply(ChainHead(Height(height), block_hash, header.time, next_seq), {}, {}, {})
    return Headers(genesis, tuple(headers), tuple(hashes), tuple(first_seqs))
