"""Running a function as a view: it may read everything, declared or not, and change nothing."""

from collections.abc import Callable

from accountant.chain.envelope import CONSTRUCTOR
from accountant.contracts.entry import EntryPoint
from accountant.contracts.errors import ContractFailure, FailureKind
from accountant.contracts.frame import Execution, Frame
from accountant.contracts.run import execute
from accountant.contracts.tensor_means import Means
from accountant.contracts.world import Run, RunResult, World
from accountant.primitives.types import Cid, Gas


def execute_view(run: Run, world: World, gas: Gas, means: Means | None = None) -> RunResult:
    """Like `execute`, for a run that nobody declared anything for: without value, footprint and constructor.

    Slots, contracts, bounds and queries may be read without a declaration; what would write a slot, pay or log
    fails as VIEW_WRITES.
    """
    assert not run.value and not run.footprint and run.deploying is None
    if run.function == CONSTRUCTOR:
        detail = f"{CONSTRUCTOR} runs once, at deployment"
        return RunResult(FailureKind.NOT_CALLABLE, detail, Gas(0), None, (), {}, {}, {})
    return execute(run, world, gas, _ViewExecution, means=means)


class _Everything(set[object]):
    """A set of declarations that has every one."""

    def __contains__(self, _declaration: object) -> bool:
        return True


class _ViewExecution(Execution):
    """A view while it runs."""

    def __init__(
        self, run: Run, world: World, enter: Callable[[Frame, EntryPoint, int], int], means: Means | None
    ) -> None:
        super().__init__(run, world, enter, means)
        self.reads = self.calls = self.bounds = self.queries = _Everything()  # type: ignore[assignment]

    def declares(self, cid: Cid) -> bool:
        return self.world.published(cid)

    def change(self, what: str) -> None:
        raise ContractFailure(FailureKind.VIEW_WRITES, f"a view changes nothing, and this one would {what}")
