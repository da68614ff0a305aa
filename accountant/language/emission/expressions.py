"""Expressions into instructions. Each leaves one i64 on the stack (an integer, 0 or 1, or a handle); NONE leaves none.

Operands are evaluated from left to right, as the stack has it. What comes from where in the source is marked at every
call, since only calls fail.
"""

from accountant.language.emission.code import FunctionCode, HostCall, Item, OwnCall, RoutineCall, constant, text
from accountant.language.emission.instructions import (
    ELSE,
    I32_EQZ,
    I64_AND,
    I64_EQ,
    I64_EQZ,
    I64_EXTEND_U,
    I64_GE_S,
    I64_GT_S,
    I64_LE_S,
    I64_LT_S,
    I64_NE,
    I64_OR,
    I64_XOR,
    IF_I32,
    IF_I64,
    address,
    get,
    number,
    put,
    tee,
)
from accountant.language.emission.intrinsics import arguments_of, conversion, instructions_of
from accountant.language.emission.known_slots import KnownSlots
from accountant.language.emission.pieces import Fixed, Known, Number, Open, Piece, assemble
from accountant.language.emission.routines import ROUTINES
from accountant.language.slots import KeyForm, key_bytes, key_forms, unset_bytes
from accountant.language.tree import (
    Apply,
    Bind,
    Both,
    CallContract,
    Choose,
    Compare,
    Comparison,
    Compute,
    Constant,
    Either,
    Exists,
    Expression,
    Intrinsic,
    Invoke,
    ListTensors,
    Load,
    Local,
    Operate,
    Operation,
    Variable,
)
from accountant.language.types import SIZES, Type
from accountant.primitives.types import HASH_BYTES

_OPERATIONS: dict[Operation, tuple[Item, ...]] = {
    Operation.ADD: (RoutineCall("add"),),
    Operation.SUBTRACT: (RoutineCall("subtract"),),
    Operation.MULTIPLY: (RoutineCall("multiply"),),
    Operation.FLOOR_DIVIDE: (RoutineCall("floor_divide"),),
    Operation.MODULO: (RoutineCall("modulo"),),
    Operation.POWER: (RoutineCall("power"),),
    Operation.SHIFT_LEFT: (RoutineCall("shift_left"),),
    Operation.SHIFT_RIGHT: (RoutineCall("shift_right"),),
    Operation.AND: (I64_AND,),
    Operation.OR: (I64_OR,),
    Operation.XOR: (I64_XOR,),
    Operation.CONCATENATE: (HostCall("bytes_concat"),),
    Operation.NEGATE: (RoutineCall("negate"),),
    Operation.INVERT: (number(-1), I64_XOR),
}
_COMPARISONS = {
    Comparison.EQUAL: I64_EQ,
    Comparison.NOT_EQUAL: I64_NE,
    Comparison.LESS: I64_LT_S,
    Comparison.LESS_EQUAL: I64_LE_S,
    Comparison.GREATER: I64_GT_S,
    Comparison.GREATER_EQUAL: I64_GE_S,
}

_NO_HANDLE = 0
"""For a tensor that is not given."""


