"""The structural check of a module before a block takes it: linear in its size, nothing is compiled (DESIGN section 3).

What passes compiles in bounded time, cannot reach the end of the native stack, and imports nothing but the host table.
"""

from wasmtime import Module, WasmtimeError

from accountant.chain.envelope import Envelope
from accountant.chain.genesis import Limits
from accountant.contracts.binary import Reader, malformed
from accountant.contracts.body import EDGES_TIMES_LOCALS_MOST, MODULE_EDGES_TIMES_LOCALS_MOST, Body, Signature, walk
from accountant.contracts.callgraph import check_calls, frame_bytes
from accountant.contracts.engine import PAGE_BYTES, engine
from accountant.contracts.errors import InvalidModule
from accountant.contracts.table import HOST, MODULE, Kind

MAGIC = b"\x00asm\x01\x00\x00\x00"

TYPES_MOST = 256
GLOBALS_MOST = 256
DATA_SEGMENTS_MOST = 256
HEAVY_BYTES_LEAST = 16
"""Bytes of a module for each of its functions, loops and other heavy instructions: each compiles for 50 µs."""
HEAVY_FREE = 16
"""So many of them are in any module: the flat price of a deployment pays for them."""

_CUSTOM, _TYPE, _IMPORT, _FUNCTION, _TABLE, _MEMORY = 0, 1, 2, 3, 4, 5
_GLOBAL, _EXPORT, _START, _ELEMENT, _CODE, _DATA, _DATA_COUNT, _TAG = 6, 7, 8, 9, 10, 11, 12, 13
_ORDER = {_TYPE: 1, _IMPORT: 2, _FUNCTION: 3, _MEMORY: 4, _GLOBAL: 5, _EXPORT: 6, _DATA_COUNT: 7, _CODE: 8, _DATA: 9}
_REFUSED = {_TABLE: "table", _START: "start", _ELEMENT: "element", _TAG: "tag"}

_I32, _I64, _F32, _F64 = 0x7F, 0x7E, 0x7D, 0x7C
_NUMBER_TYPES = (_I32, _I64, _F32, _F64)
_FUNCTION_TYPE = 0x60
_CONSTANT_OF = {_I32: 0x41, _I64: 0x42, _F32: 0x43, _F64: 0x44}
_END = 0x0B
_AS_FUNCTION, _AS_MEMORY, _AS_GLOBAL = 0, 2, 3
_ENTRY = Signature(b"", b"")


def host_signature(name: str) -> Signature:
    """The function type that an import of this row of the host table must have."""
    row = HOST[name]
    return Signature(
        bytes(map(_type_of, row.parameters)), bytes(map(_type_of, () if row.result is None else (row.result,)))
    )


def check_module(code: bytes, envelope: Envelope, limits: Limits) -> None:
    """Refuse a module that breaks a structural rule, is ill-typed, or does not export what `envelope` names.

    Raises `InvalidModule` and nothing else, whatever the bytes.
    """
    _Check(code, limits).run(envelope)
    try:
        Module.validate(engine(), code)
    except WasmtimeError as error:
        raise InvalidModule("invalid", str(error).splitlines()[0]) from None


