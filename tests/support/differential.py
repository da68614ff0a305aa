"""One source, two machines: compiled on the chain's, and under CPython. Whatever a call does must be the same."""

from accountant.chain.transaction import Argument
from accountant.contracts.errors import FailureKind
from accountant.contracts.world import RunResult
from accountant.language.checking.checker import check
from accountant.language.slots import raw_bytes
from accountant.primitives.types import ContractId
from tests.support.compiled import Deployed
from tests.support.python_contract import PythonContract
from tests.support.wat import MAIN, DictWorld

PRELUDE = """from accountant.language import (
    Account, Address, Cid, Contract, Event, Hash, Indices, Interface, Map, Tensor, Tensors, caller, export, height,
    index, keccak256, log, nn, now, pay, payable, previous_hash, self_id, sender, sha256, value, view,
)
"""


class Both:
    """A contract on both machines. `others` are contracts that it may call."""

    def __init__(self, source: str, at: ContractId = MAIN, others: "tuple[Both, ...]" = ()) -> None:
        self.chain: Deployed
        self.python: PythonContract
        source = only_used(source)
        self.contract = check(source.encode(), "contract.py")
        world = others[0].chain.world if others else DictWorld()
        world.balances[at] = 10**15
        self.chain = Deployed(self.contract, at, world)
        self.python = PythonContract(source, at, others[0].python.others if others else None)
        self.others = others

    def call(self, function: str, *arguments: object, value: int = 0) -> RunResult:
        """Call on both and compare results, events, payments and storage; the chain's result."""
        given = tuple(map(_wire, arguments))
        wanted: Argument | None = None
        error: Exception | None = None
        self.python.logs.clear()
        self.python.paid.clear()
        try:
            returned = self.python.transaction(function, *arguments, value=value)
            wanted = None if returned is None else _wire(returned)
        except Exception as raised:
            error = raised
        result = self.chain.call(function, *given, value=value)
        assert (result.failure is None) == (error is None), (function, arguments, error, result)
        if error is None:
            assert result.return_value == wanted, (function, arguments)
            assert [(bytes(log.contract), log.topic, log.data) for log in result.logs] == self.python.logs
        else:
            assert result.failure in (FailureKind.ASSERTION, FailureKind.INVALID_VALUE), (error, result)
            if isinstance(error, AssertionError):
                assert result.detail == str(error)
        for one in (self, *self.others):
            assert one.stored() == one.python.slots(one.contract)
        return result

    def stored(self) -> dict[tuple[bytes, bytes], bytes]:
        """The contract's storage on the chain; a scalar that is zero is as good as unset."""
        scalars = {variable.prefix for variable in self.contract.variables if not variable.type.keys}
        return {
            (at, slot): value
            for (at, slot), value in self.chain.world.slots.items()
            if at == self.chain.at and value and (slot not in scalars or value.strip(b"\x00"))
        }


def only_used(source: str) -> str:
    """The source behind an import of those names of `PRELUDE` that it uses."""
    names = [name.strip() for name in PRELUDE[PRELUDE.index("(") + 1 : PRELUDE.index(")")].split(",") if name.strip()]
    used = [name for name in names if name in source]
    return f"from accountant.language import {', '.join(used)}\n\n{source}"


def _wire(value: object) -> Argument:
    if isinstance(value, int):
        return int(value)
    assert isinstance(value, bytes | str), value
    return raw_bytes(value)
