"""Merkle trees as in RFC 6962, with the leaf count committed beside the tree's hash."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256 as _sha256

from accountant.primitives.types import Hash

_EMPTY = _sha256(b"").digest()


def _committed(top: bytes, count: int) -> Hash:
    return Hash(_sha256(b"\x02" + count.to_bytes(8, "big") + top).digest())


def _above(level: list[bytes]) -> list[bytes]:
    """The level above. An odd last node moves up unchanged, which is RFC 6962's split."""
    pairs = iter(level)
    above = [_sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=False)]
    if len(level) % 2:
        above.append(level[-1])
    return above


def _levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """All levels, bottom first."""
    level = [_sha256(b"\x00" + leaf).digest() for leaf in leaves]
    levels = [level]
    while len(level) > 1:
        level = _above(level)
        levels.append(level)
    return levels


def root(leaves: Sequence[bytes]) -> Hash:
    """SHA-256(2 ‖ count as 8 bytes ‖ MTH(leaves)); MTH as in RFC 6962, section 2.1."""
    level = [_sha256(b"\x00" + leaf).digest() for leaf in leaves] or [_EMPTY]
    while len(level) > 1:
        level = _above(level)
    return _committed(level[0], len(leaves))


def streamed_root(leaves: Iterable[bytes]) -> Hash:
    """The same of leaves that come one by one, however many: it remembers log₂ of their count."""
    peaks: list[tuple[int, bytes]] = []
    count = 0
    for leaf in leaves:
        node, width = _sha256(b"\x00" + leaf).digest(), 1
        while peaks and peaks[-1][0] == width:
            node, width = _sha256(b"\x01" + peaks.pop()[1] + node).digest(), 2 * width
        peaks.append((width, node))
        count += 1
    top = peaks.pop()[1] if peaks else _EMPTY
    while peaks:
        top = _sha256(b"\x01" + peaks.pop()[1] + top).digest()
    return _committed(top, count)


def proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The audit path of one leaf, bottom first (RFC 6962, section 2.1.1)."""
    assert 0 <= index < len(leaves)
    path = []
    for level in _levels(leaves)[:-1]:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        index //= 2
    return path


def verify(leaf: bytes, index: int, count: int, path: Sequence[bytes], expected: Hash) -> bool:
    """Whether `leaf` stands at `index` of the `count` leaves under the root `expected`."""
    if not 0 <= index < count:
        return False
    node = _sha256(b"\x00" + leaf).digest()
    width, steps = count, iter(path)
    try:
        while width > 1:
            if index ^ 1 < width:
                sibling = next(steps)
                pair = sibling + node if index % 2 else node + sibling
                node = _sha256(b"\x01" + pair).digest()
            index //= 2
            width = (width + 1) // 2
    except StopIteration:
        return False
    return next(steps, None) is None and _committed(node, count) == expected


def proof_of_many(leaves: Sequence[bytes], indices: Iterable[int]) -> list[bytes]:
    """What `verify_many` needs beside some leaves: the missing siblings, level by level, each ascending."""
    wanted = sorted(set(indices))
    assert not wanted or (wanted[0] >= 0 and wanted[-1] < len(leaves))
    nodes: list[bytes] = []
    for level in _levels(leaves)[:-1] if wanted else ():
        here = set(wanted)
        nodes += [level[i ^ 1] for i in wanted if i ^ 1 < len(level) and i ^ 1 not in here]
        wanted = sorted({i // 2 for i in wanted})
    return nodes


def verify_many(leaves: Mapping[int, bytes], count: int, nodes: Sequence[bytes], expected: Hash) -> bool:
    """Whether every one of `leaves` stands at its index of the `count` leaves under the root `expected`.

    With no leaf: whether the tree is empty.
    """
    if not leaves:
        return count == 0 and not nodes and _committed(_EMPTY, 0) == expected
    if min(leaves) < 0 or max(leaves) >= count:
        return False
    level = {index: _sha256(b"\x00" + leaf).digest() for index, leaf in sorted(leaves.items())}
    width, rest = count, iter(nodes)
    while width > 1:
        above: dict[int, bytes] = {}
        for index, node in level.items():
            if index // 2 in above:
                continue  # its left sibling was here and took it along
            if index ^ 1 < width:
                sibling = level.get(index ^ 1) or next(rest, None)
                if sibling is None:
                    return False
                node = _sha256(b"\x01" + (sibling + node if index % 2 else node + sibling)).digest()
            above[index // 2] = node
        level, width = above, (width + 1) // 2
    return next(rest, None) is None and _committed(level[0], count) == expected
