"""The footprint root."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from accountant.chain.footprint_root import footprint_leaves, footprint_root
from accountant.chain.rows import Row
from accountant.primitives import merkle
from accountant.primitives.encoding import encode

ROWS = st.builds(Row, st.sampled_from([b"ga", b"gb", b"sab", b"sabc"]), st.integers(0, 10), st.integers(0, 2**63 - 1))
BLOCKS = st.lists(st.lists(ROWS, max_size=5, unique_by=lambda row: (row.key, row.kind)), max_size=6)


def test_a_vector_by_hand() -> None:
    """One leaf for each key, sorted; kinds ascending; indices; caps as 16 bytes: byte by byte as documented."""
    rows = [[Row(b"gb", 7, 5), Row(b"ga", 2, 2**63 - 1)], [Row(b"ga", 2, 2**63 - 1), Row(b"ga", 1, 0)]]
    first = (
        b"\x93\xc4\x02ga"
        + b"\x93\x01\x91\x01\xc4\x10" + bytes(16)
        + b"\x93\x02\x92\x00\x01\xc4\x10" + (2**64 - 2).to_bytes(16, "big")
    )  # fmt: skip
    second = b"\x92\xc4\x02gb\x93\x07\x91\x00\xc4\x10" + (5).to_bytes(16, "big")
    assert footprint_leaves(rows) == [first, second]
    left, right = (hashlib.sha256(b"\x00" + leaf).digest() for leaf in (first, second))
    top = hashlib.sha256(b"\x01" + left + right).digest()
    assert footprint_root(rows) == hashlib.sha256(b"\x02" + (2).to_bytes(8, "big") + top).digest()


@given(BLOCKS)
def test_leaves_say_all_and_nothing_else(block: list[list[Row]]) -> None:
    """The leaves of any block are those of a plain look through all of its rows for each key and kind."""
    expected = []
    for key in sorted({row.key for rows in block for row in rows}):
        page: list[object] = [key]
        for kind in range(11):
            hits = [(i, row.cap) for i, rows in enumerate(block) for row in rows if (row.key, row.kind) == (key, kind)]
            if hits:
                page.append([kind, [i for i, _ in hits], sum(cap for _, cap in hits).to_bytes(16, "big")])
        expected.append(encode(page))
    assert footprint_leaves(block) == expected
    assert footprint_root(block) == merkle.root(expected)
