"""Questions and answers as rows: every field is there, and nothing large is written out."""

import msgspec

from accountant.dashboard.records import BYTES_MOST, MEMBERS_MOST, ROWS_MOST, facts
from accountant.primitives.encoding import Record


class _Inner(Record, frozen=True):
    name: str
    data: bytes


class _Outer(Record, frozen=True):
    number: int
    yes: bool
    nothing: bytes | None
    members: tuple[_Inner, ...]


def test_every_field_has_its_row() -> None:
    """Records inside records are named by their place; lists are counted."""
    found = facts(_Outer(12345, True, None, (_Inner("a<b", b"\x01"),)))
    assert found == [
        ("number", "12\u202f345"),
        ("yes", "yes"),
        ("nothing", "–"),
        ("members", "1 in all"),
        ("members[0].name", "a<b"),
        ("members[0].data", "0x01"),
    ]
    assert facts(_Outer(0, False, b"", ()), frozenset({"members"}))[1:] == [("yes", "no"), ("nothing", "0x")]


def test_large_values_are_cut() -> None:
    """However long a list, a text, bytes or a number: a row stays a row, and a page a page."""
    many = tuple(_Inner("x" * 10_000, bytes(10_000)) for _ in range(1_000))
    found = facts(_Outer(10**5_000, True, bytes(10_000), many))
    assert len(found) == 4 + 2 * MEMBERS_MOST < ROWS_MOST
    assert all(len(value) < 5 * BYTES_MOST for _, value in found)
    assert dict(found)["members"] == "1\u202f000 in all"


class _Deep(msgspec.Struct):
    inner: "_Deep | None" = None


def test_depth_is_bounded() -> None:
    """Records inside records inside records are named, and no more than that."""
    deep = _Deep()
    for _ in range(100):
        deep = _Deep(deep)
    assert facts(deep) == [("inner.inner.inner.inner", "_Deep")]
