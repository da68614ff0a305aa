"""The three files that a build leaves: `token.wasm`, `token.json` (interface), `token.map` (source map)."""

from pathlib import Path
from typing import NamedTuple

from accountant.chain.envelope import Envelope
from accountant.language.compiler import Compiled
from accountant.language.files import read_file
from accountant.language.interface import Interface, envelope_of_interface, read_interface, write_interface
from accountant.language.source_map import SourceMap, decode_source_map, encode_source_map
from accountant.primitives.errors import AccountantError
from accountant.primitives.hashes import sha256

MODULE, INTERFACE, SOURCE_MAP = ".wasm", ".json", ".map"


class InvalidArtefact(AccountantError):
    """A built file that is missing, or that does not belong to the others."""

    code = "invalid_artefact"


class Artefacts(NamedTuple):
    """A built contract, as read from its files."""

    code: bytes
    envelope: Envelope
    interface: Interface
    source_map: SourceMap | None
    """Without it errors have no lines."""


def artefact_files(compiled: Compiled) -> dict[str, bytes]:
    """File names and contents."""
    name = compiled.interface.contract
    return {
        name + MODULE: compiled.code,
        name + INTERFACE: write_interface(compiled.interface),
        name + SOURCE_MAP: encode_source_map(compiled.source_map),
    }


def load_artefacts(path: Path) -> Artefacts:
    """Read what a build left. `path`: any of the three files. The source map may be missing.

    Raises `InvalidArtefact`, `InvalidInterface`, `InvalidSourceMap`, and `OSError` for what cannot be read.
    """
    module, interface_file = path.with_suffix(MODULE), path.with_suffix(INTERFACE)
    for needed in (module, interface_file):
        if not needed.is_file():
            raise InvalidArtefact(f"{needed} is missing; `accountant contract build` makes it")
    code = read_file(module)
    interface = read_interface(read_file(interface_file))
    if sha256(code).hex() != interface.code_sha256:
        raise InvalidArtefact(f"{module} is not the module that {interface_file.name} describes; build both again")
    source_map = path.with_suffix(SOURCE_MAP)
    mapped = decode_source_map(read_file(source_map)) if source_map.is_file() else None
    return Artefacts(code, envelope_of_interface(interface), interface, mapped)
