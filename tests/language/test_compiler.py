"""The compiler: all of the library, the same bytes everywhere, and errors at the line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from accountant.chain.envelope_rules import check_envelope
from accountant.chain.genesis import Limits
from accountant.contracts.module import check_module
from accountant.language.compiler import compile_file, compile_source
from accountant.language.errors import ContractError
from accountant.language.interface import write_interface
from accountant.language.source_map import encode_source_map

LIBRARY = Path(__file__).parents[2] / "accountant" / "library"
SOURCES = sorted(path for path in LIBRARY.glob("*.py") if path.name != "__init__.py")

_AGAIN = """
import sys
from pathlib import Path
from accountant.language.compiler import compile_source
from accountant.language.interface import write_interface
from accountant.language.source_map import encode_source_map
from accountant.primitives.encoding import encode
from accountant.primitives.hashes import sha256

for path in sys.argv[1:]:
    made = compile_source(Path(path).read_bytes(), path)
    parts = made.code, encode(made.envelope), write_interface(made.interface), encode_source_map(made.source_map)
    print(sha256(b"".join(parts)).hex())
"""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_the_chain_takes_what_is_compiled_from_the_library(path: Path) -> None:
    """Module and envelope pass the checks of a deployment."""
    made = compile_file(path)
    check_envelope(made.envelope, Limits())
    check_module(made.code, made.envelope, Limits())
    assert made.interface.contract == path.stem


def test_the_same_source_gives_the_same_bytes_in_any_process() -> None:
    """Other hash seeds do not change module, envelope, interface or source map."""

    def compiled_under(seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", _AGAIN, *map(str, SOURCES)]
        root = Path(__file__).parents[2]
        return subprocess.run(command, check=True, env=environment, capture_output=True, text=True, cwd=root).stdout

    hashes = {compiled_under(seed) for seed in ("0", "1", "4711")}
    assert len(hashes) == 1 and len(hashes.pop().split()) == len(SOURCES)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_the_name_of_the_file_is_in_the_interface_alone(path: Path) -> None:
    """The module, the envelope and the source map are those of the source."""
    here, there = compile_file(path), compile_source(path.read_bytes(), "elsewhere/other.contract.py")
    assert (here.code, here.envelope, here.source_map) == (there.code, there.envelope, there.source_map)
    assert there.interface.contract == "other.contract"
    assert path.stem.encode() + b".py" not in here.code + write_interface(here.interface)
    assert str(path).encode() not in encode_source_map(here.source_map)


def test_an_envelope_that_the_chain_refuses_names_the_function() -> None:
    """Sizes that no other check of the compiler knows."""
    parameters = ", ".join(f"p{at}: int" for at in range(33))
    source = f"from accountant.language import export\n\n\n@export\ndef run({parameters}) -> None:\n    pass\n"
    with pytest.raises(ContractError) as caught:
        compile_source(source.encode(), "many.py")
    assert caught.value.place.line in (4, 5) and "32" in caught.value.what


def test_errors_have_file_line_and_column() -> None:
    """One line, as editors read it."""
    with pytest.raises(ContractError) as caught:
        compile_source(b"import os\n", "somewhere/bad.py")
    assert caught.value.detail.startswith("somewhere/bad.py:1:1: ")
