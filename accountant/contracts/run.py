"""Running a call or a constructor: failures become results, everyone else's exceptions pass as they are."""

from accountant.contracts.arguments import admitted
from accountant.contracts.engine import modules, new_store
from accountant.contracts.entry import EntryPoint, entry_point
from accountant.contracts.errors import ContractFailure, FailureKind
from accountant.contracts.frame import Execution, Frame
from accountant.contracts.host import running
from accountant.contracts.native import ENDED, HOST, Cell
from accountant.contracts.world import Run, RunResult, World
from accountant.primitives.types import Gas

_OUT_OF_FUEL = "out_of_fuel"
_STACK_OVERFLOW = "stack_overflow"
_USES_ALL_GAS = (FailureKind.OUT_OF_GAS, FailureKind.TRAP)
"""The engine does not say how much fuel a trapping instruction had left, so a trap uses up all gas."""


def execute(run: Run, world: World, gas: Gas) -> RunResult:
    """Run with at most `gas` (what the intrinsic gas left of the limit).

    A failure is a result, with everything but `failure`, `detail` and `gas_used` empty. Any other exception
    of `world` passes through as it is and leaves nothing behind, so the same run may be started again.
    """
    execution = Execution(run, world, _enter)
    try:
        deployed = execution.code_of(run.contract)
        entry = entry_point(run.contract, deployed, run.function.encode(), run.sender, run.value, nested=False)
        admitted(entry.function, run.arguments)
        frame = Frame(execution, run.contract, run.sender, run.value, run.arguments)
        left = _enter(frame, entry, gas)
    except ContractFailure as failure:
        left = gas if execution.gas_left is None else execution.gas_left
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
    )


def _enter(frame: Frame, entry: EntryPoint, gas: int) -> int:
    """Run an exported function in a fresh instance; gas left. Raises whatever ended it."""
    execution = frame.execution
    store = new_store(execution.run.limits.memory_pages_most)
    outer = running.frame
    execution.depth += 1
    try:
        cell = Cell(store)
        cell.set_fuel(gas)
        frame.machine = cell
        running.frame = frame
        end = cell.instantiate(modules().get(entry.code))
        if end == ENDED:
            end = cell.call(entry.function.name)
        if end != ENDED:
            failure = _failure_of(end)
            if isinstance(failure, ContractFailure) and execution.gas_left is None:
                execution.gas_left = 0 if failure.kind in _USES_ALL_GAS else cell.fuel()
            try:
                raise failure
            finally:
                del failure  # its traceback holds this call, which must not hold it
        return cell.fuel()
    finally:
        running.frame = outer
        execution.depth -= 1
        execution.values_bytes -= frame.occupied
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
