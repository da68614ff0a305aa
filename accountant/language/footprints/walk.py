"""Walking a function symbolically: which entries it may touch, whatever the state (abstract interpretation).

Every path is walked, but for branches whose condition is constant. Where paths meet, a local that they left different
is not known; before a loop, neither is any local that the loop assigns. Own functions are followed with symbolic
arguments, each combination once.
"""

from dataclasses import dataclass, field, replace

from accountant.language.errors import ContractError, Place
from accountant.language.footprints.accesses import UNITS, Access, Paid, Touched, added, at_most
from accountant.language.footprints.assigned import assigned_in
from accountant.language.footprints.evaluation import compared, computed, may_fail, operated
from accountant.language.footprints.paths import Context, Path, Summary
from accountant.language.footprints.symbols import Symbol, amount, constant, key_pieces
from accountant.language.operators import LOADS
from accountant.language.slots import key_forms
from accountant.language.tree import (
    Apply,
    Assert,
    Assign,
    Bind,
    Both,
    Break,
    CallContract,
    Choose,
    Clear,
    Compare,
    Compute,
    Constant,
    Continue,
    Contract,
    Either,
    Evaluate,
    Exists,
    Expression,
    For,
    Function,
    If,
    Intrinsic,
    Invoke,
    ListTensors,
    Load,
    Local,
    Log,
    Operate,
    Pay,
    Return,
    Statement,
    Store,
    TouchKind,
    Variable,
    While,
)
from accountant.language.types import Type

WORK_MOST = 300_000
"""Steps for a whole contract: expressions, statements, and what is copied or joined at branches."""
DEPTH_MOST = 150
"""How deep statements, expressions and calls of own functions nest, which Python's own stack must hold."""


@dataclass
class Walker:
    """Walks the functions of one contract, and remembers what each came to."""

    contract: Contract
    _known: dict[tuple[str, tuple[Symbol, ...], Context], Summary] = field(default_factory=dict)
    _assigned: dict[int, frozenset[int]] = field(default_factory=dict)
    _work: int = 0
    _depth: int = 0

    def __post_init__(self) -> None:
        self._functions = {function.name: function for function in self.contract.functions}

    def walk(self, function: Function, arguments: tuple[Symbol, ...], context: Context) -> Summary:
        """Raises `ContractError` where walking takes too long, or the function touches too much."""
        key = (function.name, arguments, context)
        summary = self._known.get(key)
        if summary is None:
            summary = self._known[key] = _Frame(self, context).run(function, arguments)
        return summary

    def function(self, name: str) -> Function:
        """The contract's function of this name."""
        return self._functions[name]

    def assigned_in(self, loop: While | For) -> frozenset[int]:
        """The locals that a loop may assign; looked for once."""
        if id(loop) not in self._assigned:
            self._assigned[id(loop)] = assigned_in(loop)
        return self._assigned[id(loop)]

    def step(self, at: Place, work: int = 1) -> None:
        """Count work. Raises `ContractError`."""
        self._work += work
        if self._work > WORK_MOST:
            raise ContractError(
                self.contract.file,
                at,
                "the contract has too many ways to call its own functions",
                "pass fewer different constants to them, or use fewer locals in branches",
            )

    def enter(self, at: Place) -> None:
        """Go one level deeper. Raises `ContractError`."""
        self._depth += 1
        if self._depth > DEPTH_MOST:
            raise ContractError(
                self.contract.file,
                at,
                "calls of own functions nest too deep here",
                "call fewer functions in each other",
            )

    def leave(self) -> None:
        """Come back up."""
        self._depth -= 1


