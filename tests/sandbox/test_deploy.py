"""Contracts from source files: compiled, deployed, called by name, and blamed by line."""

from pathlib import Path

import pytest

import accountant.library
from accountant.language.artefacts import InvalidArtefact, artefact_files
from accountant.language.compiler import compile_file
from accountant.language.errors import ContractError
from accountant.sandbox import Chain, DeploymentFailed, SandboxError, ViewFailed, WrongArgument

_LIBRARY = Path(accountant.library.__path__[0])

_PURSE = '''"""A purse that pays, and fails in many ways."""

from accountant.language import Account, Contract, Event, Interface, Map, calls, caller, direct, export, log, pay
from accountant.language import payable, touches, value, view

owner: Account
kept: Map[str, bytes]


class Kept(Event):
    key: str
    data: bytes
    by: Account
    again: bool


class Purse(Interface):
    def halve(self, number: int) -> int: ...


@payable
def init(least: int) -> None:
    global owner
    assert value() >= least, "too little"
    owner = caller()


@export
@direct
def pay_out(amount: int) -> None:
    pay(caller(), amount)


@export
def keep(key: str, data: bytes) -> bool:
    again = key in kept
    kept[key] = data
    log(Kept(key=key, data=data, by=caller(), again=again))
    return again


@view
def kept_as(key: str) -> bytes:
    return kept[key]


@view
def halve(number: int) -> int:
    assert number % 2 == 0, "odd: " + str(number)
    return number // 2


@export
@touches(calls(1))
def halve_there(purse: Contract, number: int) -> int:
    return Purse(purse).halve(number)
'''


def _line(text: str) -> int:
    return next(number for number, line in enumerate(_PURSE.splitlines(), 1) if text in line)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the purse's source."""
    (tmp_path / "purse.py").write_text(_PURSE)
    return tmp_path


@pytest.fixture
def purses(folder: Path) -> Chain:
    """A chain whose contracts are in that folder."""
    return Chain(folder)


def test_a_contract_of_the_library_is_deployed_from_its_source() -> None:
    """Constructor, functions, views and events are those of the file."""
    chain = Chain(_LIBRARY)
    alice, bob = chain.account("alice"), chain.account("bob")
    token = chain.deploy("token.py", 1_000, sender=alice)
    result = token.transfer(bob, 10, sender=alice)
    assert result.returned is True
    assert result.events == [token.Transfer(source=alice.address, to=bob.address, units=10)]
    assert token.balance_of(bob) == 10
    with chain.fails("balance too low"):
        token.transfer(bob, 10_000, sender=alice)
    chain.check()


def test_a_failure_names_its_line(purses: Chain) -> None:
    """An assertion, the constructor's too, and a view's; the trace goes on into the contract that called."""
    alice = purses.account("alice")
    with pytest.raises(DeploymentFailed, match=f"'too little' at purse.py:{_line('too little')}"):
        purses.deploy("purse.py", 5, sender=alice, value=4)
    purse = purses.deploy("purse.py", 5, sender=alice, value=5)
    failed = purse.pay_out(6, sender=alice)
    assert (failed.failure, failed.line) == ("insufficient_contract_funds", _line("pay(caller(), amount)"))
    there = purse.halve_there(purse, 3, sender=alice)
    assert (there.reason, there.line, there.place) == ("odd: 3", _line("number % 2"), f"purse.py:{_line('number % 2')}")
    assert there.trace == (f"purse.py:{_line('number % 2')}", f"purse.py:{_line('Purse(purse)')}")
    with pytest.raises(ViewFailed, match=f"'odd: 5' at purse.py:{_line('number % 2')}"):
        purse.halve(5)
    purses.check()


def test_values_have_the_types_of_the_source(purses: Chain) -> None:
    """Text, bytes, bools and accounts come back as such, in results and in events."""
    alice = purses.account("alice")
    purse = purses.deploy("purse.py", least=0, sender=alice)
    assert purse.keep("clé", b"\1\2", sender=alice).returned is False
    again = purse.keep(data=b"", key="clé", sender=alice)
    assert again.returned is True
    assert again.events == [purse.Kept(key="clé", data=b"", by=alice, again=True)]
    assert purse.kept_as("clé") == b""
    assert purse.halve_there(purse, 8, sender=alice).returned == 4
    with pytest.raises(WrongArgument, match=r"purse.keep\(key: str, data: bytes\): key is a str, not b'x'"):
        purse.keep(b"x", b"x", sender=alice)
    purses.check()


def test_what_does_not_compile_or_is_not_there_is_told(folder: Path, purses: Chain) -> None:
    """The compiler's error with its line; a path that leads nowhere, with where it leads."""
    alice = purses.account("alice")
    (folder / "bad.py").write_text("import os\n")
    with pytest.raises(ContractError, match=r"bad\.py:1:1: "):
        purses.deploy("bad.py", sender=alice)
    with pytest.raises(SandboxError, match=r"there is no contract .*nix\.py"):
        purses.deploy("nix.py", sender=alice)


def test_what_a_build_left_is_deployed_as_well(folder: Path, purses: Chain) -> None:
    """Any of the three files stands for the contract; without the source map there are no lines."""
    alice = purses.account("alice")
    for name, content in artefact_files(compile_file(folder / "purse.py")).items():
        (folder / name).write_bytes(content)
    (folder / "purse.py").unlink()
    assert purses.deploy("purse.wasm", 0, sender=alice).pay_out(1, sender=alice).line is not None
    (folder / "purse.map").unlink()
    failed = Chain(folder)
    purse = failed.deploy("purse.json", 0, sender=failed.account("alice"))
    assert purse.pay_out(1, sender=failed.account("alice")).line is None
    (folder / "purse.wasm").unlink()
    with pytest.raises(InvalidArtefact, match=r"purse\.wasm is missing"):
        purses.deploy("purse.json", 0, sender=alice)
