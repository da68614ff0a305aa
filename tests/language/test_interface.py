"""The interface file says all that is needed to call a contract, reads back as it was written, and refuses the rest."""

from pathlib import Path

import msgspec
import pytest

from accountant.language.artefacts import InvalidArtefact, artefact_files, load_artefacts
from accountant.language.compiler import Compiled, compile_file
from accountant.language.interface import (
    InvalidInterface,
    Named,
    StorageInterface,
    envelope_of_interface,
    read_interface,
    write_interface,
)
from accountant.language.source_map import InvalidSourceMap
from accountant.primitives.hashes import sha256

LIBRARY = Path(__file__).parents[2] / "accountant" / "library"


@pytest.fixture(scope="module")
def token() -> Compiled:
    return compile_file(LIBRARY / "token.py")


def test_the_interface_of_the_token(token: Compiled) -> None:
    """Names, types, documentation, footprints, hashes, and the envelope."""
    interface = token.interface
    assert (interface.contract, interface.language) == ("token", 1)
    assert interface.documentation == "A fungible token: balances, transfers, approvals."
    assert interface.source_sha256 == sha256((LIBRARY / "token.py").read_bytes()).hex()
    assert interface.code_sha256 == sha256(token.code).hex()
    assert envelope_of_interface(interface) == token.envelope
    transfer = interface.function("transfer")
    assert transfer is not None and transfer.documentation == "Moves units of the caller."
    assert transfer.parameters == (Named("to", "Account"), Named("units", "int")) and transfer.returns == "bool"
    assert not transfer.view and not transfer.payable and not transfer.direct and transfer.callers == ("anyone",)
    assert transfer.complete and transfer.certain == ("reads balances[sender]",)
    assert transfer.touches == (
        "reads balances[sender]",
        "writes balances[sender]",
        "reads balances[to]",
        "writes balances[to]",
    )
    assert interface.constructor is not None and interface.constructor.parameters == (Named("units", "int"),)
    assert interface.function("init") is None
    assert [event.name for event in interface.events] == ["Transfer", "Approval"]
    assert interface.storage[2] == StorageInterface("allowances", ("Account", "Account"), "int")


def test_an_interface_reads_back_as_written(token: Compiled) -> None:
    """And the file has its keys in order, so that it can be compared."""
    raw = write_interface(token.interface)
    assert read_interface(raw) == token.interface
    assert write_interface(read_interface(raw)) == raw
    keys = list(msgspec.json.decode(raw))
    assert keys == sorted(keys)


@pytest.mark.parametrize(
    ("find", "put"),
    [
        (b'"language": 1', b'"language": 2'),
        (b'"type": "Account"', b'"type": "float"'),
        (b'"envelope": "', b'"envelope": "00'),
        (b'"envelope": "', b'"envelope": "xy'),
        (b'"view": ', b'"wiew": '),
        (b"{", b"["),
    ],
)
def test_what_is_no_interface_is_refused(token: Compiled, find: bytes, put: bytes) -> None:
    """Another version, unknown types and fields, an envelope that does not decode."""
    raw = write_interface(token.interface)
    assert find in raw
    with pytest.raises(InvalidInterface):
        read_interface(raw.replace(find, put, 1))


def test_artefacts_read_back_from_their_files(token: Compiled, tmp_path: Path) -> None:
    """From the path of any of the three. The source map may be missing; module and interface belong together."""
    for name, raw in artefact_files(token).items():
        (tmp_path / name).write_bytes(raw)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["token.json", "token.map", "token.wasm"]
    for path in tmp_path.iterdir():
        assert load_artefacts(path) == (token.code, token.envelope, token.interface, token.source_map)
    (tmp_path / "token.map").write_bytes(b"{}")
    with pytest.raises(InvalidSourceMap):
        load_artefacts(tmp_path / "token.json")
    (tmp_path / "token.map").unlink()
    assert load_artefacts(tmp_path / "token.wasm").source_map is None
    (tmp_path / "token.wasm").write_bytes(token.code + b"\x00")
    with pytest.raises(InvalidArtefact, match=r"not the module that token\.json describes"):
        load_artefacts(tmp_path / "token.wasm")
    (tmp_path / "token.wasm").unlink()
    with pytest.raises(InvalidArtefact, match="missing"):
        load_artefacts(tmp_path / "token.json")