class _Frame:
    """One function with its symbolic arguments."""

    def __init__(self, walker: Walker, context: Context) -> None:
        self.walker = walker
        self.context = context
        self.file = walker.contract.file
        self.touched = Touched()
        self.may_end = False
        self.loops = 0
        self.exits: list[tuple[Symbol, Paid]] = []

    def run(self, function: Function, arguments: tuple[Symbol, ...]) -> Summary:
        path: Path | None = Path(dict(enumerate(arguments)), {}, self.context.conditional)
        assert path is not None
        path = self.block(function.body, path)
        if path is not None:
            self.exits.append((None, path.paid))
        result = self.exits[0][0] if self.exits else None
        paid: Paid = {}
        for value, spent in self.exits:
            result = result if value == result else None
            paid = at_most(paid, spent)
        return Summary(self.touched, result, paid, self.may_end)

    # Statements: each gives the path behind it, None where there is none

    def block(self, statements: tuple[Statement, ...], path: Path) -> Path | None:
        left: Path | None = path
        for statement in statements:
            if left is None:
                break
            self.walker.step(statement.at)
            self.walker.enter(statement.at)
            left = self.statement(statement, left)
            self.walker.leave()
        return left

    def statement(self, statement: Statement, path: Path) -> Path | None:
        match statement:
            case Assign():
                path.locals[statement.index] = self.value(statement.value, path)
            case Evaluate():
                self.value(statement.value, path)
            case Store():
                keys = self.values(statement.keys, path)
                self.value(statement.value, path)
                self.slot(TouchKind.WRITES, statement.variable, keys, statement.at, path)
            case Clear():
                keys = self.values(statement.keys, path)
                self.slot(TouchKind.WRITES, statement.variable, keys, statement.at, path)
            case Pay():
                account, units = self.values((statement.account, statement.amount), path)
                self.pay(account, units, statement.at, path)
            case Log():
                self.values(statement.fields, path)
                self.may_end = True
            case If():
                return self.branches(statement, path)
            case Assert():
                return self.assertion(statement, path)
            case While() | For():
                return self.loop(statement, path)
            case Return():
                value = None if statement.value is None else self.value(statement.value, path)
                self.exits.append((value, path.paid))
                return None
            case Break() | Continue():
                return None
        return path

    def branches(self, statement: If, path: Path) -> Path | None:
        condition = self.value(statement.condition, path)
        if isinstance(condition, int):
            return self.block(statement.then if condition else statement.otherwise, path)
        returns = len(self.exits)
        then = self.block(statement.then, self.copied(path, statement.at))
        otherwise = self.block(statement.otherwise, self.copied(path, statement.at))
        conditional = path.conditional or len(self.exits) > returns
        joined = then.joined(otherwise) if then and otherwise else then or otherwise
        if joined is not None:
            joined.conditional = conditional
        return joined

    def assertion(self, statement: Assert, path: Path) -> Path | None:
        condition = self.value(statement.condition, path)
        if condition is not None and isinstance(condition, int) and condition:
            return path
        self.may_end = True
        self.value(statement.reason, self.copied(path, statement.at))
        return None if isinstance(condition, int) else path

    def loop(self, statement: While | For, path: Path) -> Path:
        if isinstance(statement, For):
            self.values((statement.start, statement.stop, statement.step), path)
        changed = self.walker.assigned_in(statement)
        self.walker.step(statement.at, len(changed))
        path.locals.update(dict.fromkeys(changed))
        self.may_end = True
        self.loops += 1
        returns = len(self.exits)
        condition = self.value(statement.condition, path) if isinstance(statement, While) else None
        if condition != 0:
            self.block(statement.body, self.copied(path, statement.at))
        self.loops -= 1
        path.conditional |= len(self.exits) > returns
        return path

    # Expressions

    def values(self, expressions: tuple[Expression, ...], path: Path) -> tuple[Symbol, ...]:
        return tuple([self.value(expression, path) for expression in expressions])

    def value(self, expression: Expression, path: Path) -> Symbol:
        self.walker.step(expression.at)
        self.walker.enter(expression.at)
        value = self.expression(expression, path)
        self.walker.leave()
        return value

    def expression(self, expression: Expression, path: Path) -> Symbol:
        match expression:
            case Constant():
                return constant(expression.value)
            case Local():
                return path.locals.get(expression.index)
            case Bind():
                value = path.locals[expression.index] = self.value(expression.value, path)
                return value
            case Load() | Exists():
                keys = self.values(expression.keys, path)
                self.slot(TouchKind.READS, expression.variable, keys, expression.at, path)
                # a value may be so long that holding it, or a few of them, goes beyond what the host keeps
                self.may_end |= expression.variable.type.value in (Type.BYTES, Type.STR)
                return None
            case Operate():
                value = operated(expression.operation, self.values(expression.operands, path))
                self.may_end |= may_fail(expression.operation, value)
                return value
            case Compare():
                left, right = self.values((expression.left, expression.right), path)
                return compared(expression.comparison, left, right)
            case Both() | Either():
                return self.short_circuit(expression, path)
            case Choose():
                return self.choice(expression, path)
            case Apply():
                return self.apply(expression, path)
            case CallContract():
                return self.call_contract(expression, path)
            case Compute():
                return self.compute(expression, path)
            case Invoke():
                return self.invoke(expression, path)
            case ListTensors():
                self.values(expression.elements, path)
                self.may_end = True
                return None

    def short_circuit(self, expression: Both | Either, path: Path) -> Symbol:
        left = self.value(expression.left, path)
        decides = 0 if isinstance(expression, Both) else 1
        if isinstance(left, int):
            return left if left == decides else self.value(expression.right, path)
        right = self.aside(expression.right, path)
        return right if right == decides else None

    def choice(self, expression: Choose, path: Path) -> Symbol:
        condition = self.value(expression.condition, path)
        if isinstance(condition, int):
            return self.value(expression.then if condition else expression.otherwise, path)
        then_path, otherwise_path = self.copied(path, expression.at), self.copied(path, expression.at)
        then = self.value(expression.then, then_path)
        otherwise = self.value(expression.otherwise, otherwise_path)
        path.take(then_path.joined(otherwise_path))
        return then if then == otherwise else None

    def aside(self, expression: Expression, path: Path) -> Symbol:
        """The value of what only some paths evaluate; `path` goes on with or without it."""
        other = self.copied(path, expression.at)
        value = self.value(expression, other)
        path.take(path.joined(other))
        return value

    def apply(self, expression: Apply, path: Path) -> Symbol:
        arguments = self.values(expression.arguments, path)
        context = Context(path.conditional, self.context.in_loop or self.loops > 0)
        summary = self.walker.walk(self.walker.function(expression.function), arguments, context)
        touched = summary.touched
        self.walker.step(expression.at, len(touched.accesses))
        surely = not (self.may_end or path.conditional)
        for access in touched.accesses.values():
            self.touched.add(replace(access, certain=access.certain and surely), self.file)
        if touched.unknown_payment is not None:
            self.touched.unknown_payment = self.touched.unknown_payment or touched.unknown_payment
        if touched.peak:
            self.touched.pay(added(path.paid, touched.peak), self.file, expression.at)
        path.paid = added(path.paid, summary.paid)
        self.may_end |= summary.may_end
        return summary.result

    def call_contract(self, expression: CallContract, path: Path) -> Symbol:
        contract = self.value(expression.contract, path)
        units: Symbol = 0 if expression.value is None else self.value(expression.value, path)
        self.values(expression.arguments, path)
        self.access(TouchKind.CALLS, (contract,), expression.at, path)
        self.access(TouchKind.CALLS, None, expression.at, path)  # what it does there always has to be stated
        if units != 0:
            self.pay(contract, units, expression.at, path)
        self.may_end = True
        return None

    def compute(self, expression: Compute, path: Path) -> Symbol:
        arguments = tuple([None if one is None else self.value(one, path) for one in expression.arguments])
        intrinsic = expression.intrinsic
        if intrinsic is Intrinsic.BOUND:
            self.access(TouchKind.BOUNDS, arguments[:1], expression.at, path)
        elif intrinsic is Intrinsic.QUERY:
            # a footprint with an entry that is no query is refused, so an entry that is not always needed must be one
            self.access(TouchKind.QUERIES, None if path.conditional else arguments, expression.at, path)
        value, may_end = computed(expression, arguments, path.conditional)
        self.may_end |= may_end
        return value

    def invoke(self, expression: Invoke, path: Path) -> Symbol:
        given: list[Symbol] = []
        for argument in expression.arguments:
            several = argument if isinstance(argument, tuple) else () if argument is None else (argument,)
            given += self.values(several, path)
        if expression.row in LOADS:
            self.access(TouchKind.BLOBS, tuple(given), expression.at, path)
        self.may_end = True
        return None

    # What is touched

    def slot(self, kind: TouchKind, variable: Variable, keys: tuple[Symbol, ...], at: Place, path: Path) -> None:
        known = all(key_pieces(form, key) is not None for form, key in zip(key_forms(variable), keys, strict=True))
        certain = known and not (self.may_end or path.conditional)
        self.touched.add(Access(kind, at, variable, keys if known else None, certain), self.file)

    def access(self, kind: TouchKind, subject: tuple[Symbol, ...] | None, at: Place, path: Path) -> None:
        known = subject is not None and all(isinstance(one, tuple) for one in subject)
        certain = known and not (self.may_end or path.conditional)
        self.touched.add(Access(kind, at, None, subject if known else None, certain), self.file)

    def pay(self, account: Symbol, units: Symbol, at: Place, path: Path) -> None:
        self.access(TouchKind.CREDITS, (account,), at, path)
        self.may_end = True
        if isinstance(units, int) and units < 0:
            return  # fails before it needs anything
        if self.loops or self.context.in_loop or isinstance(units, tuple) or units is None or amount(units) is None:
            self.touched.unknown_payment = self.touched.unknown_payment or at
            return
        path.paid = added(path.paid, {UNITS: units} if isinstance(units, int) else {units: 1})
        self.touched.pay(path.paid, self.file, at)

    # Paths

    def copied(self, path: Path, at: Place) -> Path:
        self.walker.step(at, len(path.locals))
        return path.copy()