class Expressions:
    """Writes the expressions of one function."""

    def __init__(self, code: FunctionCode) -> None:
        self.code = code
        self.slots = KnownSlots(code)

    def value(self, expression: Expression) -> None:
        """Push the value."""
        match expression:
            case Constant():
                self.code.at(expression.at, *_constant(expression.value))
            case Local():
                self.code.add(get(expression.index))
            case Bind():
                self.value(expression.value)
                self.code.add(tee(expression.index))
                self.slots.assigned(expression.index)
            case Load():
                self._load(expression)
            case Choose():
                self._choose(expression)
            case Apply():
                self._values(expression.arguments)
                self.code.at(expression.at, OwnCall(expression.function))
            case CallContract():
                self._call_contract(expression)
            case Invoke():
                self._invoke(expression)
            case ListTensors():
                self.code.at(expression.at, HostCall("nn_list"))
                for element in expression.elements:
                    self.value(element)
                    self.code.at(element.at, HostCall("nn_append"))
            case Operate() if expression.operation is not Operation.NOT:
                self._values(expression.operands)
                self.code.at(expression.at, *_OPERATIONS[expression.operation])
            case Compute() if expression.intrinsic is not Intrinsic.BOOL_OF_INT:
                self._values(arguments_of(expression))
                self._compute(expression)
            case _:
                self.condition(expression)
                self.code.add(I64_EXTEND_U)

    def condition(self, expression: Expression) -> None:
        """Push a bool as an i32, which is what branches take."""
        match expression:
            case Constant():
                self.code.add(address(int(bool(expression.value))))
            case Compare():
                self._compare(expression)
            case Both() | Either():
                self._short_circuit(expression)
            case Operate() if expression.operation is Operation.NOT:
                self.condition(expression.operands[0])
                self.code.add(I32_EQZ)
            case Exists():
                self.slot(expression.variable, expression.keys)
                self.code.at(expression.at, HostCall("storage_read"), HostCall("bytes_len"), number(0), I64_NE)
            case Compute() if expression.intrinsic is Intrinsic.BOOL_OF_INT:
                (operand,) = expression.arguments
                assert operand is not None, "only slice bounds may be absent"
                self.value(operand)
                self.code.add(number(0), I64_NE)
            case _:
                self.value(expression)
                self.code.add(number(0), I64_NE)

    def slot(self, variable: Variable, keys: tuple[Expression, ...]) -> None:
        """Evaluate the keys and push the slot's handle."""
        known = self.slots.find(variable, keys)
        if known is not None:
            self.code.add(get(known))
            return
        pieces: list[Piece] = [Known(variable.prefix)]
        for form, kind, key in zip(key_forms(variable), variable.type.keys, keys, strict=True):
            if isinstance(key, Constant):
                pieces.append(Known(key_bytes(form, key.value)))
                continue
            self.value(key)
            if form is KeyForm.HASHED:
                self.code.at(key.at, HostCall("sha256"))
            pieces.append(_piece(form, kind, self.keep()))
        assemble(self.code, pieces)
        learned = self.slots.learn(variable, keys) if keys else None
        if learned is not None:
            self.code.add(tee(learned))

    def keep(self) -> int:
        """Pop into a borrowed local."""
        local = self.code.borrow()
        self.code.add(put(local))
        return local

    def _values(self, expressions: tuple[Expression, ...]) -> None:
        for expression in expressions:
            self.value(expression)

    def _load(self, expression: Load) -> None:
        self.slot(expression.variable, expression.keys)
        kind = expression.variable.type.value
        if kind.is_number:
            self.code.at(expression.at, HostCall("storage_read_int"))
            return
        self.code.at(expression.at, HostCall("storage_read"))
        if kind in SIZES:
            *cell, _ = constant(unset_bytes(kind))
            self.code.add(*cell, RoutineCall("or_unset"))

    def _choose(self, expression: Choose) -> None:
        self.condition(expression.condition)
        parting = self.slots.branch()
        self.code.open(IF_I64)
        self.value(expression.then)
        known = self.slots.other(parting)
        self.code.add(ELSE)
        self.value(expression.otherwise)
        self.slots.meet(known)
        self.code.close()

    def _short_circuit(self, expression: Both | Either) -> None:
        self.condition(expression.left)
        parting = self.slots.branch()
        self.code.open(IF_I32)
        if isinstance(expression, Both):
            self.condition(expression.right)
            self.code.add(ELSE, address(0))
        else:
            self.code.add(address(1), ELSE)
            self.condition(expression.right)
        self.slots.meet(parting)
        self.code.close()

    def _compare(self, expression: Compare) -> None:
        self._values((expression.left, expression.right))
        if expression.left.type.is_number:
            self.code.add(_COMPARISONS[expression.comparison])
        elif expression.comparison is Comparison.EQUAL:
            self.code.at(expression.at, HostCall("bytes_equal"), number(0), I64_NE)
        elif expression.comparison is Comparison.NOT_EQUAL:
            self.code.at(expression.at, HostCall("bytes_equal"), I64_EQZ)
        else:
            self.code.at(expression.at, HostCall("bytes_compare"), number(0), _COMPARISONS[expression.comparison])

    def _compute(self, expression: Compute) -> None:
        items, scratch = instructions_of(expression)
        self.code.scratch = max(self.code.scratch, scratch)
        self.code.at(expression.at, *items)

    def _call_contract(self, expression: CallContract) -> None:
        self.value(expression.contract)
        contract = self.keep()
        self.value(expression.value or Constant(expression.at, Type.INT, 0))
        units = self.keep()
        self.code.at(expression.at, HostCall("args_new"))
        arguments = self.keep()
        for argument in expression.arguments:
            self.code.add(get(arguments))
            self.value(argument)
            self.code.at(argument.at, HostCall("args_int" if argument.type.is_number else "args_bytes"))
        self.code.at(expression.at, get(contract), *constant(expression.function.encode()), get(arguments), get(units))
        self.code.give_back(contract, units, arguments)
        self.code.add(HostCall("call"))
        called = f"{expression.interface}.{expression.function}"
        items, scratch = _returned(expression.type, called)
        self.code.scratch = max(self.code.scratch, scratch)
        self.code.add(*items)

    def _invoke(self, expression: Invoke) -> None:
        for argument in expression.arguments:
            if argument is None:
                self.code.add(number(_NO_HANDLE))
            elif isinstance(argument, tuple):
                self._numbers(expression, argument)
            else:
                self.value(argument)
        row = expression.row
        self.code.at(expression.at, RoutineCall(row) if row in ROUTINES else HostCall(row))

    def _numbers(self, expression: Invoke, numbers: tuple[Expression, ...]) -> None:
        """A list of numbers, whose handle stays on the stack."""
        self.code.at(expression.at, HostCall("args_new"))
        if not numbers:
            return
        listed = self.code.borrow()
        self.code.add(tee(listed))
        for one in numbers:
            self.code.add(get(listed))
            self.value(one)
            self.code.at(one.at, HostCall("args_int"))
        self.code.give_back(listed)


def _constant(value: int | bytes | str) -> tuple[Item, ...]:
    if isinstance(value, int):
        return (number(int(value)),)
    return constant(value.encode() if isinstance(value, str) else value)


def _piece(form: KeyForm, key: Type, local: int) -> Piece:
    if form is KeyForm.NUMBER:
        return Number(local)
    if form is KeyForm.HASHED:
        return Fixed(local, HASH_BYTES)
    sizes = SIZES[key]
    return Fixed(local, sizes[0]) if len(sizes) == 1 else Open(local)


def _returned(kind: Type, called: str) -> tuple[tuple[Item, ...], int]:
    """From what `call` said to the value it returned, if that is of this type; and the scratch this takes."""
    if kind is Type.NONE:
        return (*text(f"{called} returned a value, not None"), RoutineCall("returned_none")), 0
    wrong = f"{called} returned no {kind.value}"
    if kind.is_number:
        return (*text(wrong), RoutineCall(f"returned_{kind.value}")), 0
    fetched: tuple[Item, ...] = (*text(wrong), RoutineCall("returned_bytes"))
    if kind is Type.STR:
        return (*fetched, RoutineCall("checked_text")), 0
    checks, scratch = conversion(kind, wrong)
    return (*fetched, *checks), scratch
