"""Contracts from files: compiled once a process, or read as a build left them."""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from accountant.chain.envelope import Envelope
from accountant.language.artefacts import load_artefacts
from accountant.language.compiler import compile_source
from accountant.language.files import read_file
from accountant.language.interface import Interface
from accountant.language.source_map import SourceMap
from accountant.sandbox.errors import SandboxError


class Built(NamedTuple):
    """A contract that can be deployed."""

    code: bytes
    envelope: Envelope
    interface: Interface
    source_map: SourceMap | None


def built(path: Path) -> Built:
    """A contract's source, or one of the files that a build made.

    Raises `ContractError`, `InvalidArtefact`, and `SandboxError` where there is no file.
    """
    if not path.is_file():
        raise SandboxError(f"there is no contract {path}; paths are relative to the folder of the test's file")
    if path.suffix != ".py":
        return Built(*load_artefacts(path))
    return _compiled(read_file(path), str(path))


@lru_cache(maxsize=128)
def _compiled(source: bytes, file: str) -> Built:
    return Built(*compile_source(source, file))
