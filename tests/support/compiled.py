"""Compiled contracts in tests: trees built by hand, a world of dictionaries, calls that need declare nothing."""

from accountant.chain.envelope import Envelope, FunctionEnvelope
from accountant.chain.genesis import Limits
from accountant.chain.transaction import Argument
from accountant.contracts.module import check_module
from accountant.contracts.simulate import Simulation, simulate
from accountant.contracts.world import RunResult
from accountant.language.emission.emitter import Emitted, emit
from accountant.language.errors import Place
from accountant.language.tree import (
    Compute,
    Constant,
    Contract,
    EventType,
    Export,
    Expression,
    Field,
    Function,
    Interface,
    Intrinsic,
    Local,
    Operate,
    Operation,
    Return,
    Statement,
    Variable,
)
from accountant.language.types import ARGUMENTS, Type
from accountant.primitives.types import ContractId, Gas
from tests.support.wat import MAIN, DictWorld, call_of

GAS = Gas(2**40)
AT = Place(1, 1)


def envelope_of(contract: Contract) -> Envelope:
    """Admits every call of the contract's exported functions; it has no templates."""
    exported = sorted((one for one in contract.functions if one.export is not None), key=lambda one: one.name)
    return Envelope(
        tuple(
            FunctionEnvelope(
                one.name, tuple(ARGUMENTS[field.type] for field in one.locals[: one.parameters]), (), False
            )
            for one in exported
        )
    )


class Deployed:
    """Contracts in a world; what a call writes stays there if the call succeeds."""

    def __init__(self, contract: Contract, at: ContractId = MAIN, world: DictWorld | None = None) -> None:
        self.world = world or DictWorld()
        self.at = at
        self.emitted = put(contract, at, self.world)

    def simulate(self, function: str, *arguments: Argument, value: int = 0) -> Simulation:
        """A call by `SENDER`."""
        done = simulate(call_of(function, arguments, to=self.at, value=value), self.world, GAS)
        for key, written in done.result.writes.items():
            self.world.slots[key] = written
        return done

    def call(self, function: str, *arguments: Argument, value: int = 0) -> RunResult:
        """What came of a call by `SENDER`."""
        return self.simulate(function, *arguments, value=value).result


def put(contract: Contract, at: ContractId, world: DictWorld) -> Emitted:
    """Compile and deploy; what is deployed keeps to the chain's structural limits."""
    emitted, envelope = emit(contract), envelope_of(contract)
    check_module(emitted.code, envelope, Limits())
    world.deploy(at, emitted.code, envelope)
    return emitted


def contract_of(
    *functions: Function,
    variables: tuple[Variable, ...] = (),
    events: tuple[EventType, ...] = (),
    interfaces: tuple[Interface, ...] = (),
) -> Contract:
    """A contract of these parts."""
    return Contract("test.py", b"", variables, events, interfaces, functions)


def function_of(
    name: str,
    parameters: tuple[Type, ...],
    returns: Type,
    *body: Statement,
    locals_: tuple[Type, ...] = (),
    exported: bool = True,
) -> Function:
    """A function whose locals are numbered: parameters first."""
    fields = tuple(Field(f"v{at}", kind) for at, kind in enumerate((*parameters, *locals_)))
    return Function(AT, name, len(parameters), fields, returns, body, Export() if exported else None)


def expression_of(value: Expression, *parameters: Type) -> Contract:
    """A contract whose function `main` returns an expression over its parameters."""
    return contract_of(function_of("main", parameters, value.type, Return(AT, value)))


def integer(value: int) -> Constant:
    """A literal."""
    return Constant(AT, Type.INT, value)


def local(index: int, kind: Type = Type.INT) -> Local:
    """A local or parameter."""
    return Local(AT, kind, index)


def operate(operation: Operation, *operands: Expression) -> Operate:
    """An operation with a result of its first operand's type."""
    return Operate(AT, operands[0].type, operation, operands)


def compute(intrinsic: Intrinsic, kind: Type, *arguments: Expression | None) -> Compute:
    """An intrinsic."""
    return Compute(AT, kind, intrinsic, arguments)
