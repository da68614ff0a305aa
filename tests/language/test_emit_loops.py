"""Loops over ranges: the turns are CPython's for all bounds and steps, and never overflow."""

from itertools import islice

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from accountant.language.tree import (
    Assign,
    Break,
    Compare,
    Comparison,
    Constant,
    Continue,
    Contract,
    Expression,
    For,
    If,
    Intrinsic,
    Operation,
    Return,
)
from accountant.language.types import INT_LEAST, INT_MOST, Type
from tests.support.compiled import AT, Deployed, compute, contract_of, function_of, integer, local, operate

TURNS_MOST = 12
EDGES = (INT_LEAST, INT_LEAST + 1, -2, -1, 0, 1, 2, INT_MOST - 1, INT_MOST)
BOUNDS = st.one_of(st.integers(-20, 20), st.integers(INT_LEAST, INT_MOST), st.sampled_from(EDGES))


def numbers_of(step: Expression) -> Contract:
    """main(start, stop, step): the first numbers of the range, one after the other, then the last value of the local.

    The body assigns the local, leaves out every other number by `continue`, and ends by `break`.
    """
    data, turn, count = local(3, Type.BYTES), local(4), local(5)
    body = (
        Assign(AT, 5, operate(Operation.ADD, count, integer(1))),
        Assign(AT, 3, operate(Operation.CONCATENATE, data, _as_bytes(turn))),
        If(AT, Compare(AT, Type.BOOL, Comparison.EQUAL, count, integer(TURNS_MOST)), (Break(AT),), ()),
        Assign(AT, 4, integer(7)),
        If(AT, Compare(AT, Type.BOOL, Comparison.LESS, count, integer(3)), (Continue(AT),), ()),
        Assign(AT, 4, integer(8)),
    )
    main = function_of(
        "main",
        (Type.INT, Type.INT, Type.INT),
        Type.BYTES,
        Assign(AT, 3, Constant(AT, Type.BYTES, b"")),
        Assign(AT, 4, integer(-1)),
        Assign(AT, 5, integer(0)),
        For(AT, 4, local(0), local(1), step, body),
        Return(AT, operate(Operation.CONCATENATE, data, _as_bytes(turn))),
        locals_=(Type.BYTES, Type.INT, Type.INT),
    )
    return contract_of(main)


def _as_bytes(number: Expression) -> Expression:
    return compute(Intrinsic.INT_TO_BYTES, Type.BYTES, number, integer(8), integer(1))


def expected(start: int, stop: int, step: int) -> bytes:
    """The same in CPython."""
    data, turn = b"", -1
    for count, turn in enumerate(islice(range(start, stop, step), TURNS_MOST), 1):
        data += turn.to_bytes(8, "big", signed=True)
        if count == TURNS_MOST:
            break
        turn = 7 if count < 3 else 8
    return data + turn.to_bytes(8, "big", signed=True)


def test_ranges_of_any_step() -> None:
    """Start, stop and step may be anything; step 0 fails."""
    deployed = Deployed(numbers_of(local(2)))

    def check(start: int, stop: int, step: int) -> None:
        result = deployed.call("main", start, stop, step)
        if step == 0:
            assert result.detail == "range step is zero"
        else:
            assert result.return_value == expected(start, stop, step)

    for start in EDGES:
        for stop in EDGES:
            for step in EDGES:
                check(start, stop, step)
    settings(max_examples=200)(given(BOUNDS, BOUNDS, BOUNDS)(check))()


@pytest.mark.parametrize("step", [1, -1, 2, -3, INT_MOST, INT_LEAST])
def test_ranges_of_constant_steps(step: int) -> None:
    """A step that the source states gives the same turns."""
    deployed = Deployed(numbers_of(integer(step)))

    @given(BOUNDS, BOUNDS)
    @example(INT_MOST - 2, INT_MOST)
    @example(INT_LEAST + 2, INT_LEAST)
    def check(start: int, stop: int) -> None:
        assert deployed.call("main", start, stop, 0).return_value == expected(start, stop, step)

    check()
