"""Queries and answers have one encoding each, and nothing else decodes."""

import msgspec
import pytest

from accountant.chain.block import Position
from accountant.chain.footprint import QUERY_BYTES_MAX
from accountant.chain.query import (
    VIEW_GAS_MAX,
    AccountingQuery,
    Answer,
    BalanceAtLeast,
    Every,
    Income,
    Storage,
    TransactionSucceeded,
    View,
    ViewAnswer,
    decode_answer,
    decode_query,
    gas_beside,
    query_hash,
)
from accountant.primitives.encoding import encode
from accountant.primitives.errors import InvalidEncoding

POSITION = Position(b"\xbb" * 32, 3)
VIEW = View(b"\xcc" * 32, "price", (-1, b"\x01\x02"), 60_000, POSITION)
EVERY = Every(
    (
        BalanceAtLeast(b"\xaa" * 20, 5, POSITION),
        TransactionSucceeded(b"\xcc" * 32),
        Storage(b"\xcc" * 32, b"\x01", POSITION),
    )
)
EVERY_VECTOR = (
    "920793"
    + "9400c414"
    + "aa" * 20
    + "0592c420"
    + "bb" * 32
    + "03"
    + "9201c420"
    + "cc" * 32
    + "9403c420"
    + "cc" * 32
    + "c4010192c420"
    + "bb" * 32
    + "03"
)
VECTOR = bytes.fromhex("9604c420" + "cc" * 32 + "a5707269636592ffc4020102cdea6092c420" + "bb" * 32 + "03")


def test_a_view_has_these_bytes() -> None:
    """Tag 4, contract, function, arguments, gas limit, position: a vector that must never change."""
    assert encode(VIEW) == VECTOR
    assert decode_query(VECTOR) == VIEW
    assert query_hash(VIEW).hex() == "e2f0e31f78ea8ee6c63653d06e31d8c0bcbe269276243bfcc76d93578521e42b"


@pytest.mark.parametrize(
    ("answer", "raw"),
    [
        (True, "c3"),
        (False, "c2"),
        (7, "07"),
        (b"", "c400"),
        (ViewAnswer(None, None), "92c0c0"),
        (ViewAnswer(None, -5), "92c0fb"),
        (ViewAnswer(None, b"\x05"), "92c0c40105"),
        (ViewAnswer("trap", None), "92a474726170c0"),
    ],
)
def test_answers_have_these_bytes(answer: Answer, raw: str) -> None:
    """One array for whatever comes of a view, so that nothing returned, 0, empty bytes and a failure differ."""
    assert encode(answer).hex() == raw
    assert decode_answer(bytes.fromhex(raw)) == answer


@pytest.mark.parametrize(
    "raw", ["92c3c0", "92c0c3", "92a47472617005", "92a0c0", "91c0", "93c0c0c0", "90", "c0", "a0", "cb0000000000000000"]
)
def test_what_is_no_answer(raw: str) -> None:
    """Another type, a value beside a failure, a failure without a name, a field too few or too many."""
    with pytest.raises(InvalidEncoding):
        decode_answer(bytes.fromhex(raw))


@pytest.mark.parametrize(
    "changes",
    [
        {"contract": b"\xcc" * 20},
        {"function": ""},
        {"function": "f" * 65},
        {"arguments": (2**63,)},
        {"arguments": (-(2**63) - 1,)},
        {"arguments": (True,)},
        {"arguments": ("text",)},
        {"arguments": (0,) * 33},
        {"arguments": (bytes(QUERY_BYTES_MAX),)},
        {"gas_limit": -1},
        {"gas_limit": VIEW_GAS_MAX + 1},
    ],
)
def test_what_is_no_view(changes: dict[str, object]) -> None:
    """Every field has its limits, and the whole has a size."""
    try:
        raw = encode(msgspec.structs.replace(VIEW, **changes))
    except OverflowError:
        return  # an integer that no encoding has
    with pytest.raises(InvalidEncoding):
        decode_query(raw)


def test_asking_a_view_costs_its_limit() -> None:
    """Several answers cost the flat price each; other queries, and bytes that are none, cost it once."""
    assert gas_beside(VECTOR, 10) == 60_000
    assert gas_beside(encode(EVERY), 10) == 20
    assert gas_beside(encode(Storage(b"\xcc" * 32, b"", POSITION)), 10) == 0
    assert gas_beside(b"nonsense", 10) == 0


def test_several_queries_have_these_bytes() -> None:
    """Tag 7 and the list of queries: a vector that must never change. Their answers are one array."""
    raw = encode(EVERY)
    assert raw.hex() == EVERY_VECTOR
    assert decode_query(raw) == EVERY
    answer = (True, 7, b"\x05")
    assert encode(answer).hex() == "93c307c40105" and decode_answer(encode(answer)) == answer


@pytest.mark.parametrize(
    "parts",
    [
        (),
        EVERY.queries[:1],
        EVERY.queries[:1] * 17,
        (EVERY.queries[0], VIEW),
        (EVERY.queries[0], EVERY),
        (EVERY.queries[0], BalanceAtLeast(b"\xcc" * 25, 1, POSITION)),
        (EVERY.queries[0], Income(b"\xcc" * 32, b"\xcc" * 31)),
    ],
)
def test_what_cannot_be_asked_together(parts: tuple[AccountingQuery, ...]) -> None:
    """Fewer than two, more than sixteen, a view, others that are several themselves, an account that is none."""
    with pytest.raises(InvalidEncoding):
        decode_query(encode([7, parts]))


@pytest.mark.parametrize("answer", [(), (True,), (1,) * 17, (True, None), (True, (1, 2)), ("a", 1), (1.5, True)])
def test_what_is_no_answer_of_several(answer: object) -> None:
    """Too few, too many, and what no single query has for an answer."""
    with pytest.raises(InvalidEncoding):
        decode_answer(encode(answer))
