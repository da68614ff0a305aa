"""The WASM encoder: what it makes is what another tool makes of the same parts, and is valid."""

from hypothesis import given
from hypothesis import strategies as st
from wasmtime import Module, wat2wasm

from accountant.contracts.binary import Reader
from accountant.contracts.engine import engine
from accountant.language.emission.binary import Definition, FunctionType, Import, Parts, encode_module
from accountant.language.emission.instructions import I32, I64, I64_ADD, call, get, number, signed, tee, unsigned

UNARY = FunctionType(bytes((I64,)), bytes((I64,)))
NOTHING = FunctionType(b"", b"")
PARTS = Parts(
    imports=(Import("anh", "bytes_new", FunctionType(bytes((I32, I32)), bytes((I64,)))),),
    definitions=(
        Definition(UNARY, 1, get(0) + number(300) + I64_ADD + tee(1)),
        Definition(NOTHING, 0, number(-5) + call(1) + b"\x1a"),
    ),
    exports=(("main", 2),),
    memory_bytes=70_000,
    data_at=8,
    data=b"text",
)


def test_the_same_bytes_as_another_encoder() -> None:
    """Sections, types, locals, exports, memory and data are encoded as the text format's assembler encodes them."""
    wat = """(module
        (type (func (param i32 i32) (result i64))) (type (func (param i64) (result i64))) (type (func))
        (import "anh" "bytes_new" (func (type 0)))
        (func (type 1) (local i64) (local.tee 1 (i64.add (local.get 0) (i64.const 300))))
        (func (type 2) (drop (call 1 (i64.const -5))))
        (memory (export "memory") 2)
        (export "main" (func 2))
        (data (i32.const 8) "text"))"""
    assert encode_module(PARTS).code == bytes(wat2wasm(wat))


def test_it_says_where_functions_begin() -> None:
    """The offsets are those of each body's first instruction."""
    encoded = encode_module(PARTS)
    for at, definition in zip(encoded.instructions_at, PARTS.definitions, strict=True):
        assert encoded.code[at : at + len(definition.code)] == definition.code


def test_empty_sections_are_left_out() -> None:
    """A module of one empty function has neither imports nor memory nor data, and is valid."""
    code = encode_module(Parts((), (Definition(NOTHING, 0, b""),), (("main", 0),), 0, 0, b"")).code
    assert code == bytes(wat2wasm('(module (func (export "main")))'))
    Module.validate(engine(), code)


@given(st.integers(0, 2**32 - 1), st.integers(-(2**63), 2**63 - 1))
def test_numbers(size: int, value: int) -> None:
    """LEB128 numbers are read back as they were, by the chain's own strict reader, and are as short as can be."""
    assert Reader(unsigned(size), 0, len(unsigned(size))).u32() == size
    assert Reader(signed(value), 0, len(signed(value))).signed(64) == value
    assert len(unsigned(size)) == max(1, -(-size.bit_length() // 7))
    assert len(signed(value)) == (value if value >= 0 else ~value).bit_length() // 7 + 1
