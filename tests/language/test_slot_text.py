"""Slots as people read them lead back to variable and keys; foreign slots are never taken for one."""

from hypothesis import given
from hypothesis import strategies as st

from accountant.language.compiler import compile_source
from accountant.language.errors import Place
from accountant.language.slot_text import shown_slot
from accountant.language.slots import slot_of
from accountant.language.tree import Variable
from accountant.language.types import StorageType, Type
from accountant.primitives.addresses import show
from accountant.primitives.hashes import sha256
from tests.support.chains import ALICE, contract_id

SOURCE = b"""
from accountant.language import Account, Cid, Hash, Map, export

supply: int
balances: Map[Account, int]
allowances: Map[Account, Map[Account, int]]
names: Map[str, int]
marks: Map[bool, Map[int, bytes]]
files: Map[Hash, Map[Cid, int]]


@export
def nothing() -> None:
    pass
"""
INTERFACE = compile_source(SOURCE, "kept.py").interface
VARIABLES = {
    one.name: Variable(Place(1, 1), one.name, StorageType(tuple(map(Type, one.keys)), Type(one.value)))
    for one in INTERFACE.storage
}
OWN = bytes(ALICE.address)
THERE = contract_id("there")


def test_every_form_of_key() -> None:
    """Accounts, numbers, truth values and hashes; what lies under its hash is named if it is known."""
    bob = sha256(OWN)
    assert shown_slot(INTERFACE, slot_of(VARIABLES["supply"], ()), {}) == "supply"
    for account in (OWN, THERE):
        shown = f"balances[{show(account)}]"  # type: ignore[arg-type]
        assert shown_slot(INTERFACE, slot_of(VARIABLES["balances"], (account,)), {}) == shown
    slot = slot_of(VARIABLES["allowances"], (OWN, THERE))
    assert shown_slot(INTERFACE, slot, {bob: "alice"}) == f"allowances[alice][{show(THERE)}]"
    assert shown_slot(INTERFACE, slot, {}) == f"allowances[what hashes to 0x{bob.hex()}][{show(THERE)}]"
    assert shown_slot(INTERFACE, slot_of(VARIABLES["marks"], (True, -3)), {}) == "marks[true][-3]"
    assert shown_slot(INTERFACE, slot_of(VARIABLES["names"], ("x",)), {sha256(b"x"): "x"}) == "names[x]"


@given(st.sampled_from(sorted(VARIABLES)), st.binary(max_size=90))
def test_foreign_slots_are_none_of_the_variables(name: str, rest: bytes) -> None:
    """Whatever bytes follow a name, what is shown stands for exactly these bytes, or nothing is shown."""
    slot = name.encode() + b":" + rest
    shown = shown_slot(INTERFACE, slot, {})
    if shown is None:
        return
    sizes = {
        Type.ACCOUNT: (20, 32),
        Type.HASH: (32,),
        Type.CID: (36,),
        Type.INT: (8,),
        Type.BOOL: (8,),
        Type.STR: (32,),
    }
    keys = VARIABLES[name].type.keys
    assert shown.count("[") == len(keys)
    most = sum(max(sizes[key]) for key in keys)
    assert len(rest) <= most


def test_names_that_are_no_variables() -> None:
    """No prefix, no name, no variable."""
    for slot in (b"", b":", b"supply", b"unknown:", b"supply:x", b"\xff:"):
        assert shown_slot(INTERFACE, slot, {}) is None
