"""From a source to everything that is deployed and kept of it: module, envelope, interface, source map.

Deterministic: the same source gives the same module and envelope, whatever the file is called and wherever it is
compiled. The interface carries the file's name without its ending.
"""

from pathlib import Path, PurePath
from typing import NamedTuple

from accountant.chain.envelope import Envelope
from accountant.chain.envelope_rules import check_envelope
from accountant.chain.errors import InvalidTransaction
from accountant.chain.genesis import Limits
from accountant.contracts.errors import InvalidModule
from accountant.contracts.module import check_module
from accountant.language.checking.checker import check
from accountant.language.emission.emitter import emit
from accountant.language.errors import ContractError, Place
from accountant.language.files import read_file
from accountant.language.footprints.derivation import derive
from accountant.language.footprints.envelopes import envelope_of
from accountant.language.interface import Interface, interface_of
from accountant.language.source_map import SourceMap
from accountant.language.tree import Contract

_LIMITS = Limits()
_WHOLE = Place(1, 1)


class Compiled(NamedTuple):
    """What becomes of a source."""

    code: bytes
    envelope: Envelope
    interface: Interface
    source_map: SourceMap


def compile_source(source: bytes, file: str) -> Compiled:
    """Compile. `file` names the source in errors. Raises `ContractError` at the first thing that is not allowed."""
    contract = check(source, file)
    footprints = derive(contract)
    envelope = envelope_of(contract, footprints)
    _check_envelope(contract, envelope)
    code, source_map = emit(contract)
    try:
        check_module(code, envelope, _LIMITS)
    except InvalidModule as error:
        raise ContractError(file, _WHOLE, f"the chain refuses the module ({error.detail})", "make it smaller") from None
    return Compiled(code, envelope, interface_of(PurePath(file).stem, contract, code, envelope, footprints), source_map)


def compile_file(path: Path) -> Compiled:
    """Compile a file. Raises `ContractError`, and `UnreadableFile` or `OSError` where it cannot be read."""
    return compile_source(read_file(path), str(path))


def _check_envelope(contract: Contract, envelope: Envelope) -> None:
    """Raises `ContractError` at the function whose envelope the chain refuses, or at the start of the file."""
    places = {function.name: function.at for function in contract.functions}
    for part in (*(Envelope((function,)) for function in envelope.functions), envelope):
        try:
            check_envelope(part, _LIMITS)
        except InvalidTransaction as error:
            place = places[part.functions[0].name] if len(part.functions) == 1 else _WHOLE
            raise ContractError(contract.file, place, f"the chain refuses the envelope: {error.detail}") from None
