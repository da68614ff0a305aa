"""The files that contract commands are given: sources, and what a build made of them."""

import os
import tempfile
from pathlib import Path
from typing import NamedTuple

from accountant.language.artefacts import INTERFACE, MODULE, SOURCE_MAP, Artefacts, load_artefacts
from accountant.language.compiler import compile_file
from accountant.language.files import read_file
from accountant.language.interface import Interface, read_interface
from accountant.language.source_map import SourceMap, decode_source_map
from accountant.primitives.errors import AccountantError

SOURCE = ".py"


class NoContractFile(AccountantError):
    """A file that is neither a source nor something that a build made."""

    code = "no_contract_file"


class Described(NamedTuple):
    """What callers need of a contract, and of its source file for the lines of failures."""

    interface: Interface
    source_map: SourceMap | None
    file: str
    """The source's name."""


def built(path: Path) -> Artefacts:
    """Module, envelope, interface and map, of a source or of any file of a build.

    Raises `ContractError`, `NoContractFile`, `InvalidArtefact` and other errors of bad files, `OSError`.
    """
    if path.suffix == SOURCE:
        return Artefacts(*compile_file(path))
    _demand_artefact(path)
    return load_artefacts(path)


def described(path: Path) -> Described:
    """The interface of a source, or of a file of a build; its module need not be there. Errors as `built`."""
    if path.suffix == SOURCE:
        compiled = compile_file(path)
        return Described(compiled.interface, compiled.source_map, path.name)
    _demand_artefact(path)
    mapped, file = path.with_suffix(SOURCE_MAP), path.with_suffix(SOURCE).name
    interface = read_interface(read_file(path.with_suffix(INTERFACE)))
    return Described(interface, decode_source_map(read_file(mapped)) if mapped.is_file() else None, file)


def write_file(path: Path, data: bytes) -> None:
    """The whole file, or the one that was there before. Raises `OSError`."""
    handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), 0o644)
            file.write(data)
        os.replace(unfinished, path)
    except BaseException:
        os.unlink(unfinished)
        raise


def _demand_artefact(path: Path) -> None:
    if path.suffix not in (INTERFACE, MODULE, SOURCE_MAP):
        raise NoContractFile(f"{path} is no contract: name a source (.py) or what a build made of it (.json)")
