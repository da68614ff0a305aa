"""The footprint root: a block's own page of the inverted file, committed in its header (DESIGN section 2).

One leaf for each key that any transaction of the block has a row under, sorted by key: the encoding of
[key, [kind, indices, caps]…] with the kinds ascending, the indices (places in the block) ascending and
`caps` the sum of the rows' caps as 16 bytes big-endian, since sums pass 2^63. Whoever holds the leaf of a
contract's account knows every transaction of the block that may debit it; two neighbours prove absence.
"""

from collections.abc import Mapping, Sequence

import msgspec

from accountant.chain.rows import Row
from accountant.primitives import merkle
from accountant.primitives.encoding import encode
from accountant.primitives.errors import InvalidEncoding
from accountant.primitives.types import Hash

_Posting = tuple[int, int, int]
"""Kind, index, cap."""

Page = Mapping[int, tuple[tuple[int, ...], int]]
"""What a block has under one key: kind → places in the block, ascending, and the sum of their caps."""

_keys = msgspec.msgpack.Decoder(list[msgspec.Raw])
_key = msgspec.msgpack.Decoder(bytes)
_kinds = msgspec.msgpack.Decoder(tuple[int, tuple[int, ...], bytes])


def footprint_leaves(rows: Sequence[Sequence[Row]]) -> list[bytes]:
    """The leaves of a block whose transaction i has `rows[i]`."""
    first: dict[bytes, _Posting] = {}
    pages: dict[bytes, list[_Posting]] = {}
    for index, own in enumerate(rows):
        for key, kind, cap in own:
            if key not in first:  # most keys of most blocks stop here
                first[key] = (kind, index, cap)
            elif key in pages:
                pages[key].append((kind, index, cap))
            else:
                pages[key] = [first[key], (kind, index, cap)]
    return [_leaf(key, pages[key]) if key in pages else _short_leaf(key, *first[key]) for key in sorted(first)]


def footprint_root(rows: Sequence[Sequence[Row]]) -> Hash:
    """The root over the leaves, as RFC 6962 with the leaf count committed."""
    return merkle.root(footprint_leaves(rows))


def page_of(leaf: bytes) -> tuple[bytes, Page]:
    """The key and page of a leaf that stands in a footprint tree. Raises `InvalidEncoding` for bytes that are none."""
    try:
        key, *kinds = _keys.decode(leaf)
        pages = [_kinds.decode(kind) for kind in kinds]
        return _key.decode(key), {kind: (indices, int.from_bytes(caps, "big")) for kind, indices, caps in pages}
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InvalidEncoding(f"footprint leaf: {error}") from None


def _short_leaf(key: bytes, kind: int, index: int, cap: int) -> bytes:
    return encode((key, (kind, (index,), cap.to_bytes(16, "big"))))


def _leaf(key: bytes, page: list[_Posting]) -> bytes:
    page.sort()
    kinds: dict[int, tuple[list[int], list[int]]] = {}
    for kind, index, cap in page:
        indices, caps = kinds.setdefault(kind, ([], []))
        indices.append(index)
        caps.append(cap)
    return encode([key, *([kind, indices, sum(caps).to_bytes(16, "big")] for kind, (indices, caps) in kinds.items())])
