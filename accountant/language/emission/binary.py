"""A WebAssembly module's bytes from its parts (WebAssembly 1.0, binary format): no names, no custom sections.

Strict in the other direction is `accountant.contracts.module`, which checks what is made here.
"""

from collections.abc import Iterable
from typing import NamedTuple

from accountant.language.emission.instructions import I64, address, unsigned

MAGIC = b"\x00asm\x01\x00\x00\x00"
PAGE_BYTES = 64 * 1024

_TYPE, _IMPORT, _FUNCTION, _MEMORY, _EXPORT, _CODE, _DATA = 1, 2, 3, 5, 7, 10, 11
_FUNCTION_TYPE, _AS_FUNCTION, _AS_MEMORY, _END = 0x60, 0x00, 0x02, b"\x0b"


class FunctionType(NamedTuple):
    """The types of a function's parameters and results."""

    parameters: bytes
    results: bytes


class Import(NamedTuple):
    """An imported function."""

    module: str
    name: str
    type: FunctionType


class Definition(NamedTuple):
    """A function of the module: its type, how many i64 locals it has besides the parameters, its instructions."""

    type: FunctionType
    locals: int
    code: bytes
    """Without the last `end`."""


class Parts(NamedTuple):
    """A module before it is encoded. Functions are numbered: imports first, then definitions."""

    imports: tuple[Import, ...]
    definitions: tuple[Definition, ...]
    exports: tuple[tuple[str, int], ...]
    """Functions by name."""
    memory_bytes: int
    """At least so much memory, in whole pages; none if it is 0. Exported as `memory`."""
    data_at: int
    data: bytes
    """What the memory holds from `data_at` on; zeros elsewhere."""


class Encoded(NamedTuple):
    """A module's bytes, and the offsets among them at which the instructions of each definition begin."""

    code: bytes
    instructions_at: tuple[int, ...]


def encode_module(parts: Parts) -> Encoded:
    """The module; the same parts give the same bytes."""
    types = list(dict.fromkeys([*(one.type for one in parts.imports), *(one.type for one in parts.definitions)]))
    numbers = {kind: unsigned(index) for index, kind in enumerate(types)}
    head = [
        _section(_TYPE, [_type(kind) for kind in types]),
        _section(
            _IMPORT,
            [_name(one.module) + _name(one.name) + bytes([_AS_FUNCTION]) + numbers[one.type] for one in parts.imports],
        ),
        _section(_FUNCTION, [numbers[one.type] for one in parts.definitions]),
    ]
    exports = [_name(name) + bytes([_AS_FUNCTION]) + unsigned(index) for name, index in parts.exports]
    if parts.memory_bytes:
        head.append(_section(_MEMORY, [b"\x00" + unsigned(-(-parts.memory_bytes // PAGE_BYTES))]))
        exports.insert(0, _name("memory") + bytes([_AS_MEMORY]) + b"\x00")
    head.append(_section(_EXPORT, exports))
    before = MAGIC + b"".join(head)
    headers = [_locals(one) for one in parts.definitions]
    bodies = [header + one.code + _END for header, one in zip(headers, parts.definitions, strict=True)]
    code = _section(_CODE, [_sized(body) for body in bodies])
    at = len(before) + len(code) - sum(len(_sized(body)) for body in bodies)
    instructions_at = []
    for header, body in zip(headers, bodies, strict=True):
        instructions_at.append(at + len(_sized(body)) - len(body) + len(header))
        at += len(_sized(body))
    data = [b"\x00" + address(parts.data_at) + _END + _sized(parts.data)] if parts.data else []
    return Encoded(before + code + _section(_DATA, data), tuple(instructions_at))


def _locals(definition: Definition) -> bytes:
    return _vector([unsigned(definition.locals) + bytes([I64])] if definition.locals else [])


def _type(kind: FunctionType) -> bytes:
    return bytes([_FUNCTION_TYPE]) + _sized(kind.parameters) + _sized(kind.results)


def _section(number: int, items: list[bytes]) -> bytes:
    return bytes([number]) + _sized(_vector(items)) if items else b""


def _vector(items: Iterable[bytes]) -> bytes:
    listed = list(items)
    return unsigned(len(listed)) + b"".join(listed)


def _name(text: str) -> bytes:
    return _sized(text.encode())


def _sized(data: bytes) -> bytes:
    return unsigned(len(data)) + data
