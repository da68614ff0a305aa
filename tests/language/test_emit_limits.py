"""Functions and contracts over the chain's structural limits are refused at the line to change."""

from itertools import pairwise

import pytest

from accountant.chain.genesis import Limits
from accountant.language.emission.emitter import emit
from accountant.language.errors import ContractError, Place
from accountant.language.tree import (
    Apply,
    Assert,
    Assign,
    Compare,
    Comparison,
    Constant,
    Contract,
    Evaluate,
    Expression,
    Function,
    If,
    Operation,
    Pay,
    Return,
    Statement,
    Variable,
)
from accountant.language.types import StorageType, Type
from tests.support.compiled import AT, Deployed, contract_of, function_of, integer, local, operate

HERE = Place(40, 1)


def at_line(function: Function) -> Contract:
    """A contract with a function that stands at line 40, behind another one."""
    other = function_of("other", (), Type.NONE)
    return contract_of(
        other,
        Function(HERE, function.name, function.parameters, function.locals, function.returns, function.body, None),
    )


def many(count: int, statement: Statement) -> Function:
    """A function of so many statements."""
    return function_of("big", (Type.INT,), Type.NONE, *([statement] * count))


def nested(depth: int) -> Function:
    """A function of so many ifs inside each other."""
    statement: Statement = Return(AT, None)
    for _ in range(depth):
        statement = If(AT, _positive(local(0)), (statement,), ())
    return function_of("big", (Type.INT,), Type.NONE, statement)


def _positive(value: Expression) -> Expression:
    return Compare(AT, Type.BOOL, Comparison.GREATER, value, integer(0))


SUM = Assign(AT, 0, operate(Operation.ADD, local(0), integer(1)))
TURN = If(AT, _positive(local(0)), (), ())


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (many(3_000, SUM), "function_size"),
        (function_of("big", (Type.INT,), Type.NONE, locals_=(Type.INT,) * 256), "locals_limit"),
        (function_of("big", (Type.INT,) * 257, Type.NONE), "locals_limit"),
        (nested(64), "nesting_limit"),
        (function_of("big", (Type.INT,), Type.NONE, *([TURN] * 600), locals_=(Type.INT,) * 250), "branch_limit"),
    ],
    ids=["size", "locals", "parameters", "nesting", "branches"],
)
def test_functions_too_large(function: Function, kind: str) -> None:
    """The error is at the function, names the limit and says what to do."""
    with pytest.raises(ContractError) as caught:
        emit(at_line(function))
    assert caught.value.place == HERE
    assert f"big is too large ({kind}" in caught.value.what
    assert caught.value.instead == "split it into several functions"


def test_just_small_enough() -> None:
    """What is at a limit passes, and is valid."""
    for function in (nested(63), function_of("big", (Type.INT,), Type.NONE, locals_=(Type.INT,) * 255)):
        Deployed(at_line(function))


def test_calls_too_deep() -> None:
    """A chain of calls with many locals is refused at the function from which on it takes too much stack."""
    names = [f"f{at}" for at in range(40)]
    functions = [
        function_of(name, (), Type.NONE, Evaluate(AT, Apply(AT, Type.NONE, callee, ())), locals_=(Type.INT,) * 250)
        for name, callee in pairwise(names)
    ]
    functions.append(function_of(names[-1], (), Type.NONE, locals_=(Type.INT,) * 250))
    placed = [
        Function(Place(at + 1, 1), one.name, one.parameters, one.locals, one.returns, one.body, None)
        for at, one in enumerate(functions)
    ]
    with pytest.raises(ContractError) as caught:
        emit(contract_of(*placed))
    line = caught.value.place.line
    assert caught.value.what == f"the calls below f{line - 1} take too much stack"
    emit(contract_of(*placed[line:]))
    with pytest.raises(ContractError):
        emit(contract_of(*placed[line - 1 :]))


def test_contracts_too_large() -> None:
    """Too many functions, and too much code, are told at the file's start."""
    few = [
        function_of(f"f{at}", (), Type.NONE, Pay(AT, Constant(AT, Type.ADDRESS, bytes(20)), integer(1)))
        for at in range(Limits().exports_most)
    ]
    with pytest.raises(ContractError, match=r"test\.py:1:1: the contract is too large \(exports_limit"):
        emit(contract_of(*few))
    body = many(900, SUM).body
    much = [function_of(f"f{at}", (Type.INT,), Type.NONE, *body, exported=False) for at in range(40)]
    with pytest.raises(ContractError, match=r"test\.py:1:1: the contract is too large \(module_size"):
        emit(contract_of(*much))


def test_slots_too_long() -> None:
    """A variable whose slots would be longer than the chain's is refused at its line."""
    keys = (Type.HASH, Type.HASH, Type.HASH, Type.HASH)
    variable = Variable(Place(7, 1), "m", StorageType(keys, Type.INT))
    with pytest.raises(ContractError, match=r"test\.py:7:1: slots of m take up to 130 bytes"):
        emit(contract_of(variables=(variable,)))
    emit(contract_of(variables=(Variable(AT, "m", StorageType(keys[:3], Type.INT)),)))


def test_a_contract_of_nothing() -> None:
    """No functions, no memory: still a valid module."""
    Deployed(contract_of())


def test_no_more_than_is_used() -> None:
    """A module imports and holds only what its source needs, whatever order things are written in."""
    account = Constant(AT, Type.ADDRESS, bytes(20))
    main = function_of("main", (), Type.NONE, Pay(AT, account, integer(1)))
    code = Deployed(contract_of(main)).emitted.code
    assert b"transfer" in code
    assert b"storage" not in code
    assert b"overflow" not in code
    assert code == emit(contract_of(main)).code


def test_many_constants() -> None:
    """More constants than a module may have globals or segments are one segment of the memory, over pages."""
    reasons = [f"reason {at} " + "x" * 500 for at in range(300)]
    equal = [
        Assert(
            AT,
            Compare(AT, Type.BOOL, Comparison.EQUAL, local(0, Type.STR), Constant(AT, Type.STR, reason)),
            Constant(AT, Type.STR, reason[:9]),
        )
        for reason in reasons
    ]
    contract = contract_of(
        *(function_of(f"f{at}", (Type.STR,), Type.NONE, *equal[at : at + 10]) for at in range(0, 300, 10))
    )
    deployed = Deployed(contract)
    assert deployed.call("f290", reasons[290].encode()).detail == "reason 29"
    assert deployed.call("f290", b"").detail == "reason 29"