class _Check:
    """One module's sections, read in their order; each section has its own method."""

    def __init__(self, code: bytes, limits: Limits) -> None:
        self.code = code
        self.limits = limits
        self.types: list[Signature] = []
        self.functions: list[Signature] = []
        self.imported = 0
        self.pages: int | None = None
        self.globals = 0
        self.exports: dict[str, tuple[int, int]] = {}
        self.bodies: list[Body] = []
        self.frames: list[int] = []
        self.work = 0
        self.data_count: int | None = None
        self.segments = 0

    def run(self, envelope: Envelope) -> None:
        """All rules but the engine's own."""
        _at_most("module_size", "bytes", len(self.code), self.limits.module_bytes_most)
        reader = Reader(self.code, 0, len(self.code))
        if reader.take(len(MAGIC)) != MAGIC:
            raise malformed("no WASM module of version 1")
        self._sections(reader)
        if len(self.bodies) != len(self.functions) - self.imported:
            raise malformed("functions and bodies differ in number")
        if self.data_count is not None and self.data_count != self.segments:
            raise malformed("the number of data segments is another")
        heavy = len(self.bodies) + sum(body.heavy for body in self.bodies)
        most = HEAVY_FREE + len(self.code) // HEAVY_BYTES_LEAST
        _at_most("compile_limit", f"functions, loops and such in {len(self.code)} bytes", heavy, most)
        own = self.imported
        check_calls([frozenset(c - own for c in body.callees if c >= own) for body in self.bodies], self.frames)
        self._check_exports(envelope)

    def _sections(self, reader: Reader) -> None:
        readers = {
            _TYPE: self._read_types,
            _IMPORT: self._read_imports,
            _FUNCTION: self._read_functions,
            _MEMORY: self._read_memory,
            _GLOBAL: self._read_globals,
            _EXPORT: self._read_exports,
            _DATA_COUNT: self._read_data_count,
            _CODE: self._read_code,
            _DATA: self._read_data,
        }
        last = 0
        while not reader.done:
            kind = reader.byte()
            section = reader.part()
            if kind == _CUSTOM:
                section.name()
                continue
            if kind in _REFUSED:
                raise InvalidModule(_REFUSED[kind], f"a {_REFUSED[kind]} section is not allowed")
            if kind not in readers:
                raise malformed(f"unknown section {kind}")
            if _ORDER[kind] <= last:
                raise malformed(f"section {kind} is out of order or there twice")
            last = _ORDER[kind]
            readers[kind](section)
            if not section.done:
                raise malformed(f"section {kind} is longer than what it holds")

    def _read_types(self, reader: Reader) -> None:
        for _ in range(_at_most("types_limit", "types", reader.u32(), TYPES_MOST)):
            if reader.byte() != _FUNCTION_TYPE:
                raise InvalidModule("type", "types other than function types are not allowed")
            self.types.append(Signature(self._read_numbers(reader), self._read_numbers(reader)))

    def _read_numbers(self, reader: Reader) -> bytes:
        numbers = reader.take(_at_most("locals_limit", "parameters", reader.u32(), self.limits.locals_most))
        if any(number not in _NUMBER_TYPES for number in numbers):
            raise InvalidModule("type", "values other than numbers are not allowed")
        return numbers

    def _read_imports(self, reader: Reader) -> None:
        count = _at_most("functions_limit", "imports", reader.u32(), self.limits.functions_most)
        names: set[str] = set()
        for _ in range(count):
            module, name, kind = reader.name(), reader.name(), reader.byte()
            if module != MODULE or name not in HOST or kind != _AS_FUNCTION:
                raise InvalidModule("unknown_import", f"{module}.{name} is no function of the host table")
            if name in names:
                raise InvalidModule("duplicate_import", f"{module}.{name} is imported twice")
            names.add(name)
            signature = self._type(reader.u32())
            if signature != host_signature(name):
                raise InvalidModule("wrong_import_type", f"{module}.{name} is imported with another type than its own")
            self.functions.append(signature)
        self.imported = count

    def _read_functions(self, reader: Reader) -> None:
        count = reader.u32()
        _at_most("functions_limit", "functions", self.imported + count, self.limits.functions_most)
        for _ in range(count):
            self.functions.append(self._type(reader.u32()))

    def _read_memory(self, reader: Reader) -> None:
        count = reader.u32()
        if count > 1:
            raise InvalidModule("memory", "more than one memory is not allowed")
        for _ in range(count):
            flags = reader.byte()
            if flags > 1:
                raise InvalidModule("memory", "shared, 64-bit and custom-page memories are not allowed")
            least = reader.u32()
            most = reader.u32() if flags else least
            if most < least:
                raise malformed("a memory's greatest size is below its first")
            _at_most("memory_limit", "pages", least, self.limits.memory_pages_most)
            self.pages = least

    def _read_globals(self, reader: Reader) -> None:
        for _ in range(_at_most("globals_limit", "globals", reader.u32(), GLOBALS_MOST)):
            kind, mutable = reader.byte(), reader.byte()
            if kind not in _NUMBER_TYPES or mutable > 1:
                raise InvalidModule("global", "globals other than numbers are not allowed")
            _read_constant(reader, kind)
            self.globals += 1

    def _read_exports(self, reader: Reader) -> None:
        for _ in range(_at_most("exports_limit", "exports", reader.u32(), self.limits.exports_most)):
            name, kind, index = reader.name(), reader.byte(), reader.u32()
            if name in self.exports:
                raise malformed(f"{name!r} is exported twice")
            self.exports[name] = (kind, index)

    def _read_data_count(self, reader: Reader) -> None:
        self.data_count = reader.u32()

    def _read_code(self, reader: Reader) -> None:
        count = reader.u32()
        if count != len(self.functions) - self.imported:
            raise malformed("functions and bodies differ in number")
        for index in range(self.imported, len(self.functions)):
            self._read_body(reader.part(), index)

    def _read_body(self, reader: Reader, index: int) -> None:
        _at_most("function_size", "bytes in a body", reader.end - reader.at, self.limits.function_bytes_most)
        signature = self.functions[index]
        values = len(signature.parameters)
        for _ in range(_at_most("locals_limit", "groups of locals", reader.u32(), self.limits.locals_most)):
            values += reader.u32()
            _at_most("locals_limit", f"locals in function {index}", values, self.limits.locals_most)
            if reader.byte() not in _NUMBER_TYPES:
                raise InvalidModule("type", "locals other than numbers are not allowed")
        body = walk(reader, self.types, self.functions, len(signature.results))
        work = body.edges * (values + 1)
        _at_most("branch_limit", f"branches times locals in function {index}", work, EDGES_TIMES_LOCALS_MOST)
        self.work += work
        _at_most("branch_limit", "branches times locals in all functions", self.work, MODULE_EDGES_TIMES_LOCALS_MOST)
        self.bodies.append(body)
        self.frames.append(frame_bytes(values + len(signature.results) + body.height))

    def _read_data(self, reader: Reader) -> None:
        self.segments = _at_most("data", "data segments", reader.u32(), DATA_SEGMENTS_MOST)
        for _ in range(self.segments):
            if reader.u32() != 0:
                raise InvalidModule("data", "passive data segments are not allowed")
            offset = _read_constant(reader, _I32) & 0xFFFF_FFFF
            size = reader.u32()
            reader.take(size)
            if self.pages is None or offset + size > self.pages * PAGE_BYTES:
                raise InvalidModule("data", "a data segment does not fit into the memory's first size")

    def _check_exports(self, envelope: Envelope) -> None:
        for name, (kind, index) in self.exports.items():
            if kind == _AS_FUNCTION:
                if not self.imported <= index < len(self.functions) or self.functions[index] != _ENTRY:
                    raise InvalidModule("wrong_export_type", f"{name!r} must be an own function of type () -> ()")
            elif kind == _AS_MEMORY:
                if self.pages is None or index or name != "memory":
                    raise InvalidModule("memory", "the memory is exported as 'memory' alone")
            elif kind != _AS_GLOBAL or index >= self.globals:
                raise malformed(f"{name!r} exports what is not there")
        if self.pages is not None and "memory" not in self.exports:
            raise InvalidModule("memory", "the memory must be exported as 'memory'")
        for function in envelope.functions:
            if self.exports.get(function.name, (None, 0))[0] != _AS_FUNCTION:
                raise InvalidModule("missing_export", f"the envelope names {function.name!r}, which is not exported")

    def _type(self, index: int) -> Signature:
        if index >= len(self.types):
            raise malformed(f"type {index}, there are {len(self.types)}")
        return self.types[index]


def _read_constant(reader: Reader, kind: int) -> int:
    """A constant expression of one instruction; its value if it is an integer, else 0."""
    if reader.byte() != _CONSTANT_OF[kind]:
        raise InvalidModule("constant", "first values are plain constants of the right type")
    value = 0
    if kind == _I32:
        value = reader.signed(32)
    elif kind == _I64:
        value = reader.signed(64)
    else:
        reader.take(4 if kind == _F32 else 8)
    if reader.byte() != _END:
        raise InvalidModule("constant", "first values are plain constants of the right type")
    return value


def _type_of(kind: Kind) -> int:
    return _I32 if kind in (Kind.PTR, Kind.LEN) else _I64


def _at_most(kind: str, what: str, count: int, most: int) -> int:
    if count > most:
        raise InvalidModule(kind, f"{count} {what}, at most {most} are allowed")
    return count
