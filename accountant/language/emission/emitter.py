"""From a checked contract to its WASM module and the map back to the source. Deterministic, and without I/O."""

from typing import NamedTuple

from accountant.chain.footprint import SLOT_BYTES_MAX
from accountant.language.emission.code import FunctionCode, OwnCall
from accountant.language.emission.limits import check_limits
from accountant.language.emission.linker import Unlinked, link
from accountant.language.emission.statements import write_door, write_entry, write_function
from accountant.language.errors import ContractError
from accountant.language.slots import slot_bytes_most
from accountant.language.source_map import SourceMap, source_map_of
from accountant.language.tree import Contract, Function


class Emitted(NamedTuple):
    """A module within the chain's structural limits, and where its code comes from."""

    code: bytes
    source_map: SourceMap


def emit(contract: Contract) -> Emitted:
    """The module. Raises `ContractError` where the contract does not fit into the chain's limits."""
    _check_slots(contract)
    written = {function.name: write_function(function) for function in contract.functions}
    called = {item.name for code in written.values() for item in code.items if isinstance(item, OwnCall)}
    exported = [function for function in contract.functions if function.export is not None]
    entries = {function.name: write_entry(function) for function in exported if function.name not in called}
    functions = [_unlinked(function, {**written, **entries}[function.name]) for function in contract.functions]
    doors = [_unlinked(function, write_door(function)) for function in exported if function.name in called]
    scratch_bytes = max((code.scratch for code in written.values()), default=0)
    linked = link(functions, doors, [function.name for function in exported], scratch_bytes)
    check_limits(contract, linked)
    return Emitted(linked.code, source_map_of(linked.functions))


def _unlinked(function: Function, code: FunctionCode) -> Unlinked:
    return Unlinked(function.name, code.type, code.locals - len(code.type.parameters), tuple(code.items))


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
