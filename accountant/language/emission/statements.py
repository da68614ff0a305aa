"""Statements into instructions. Every statement is marked with its place in the source."""

from typing import NamedTuple

from accountant.language.emission.binary import FunctionType
from accountant.language.emission.code import FunctionCode, HostCall, Item, Items, OwnCall, RoutineCall, constant, fail
from accountant.language.emission.expressions import Expressions
from accountant.language.emission.instructions import (
    BLOCK,
    DROP,
    ELSE,
    I32_EQZ,
    I64,
    I64_ADD,
    I64_EQZ,
    I64_GE_S,
    I64_SUB,
    IF,
    LOOP,
    RETURN,
    UNREACHABLE,
    get,
    number,
    put,
    tee,
)
from accountant.language.emission.pieces import Fixed, Framed, Known, Number, Open, Piece, assemble
from accountant.language.tree import (
    Assert,
    Assign,
    Break,
    Clear,
    Constant,
    Continue,
    Evaluate,
    Expression,
    For,
    Function,
    If,
    Log,
    Pay,
    Return,
    Statement,
    Store,
    While,
)
from accountant.language.types import INT_BYTES, SIZES, Type

_DOOR = FunctionType(b"", b"")
"""Of everything that a module exports."""


class _Loop(NamedTuple):
    outer: int
    """The block around it: `break` leaves it."""
    inner: int
    """The loop: `continue` goes back to its start."""


def write_function(function: Function) -> FunctionCode:
    """The code of a function of the source, for other functions to call."""
    results = b"" if function.returns is Type.NONE else bytes((I64,))
    code = FunctionCode(FunctionType(bytes((I64,)) * function.parameters, results), len(function.locals))
    _Statements(code).function(function)
    return code


def write_entry(function: Function) -> FunctionCode:
    """The code of a function that only the chain calls: its arguments and its result are the host's."""
    code = FunctionCode(_DOOR, len(function.locals))
    for index in range(function.parameters):
        code.add(*argument(function, index), put(index))
    _Statements(code, *returned(function)).function(function)
    return code


def write_door(function: Function) -> FunctionCode:
    """The code of what the chain calls in place of a function that other functions call too."""
    code = FunctionCode(_DOOR, 0)
    for index in range(function.parameters):
        code.add(*argument(function, index))
    code.add(OwnCall(function.name), *returned(function))
    return code


def argument(function: Function, index: int) -> Items:
    """Pushes an argument, which the chain has checked."""
    is_number = function.locals[index].type.is_number
    return number(index), HostCall("arg_int" if is_number else "arg_bytes")


def returned(function: Function) -> Items:
    """Hands the result to the host."""
    if function.returns is Type.NONE:
        return ()
    return (HostCall("return_int" if function.returns.is_number else "return_bytes"),)


