"""The C header, and that the committed module is what its sources compile to."""

import hashlib
import importlib.util
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

from accountant.contracts.table import HOST_TABLE, Kind

SOURCES = Path(__file__).parents[2] / "accountant" / "library" / "c"

_C_TYPES = {
    Kind.INT: "int64_t",
    Kind.BOOL: "int64_t",
    Kind.BYTES: "anh_bytes",
    Kind.LIST: "anh_list",
    Kind.PTR: "void",
    Kind.LEN: "uint32_t",
    Kind.TENSOR: "anh_tensor",
    Kind.TENSOR_OR_NONE: "anh_tensor",
    Kind.TENSORS: "anh_tensors",
    Kind.INDICES: "anh_indices",
    Kind.INDICES_OR_NONE: "anh_indices",
    Kind.REAL: "anh_real",
}
"""A pointer is the one with a star, which the comparison leaves out."""


def _kind(parameter: str) -> str:
    return re.sub(r"^const |[ *]+\w+$", "", parameter.strip())


def test_the_header_is_the_host_table() -> None:
    """anh.h declares the functions of the host table, those on tensors too, in its order, with their types."""
    declared = []
    lines = re.findall(r"^ANH\((\w+)\) (?:_Noreturn )?(\w+) anh_(\w+)\(([^)]*)\);$", _text("anh.h"), re.MULTILINE)
    for imported, result, name, parameters in lines:
        assert imported == name
        declared.append((name, [_kind(p) for p in parameters.strip().split(",") if p != "void"], result))
    assert declared == [
        (
            row.name,
            [_C_TYPES[kind] for kind in row.parameters],
            "void" if row.result is None else _C_TYPES[row.result],
        )
        for row in HOST_TABLE
    ]


@cache
def _text(name: str) -> str:
    return (SOURCES / name).read_text()


def test_the_module_was_built_from_these_sources() -> None:
    """Source, header, flags and module have the hashes that the last build recorded, so none changes alone."""
    lines = (line.split("  ") for line in _text("SHA256SUMS").splitlines())
    recorded = {name: digest for digest, name in lines}
    assert set(recorded) == {"anh.h", "auction.c", "auction.wasm", "flags"}
    assert recorded == {name: hashlib.sha256((SOURCES / name).read_bytes()).hexdigest() for name in recorded}


if importlib.util.find_spec("ziglang") is not None:  # the extra other-languages, which no other test needs

    def test_the_same_source_gives_the_same_bytes(tmp_path: Path) -> None:
        """Built again elsewhere, with the compiler of the extra, the module is the committed one to the byte."""
        for name in ("anh.h", "auction.c", "flags"):
            (tmp_path / name).write_text(_text(name))
        command = [sys.executable, "-m", "ziglang", "cc", "@flags", "-o", "auction.wasm", "auction.c"]
        subprocess.run(
            command, cwd=tmp_path, check=True, env={**os.environ, "HOME": str(tmp_path)}, capture_output=True, text=True
        )
        assert (tmp_path / "auction.wasm").read_bytes() == (SOURCES / "auction.wasm").read_bytes()
