"""From a checked contract to its WASM module and the map back to the source. Deterministic, and without I/O."""

from typing import NamedTuple

from accountant.chain.footprint import SLOT_BYTES_MAX
from accountant.language.binary import FunctionType
from accountant.language.code import HostCall, Item, OwnCall
from accountant.language.errors import ContractError
from accountant.language.instructions import I64, number
from accountant.language.limits import check_limits
from accountant.language.linker import Unlinked, link
from accountant.language.slots import slot_bytes_most
from accountant.language.source_map import SourceMap, source_map_of
from accountant.language.statements import write_function
from accountant.language.tree import Contract, Function
from accountant.language.types import Type


class Emitted(NamedTuple):
    """A module within the chain's structural limits, and where its code comes from."""

    code: bytes
    source_map: SourceMap


def emit(contract: Contract) -> Emitted:
    """The module. Raises `ContractError` where the contract does not fit into the chain's limits."""
    _check_slots(contract)
    written = [write_function(function) for function in contract.functions]
    functions = [
        Unlinked(function.name, _type(function), code.locals - code.parameters, tuple(code.items))
        for function, code in zip(contract.functions, written, strict=True)
    ]
    exports = [_export(function) for function in contract.functions if function.export is not None]
    linked = link(functions, exports, max((code.scratch for code in written), default=0))
    check_limits(contract, linked)
    return Emitted(linked.code, source_map_of(linked.functions))


def _type(function: Function) -> FunctionType:
    results = b"" if function.returns is Type.NONE else bytes((I64,))
    return FunctionType(bytes((I64,)) * function.parameters, results)


def _export(function: Function) -> Unlinked:
    """What the chain calls: arguments, which the chain has checked, come from the host; the result goes there."""
    items: list[Item] = []
    for index, parameter in enumerate(function.locals[: function.parameters]):
        items += [number(index), HostCall("arg_int" if parameter.type.is_number else "arg_bytes")]
    items.append(OwnCall(function.name))
    if function.returns is not Type.NONE:
        items.append(HostCall("return_int" if function.returns.is_number else "return_bytes"))
    return Unlinked(function.name, FunctionType(b"", b""), 0, tuple(items))


def _check_slots(contract: Contract) -> None:
    for variable in contract.variables:
        size = slot_bytes_most(variable)
        if size > SLOT_BYTES_MAX:
            raise ContractError(
                contract.file,
                variable.at,
                f"slots of {variable.name} take up to {size} bytes, and the chain allows {SLOT_BYTES_MAX}",
                "use a shorter name or fewer keys",
            )
