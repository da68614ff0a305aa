"""Running a call or a constructor: failures become results, everyone else's exceptions pass as they are."""

from collections.abc import Callable

from accountant.contracts.arguments import admitted
from accountant.contracts.engine import modules, new_store
from accountant.contracts.entry import EntryPoint, entry_point
from accountant.contracts.errors import ContractFailure, FailureKind
from accountant.contracts.frame import Execution, Frame
from accountant.contracts.host import running
from accountant.contracts.native import ENDED, HOST, Cell
from accountant.contracts.tensor_means import Means
from accountant.contracts.world import Run, RunResult, TraceFrame, World
from accountant.primitives.hashes import sha256
from accountant.primitives.types import Gas

Rules = Callable[[Run, World, Callable[[Frame, EntryPoint, int], int], Means | None], Execution]
"""Makes what checks and records a run while it goes on."""

_OUT_OF_FUEL = "out_of_fuel"
_STACK_OVERFLOW = "stack_overflow"
_USES_ALL_GAS = (FailureKind.OUT_OF_GAS, FailureKind.TRAP)
"""The engine does not say how much fuel a trapping instruction had left, so a trap uses up all gas."""


def execute(
    run: Run,
    world: World,
    gas: Gas,
    rules: Rules = Execution,
    trace: list[TraceFrame] | None = None,
    means: Means | None = None,
) -> RunResult:
    """Run with at most `gas` (what the intrinsic gas left of the limit), under the `rules` of a transaction by default.

    A failure is a result, with everything but `failure`, `detail` and `gas_used` empty; where it happened is added
    to `trace`, innermost frame first, for people: it is no part of any outcome. Any other exception of `world`
    passes through as it is and leaves nothing behind but what `means` remember of tensors, so the same run may be
    started again. Raises `WorkerUnfit` where this machine cannot do what the run asks of tensors.
    """
    execution = rules(run, world, _enter, means)
    execution.trace = None if trace is None else []
    try:
        deployed = execution.code_of(run.contract)
        entry = entry_point(run.contract, deployed, run.function.encode(), run.sender, run.value, nested=False)
        admitted(entry.function, run.arguments)
        frame = Frame(execution, run.contract, run.sender, run.value, run.arguments)
        left = _enter(frame, entry, gas)
        sources = execution.sources()
    except ContractFailure as failure:
        left = gas if execution.gas_left is None else execution.gas_left
        if trace is not None and execution.trace is not None:
            trace += execution.trace
        return RunResult(failure.kind, failure.detail, Gas(gas - left), None, (), {}, {}, {})
    return RunResult(
        failure=None,
        detail="",
        gas_used=Gas(gas - left),
        return_value=frame.result,
        logs=tuple(execution.logs),
        writes=execution.written,
        credits=execution.credited,
        debits=execution.debited,
        saved=execution.saved,
        sources=sources,
    )


def _enter(frame: Frame, entry: EntryPoint, gas: int) -> int:
    """Run an exported function in a fresh instance; gas left. Raises whatever ended it."""
    execution = frame.execution
    frames: list[tuple[int, int]] | None = None if execution.trace is None else []
    gas = execution.bought(gas, execution.run.schedule.code_per_byte * len(entry.code))
    module = modules().get(entry.code)
    gas = execution.bought(gas, execution.run.schedule.memory_page * module.pages)
    store = new_store(module.pages)
    outer, ended = running.frame, False
    execution.depth += 1
    try:
        cell = Cell(store, frames)
        cell.set_fuel(gas)
        frame.machine = cell
        running.frame = frame
        end = cell.instantiate(module.linked)
        if end == ENDED:
            end = cell.call(entry.function.name)
        if end != ENDED:
            failure = _failure_of(end)
            if isinstance(failure, ContractFailure) and execution.gas_left is None:
                execution.gas_left = 0 if failure.kind in _USES_ALL_GAS else cell.fuel()
            if execution.trace is not None and frames:
                name = sha256(entry.code)
                execution.trace += [TraceFrame(frame.contract, name, *where) for where in frames]
            try:
                raise failure
            finally:
                del failure  # its traceback holds this call, which must not hold it
        ended = True
        return cell.fuel()
    finally:
        running.frame = outer
        execution.depth -= 1
        execution.values_bytes -= frame.occupied
        execution.leave(frame, ended)
        store.close()


def _failure_of(end: str) -> BaseException:
    if end == HOST:
        pending, running.pending = running.pending, None
        assert pending is not None, "a host function traps with an exception alone"
        return pending
    if end == _OUT_OF_FUEL:
        return ContractFailure(FailureKind.OUT_OF_GAS, "")
    assert end != _STACK_OVERFLOW, "the structural limits keep every module off the native stack's end"
    return ContractFailure(FailureKind.TRAP, end)
