"""From a failure's frames back to the source: every call in the code is marked with its expression's place."""

import pytest

from accountant.language.errors import Place
from accountant.language.source_map import InvalidSourceMap, decode_source_map, encode_source_map
from accountant.language.tree import (
    Apply,
    Assert,
    Assign,
    Compare,
    Comparison,
    Compute,
    Constant,
    Contract,
    Evaluate,
    Intrinsic,
    Operate,
    Operation,
    Return,
)
from accountant.language.types import Type
from tests.support.compiled import Deployed, contract_of, function_of, integer, local


def failing() -> Contract:
    """main(a, b) calls inner(a, b), which asserts a < 10, divides, and decodes; each at a line of its own."""
    inner = function_of(
        "inner",
        (Type.INT, Type.INT),
        Type.INT,
        Assert(
            Place(10, 5),
            Compare(Place(10, 12), Type.BOOL, Comparison.LESS, local(0), integer(10)),
            Constant(Place(10, 20), Type.STR, "too large"),
        ),
        Assign(Place(11, 5), 2, Operate(Place(11, 9), Type.INT, Operation.FLOOR_DIVIDE, (integer(7), local(1)))),
        Return(
            Place(12, 5),
            Operate(
                Place(12, 12),
                Type.INT,
                Operation.ADD,
                (
                    Operate(Place(12, 13), Type.INT, Operation.POWER, (local(0), local(1))),
                    Operate(Place(12, 22), Type.INT, Operation.SHIFT_LEFT, (integer(1), local(1))),
                ),
            ),
        ),
        locals_=(Type.INT,),
        exported=False,
    )
    main = function_of(
        "main",
        (Type.INT, Type.INT),
        Type.INT,
        Evaluate(
            Place(3, 5),
            Compute(Place(3, 9), Type.STR, Intrinsic.DECODE, (Constant(Place(3, 1), Type.BYTES, b"text"),)),
        ),
        Return(Place(4, 5), Apply(Place(4, 12), Type.INT, "inner", (local(0), local(1)))),
    )
    return contract_of(inner, main)


@pytest.mark.parametrize(
    ("arguments", "reason", "place"),
    [
        ((10, 1), "too large", Place(10, 5)),
        ((1, 0), "division by zero", Place(11, 9)),
        ((-2, 64), "integer overflow", Place(12, 13)),
        ((1, 63), "integer overflow", Place(12, 22)),
        ((1, -1), "negative exponent", Place(12, 13)),
        ((2, 62), "integer overflow", Place(12, 12)),
    ],
)
def test_the_place_of_a_failure(arguments: tuple[int, int], reason: str, place: Place) -> None:
    """Frames lead to the expression that failed and to the calls on the way there; shared code maps to nothing."""
    deployed = Deployed(failing())
    done = deployed.simulate("main", *arguments)
    assert done.result.detail == reason
    found = [deployed.emitted.source_map.find(frame.offset) for frame in done.trace]
    assert [one for one in found if one is not None] == [("inner", place), ("main", Place(4, 12))]


def test_as_json() -> None:
    """A map is read back as it was written; what is none is refused."""
    source_map = Deployed(failing()).emitted.source_map
    assert decode_source_map(encode_source_map(source_map)) == source_map
    deep = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    for bad in (b"", b"[]", b'{"functions": [], "lines": [[1]]}', deep):
        with pytest.raises(InvalidSourceMap):
            decode_source_map(bad)


def test_offsets_outside() -> None:
    """Imports, shared functions and exports come from nowhere in the source."""
    emitted = Deployed(failing()).emitted
    first = emitted.source_map.functions[0]
    assert emitted.source_map.find(first.start - 1) is None
    assert emitted.source_map.find(len(emitted.code)) is None
    assert emitted.source_map.find(first.start) == ("inner", Place(10, 5))