class _Statements(Expressions):
    """Writes the statements of one function."""

    def __init__(self, code: FunctionCode, *at_return: Item) -> None:
        """`at_return`: what is done with a result."""
        super().__init__(code)
        self._loops: list[_Loop] = []
        self._at_return = at_return

    def function(self, function: Function) -> None:
        """The whole body."""
        *body, last = function.body or (Return(function.at, None),)
        self._block(tuple(body))
        if isinstance(last, Return):
            self._result(last)
            return
        self._statement(last)
        if function.returns is not Type.NONE:
            self.code.add(UNREACHABLE)  # the checker lets no path come here

    def _block(self, statements: tuple[Statement, ...]) -> None:
        for statement in statements:
            self._statement(statement)

    def _statement(self, statement: Statement) -> None:
        self.code.at(statement.at)
        match statement:
            case Assign():
                self.value(statement.value)
                self.code.add(put(statement.index))
                self.slots.assigned(statement.index)
            case Store():
                self._store(statement)
            case Clear():
                self.slot(statement.variable, statement.keys)
                self.code.at(statement.at, *constant(b""), HostCall("storage_write"))
            case If():
                self._if(statement)
            case While():
                self._while(statement)
            case For():
                self._for(statement)
            case Break():
                self.code.leave(self._loops[-1].outer)
            case Continue():
                self.code.leave(self._loops[-1].inner)
            case Return():
                self._result(statement)
                self.code.add(RETURN)
            case Assert():
                self._assert(statement)
            case Evaluate():
                self.value(statement.value)
                if statement.value.type is not Type.NONE:
                    self.code.add(DROP)
            case Log():
                self._log(statement)
            case Pay():
                self.value(statement.account)
                self.value(statement.amount)
                self.code.at(statement.at, HostCall("transfer"))

    def _result(self, statement: Return) -> None:
        self.code.at(statement.at)
        if statement.value is not None:
            self.value(statement.value)
            self.code.add(*self._at_return)

    def _store(self, statement: Store) -> None:
        self.slot(statement.variable, statement.keys)
        self.value(statement.value)
        is_number = statement.variable.type.value.is_number
        self.code.at(statement.at, HostCall("storage_write_int" if is_number else "storage_write"))

    def _if(self, statement: If) -> None:
        self.condition(statement.condition)
        parting = self.slots.branch()
        self.code.open(IF)
        self._block(statement.then)
        known = self.slots.other(parting)
        if statement.otherwise:
            self.code.add(ELSE)
            self._block(statement.otherwise)
        self.slots.meet(known)
        self.code.close()

    def _while(self, statement: While) -> None:
        self.slots.enter_loop()
        loop = _Loop(self.code.open(BLOCK), self.code.open(LOOP))
        if statement.condition != Constant(statement.condition.at, Type.BOOL, True):
            self.condition(statement.condition)
            self.code.add(I32_EQZ)
            self.code.leave_if(loop.outer)
        self._turn(loop, statement.body)

    def _for(self, statement: For) -> None:
        self.value(statement.start)
        following = self.keep()
        self.value(statement.stop)
        stop = self.keep()
        if isinstance(statement.step, Constant) and statement.step.value == 1:
            step = None
        else:
            self.value(statement.step)
            step = self.keep()
            # the bound's local counts the turns left from here on: unlike the next number, their number never overflows
            self.code.at(statement.at, get(following), get(stop), get(step), RoutineCall("range_length"), put(stop))
        self.slots.enter_loop()
        loop = _Loop(self.code.open(BLOCK), self.code.open(LOOP))
        self.code.at(statement.at)
        if step is None:
            self.code.add(get(following), get(stop), I64_GE_S)
            self.code.leave_if(loop.outer)
        else:
            self.code.add(get(stop), I64_EQZ)
            self.code.leave_if(loop.outer)
            self.code.add(get(stop), number(1), I64_SUB, put(stop))
        self.code.add(get(following), tee(statement.index))
        self.code.add(number(1) if step is None else get(step), I64_ADD, put(following))
        self.slots.assigned(statement.index)
        self._turn(loop, statement.body)
        self.code.give_back(following, stop, *([] if step is None else [step]))

    def _turn(self, loop: _Loop, body: tuple[Statement, ...]) -> None:
        """The body of a loop whose condition is written, and its end."""
        before = self.slots.branch()
        self._loops.append(loop)
        self._block(body)
        self._loops.pop()
        self.slots.other(before)
        self.code.leave(loop.inner)
        self.code.close()
        self.code.close()

    def _assert(self, statement: Assert) -> None:
        self.condition(statement.condition)
        parting = self.slots.branch()
        self.code.add(I32_EQZ)
        self.code.open(IF)
        reason = statement.reason
        if isinstance(reason, Constant) and isinstance(reason.value, str):
            self.code.at(statement.at, *fail(reason.value))
        else:
            self.value(reason)
            self.code.at(statement.at, HostCall("fail"), UNREACHABLE)
        self.code.close()
        self.slots.other(parting)

    def _log(self, statement: Log) -> None:
        topic = constant(statement.event.name.encode())
        pieces: list[Piece] = []
        for field, value in zip(statement.event.fields, statement.fields, strict=True):
            if isinstance(value, Constant) and field.type.is_number:
                pieces.append(Known(int(value.value).to_bytes(INT_BYTES, "big", signed=True)))
                continue
            self.value(value)
            pieces.extend(self._field(field.type, value, self.keep()))
        self.code.at(statement.at, *topic)
        assemble(self.code, pieces)
        self.code.add(HostCall("log"))

    def _field(self, kind: Type, value: Expression, local: int) -> list[Piece]:
        """A field's pieces. What is declared to be of one size is as it is; all else is behind its length."""
        if kind.is_number:
            return [Number(local)]
        if len(SIZES.get(kind, ())) == 1:
            return [Fixed(local, SIZES[kind][0])]
        sizes = SIZES.get(value.type, ())
        if len(sizes) == 1:
            return [Known(sizes[0].to_bytes(INT_BYTES, "big")), Fixed(local, sizes[0])]
        if sizes:
            return [Framed(local, max(sizes))]
        self.code.at(value.at, get(local), HostCall("bytes_len"))
        return [Number(self.keep()), Open(local)]
