"""From functions with references to a module: which imports and routines it needs, numbers, memory, positions.

The order is fixed: imports as in the host table, routines as in `ROUTINES`, the source's functions, doors to them.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from accountant.contracts.module import host_signature
from accountant.contracts.table import HOST_TABLE, MODULE
from accountant.language.emission.binary import Definition, FunctionType, Import, Parts, encode_module
from accountant.language.emission.code import Cell, HostCall, Item, Mark, OwnCall, Pointer, RoutineCall
from accountant.language.emission.instructions import END, address, call
from accountant.language.emission.routines import ROUTINES
from accountant.language.errors import Place

_CELL_BYTES = 8
_Call = HostCall | RoutineCall | OwnCall


class Unlinked(NamedTuple):
    """A function of the source, or a door to one from outside, of the same name."""

    name: str
    type: FunctionType
    locals: int
    """Without the parameters."""
    items: tuple[Item, ...]


class Placed(NamedTuple):
    """Where a function came to lie: offsets in the module's bytes, and what comes from where in the source."""

    name: str
    type: FunctionType
    locals: int
    """Without the parameters."""
    start: int
    """Of its first instruction."""
    end: int
    """Behind its last one."""
    marks: tuple[tuple[int, Place], ...]


class Linked(NamedTuple):
    """The module, how many functions it imports, and where all others are in it, in their order."""

    code: bytes
    imports: int
    types: tuple[FunctionType, ...]
    """Of all functions, imports first."""
    routines: tuple[Placed, ...]
    functions: tuple[Placed, ...]
    doors: tuple[Placed, ...]


def link(
    functions: Sequence[Unlinked], doors: Sequence[Unlinked], exported: Sequence[str], scratch_bytes: int
) -> Linked:
    """The module of these functions, which call each other by name.

    Under each of the names in `exported` it exports the door of this name, or the function where there is none.
    `scratch_bytes`: how much memory from 0 on is left to them.
    """
    routines = _routines_of([*functions, *doors])
    shared = [Unlinked(name, ROUTINES[name].type, ROUTINES[name].locals, ROUTINES[name].items) for name in routines]
    everything = [*shared, *functions, *doors]
    imports = _imports_of(everything)
    called: list[_Call] = [
        *map(HostCall, imports),
        *map(RoutineCall, routines),
        *(OwnCall(one.name) for one in functions),
    ]
    indices = {item: index for index, item in enumerate(called)}
    outside = {one.name: indices[OwnCall(one.name)] for one in functions}
    outside |= {one.name: len(called) + at for at, one in enumerate(doors)}
    layout = _Layout(everything, scratch_bytes)
    resolved = [_resolve(one.items, indices, layout) for one in everything]
    imported = tuple(Import(MODULE, name, FunctionType(*host_signature(name))) for name in imports)
    encoded = encode_module(
        Parts(
            imports=imported,
            definitions=tuple(
                Definition(one.type, one.locals, code) for one, (code, _) in zip(everything, resolved, strict=True)
            ),
            exports=tuple((name, outside[name]) for name in exported),
            memory_bytes=layout.end,
            data_at=layout.data_at,
            data=bytes(layout.data),
        )
    )
    placed = tuple(
        Placed(one.name, one.type, one.locals, start, start + len(code) + len(END), _moved(marks, start))
        for one, (code, marks), start in zip(everything, resolved, encoded.instructions_at, strict=True)
    )
    return Linked(
        code=encoded.code,
        imports=len(imports),
        types=(*(one.type for one in imported), *(one.type for one in everything)),
        routines=placed[: len(shared)],
        functions=placed[len(shared) : len(placed) - len(doors)],
        doors=placed[len(placed) - len(doors) :],
    )


def _moved(marks: Iterable[tuple[int, Place]], start: int) -> tuple[tuple[int, Place], ...]:
    return tuple((start + offset, place) for offset, place in marks)


class _Layout:
    """The memory: scratch, cells, constants. Cells and constants in the order of their first use."""

    def __init__(self, functions: Iterable[Unlinked], scratch_bytes: int) -> None:
        first_cell = -(-scratch_bytes // _CELL_BYTES) * _CELL_BYTES
        items = [item for one in functions for item in one.items]
        cells = dict.fromkeys(item.of for item in items if isinstance(item, Cell))
        self.cells = {of: first_cell + at * _CELL_BYTES for at, of in enumerate(cells)}
        self.data_at = first_cell + len(cells) * _CELL_BYTES
        self.data = bytearray()
        self.pointers: dict[bytes, int] = {}
        for item in items:
            if isinstance(item, Pointer) and item.data not in self.pointers:
                self.pointers[item.data] = self.data_at + len(self.data)
                self.data += item.data
        self.end = self.data_at + len(self.data)
        if self.pointers and not self.end:
            self.end = 1  # an empty constant alone still has an address in a memory


def _routines_of(functions: Iterable[Unlinked]) -> list[str]:
    """The routines that these need, themselves or through others."""
    waiting = [item for one in functions for item in one.items]
    needed: set[str] = set()
    while waiting:
        item = waiting.pop()
        if isinstance(item, RoutineCall) and item.name not in needed:
            needed.add(item.name)
            waiting.extend(ROUTINES[item.name].items)
    return [name for name in ROUTINES if name in needed]


def _imports_of(functions: Iterable[Unlinked]) -> list[str]:
    used = {item.name for one in functions for item in one.items if isinstance(item, HostCall)}
    return [row.name for row in HOST_TABLE if row.name in used]


def _resolve(
    items: Iterable[Item], indices: dict[_Call, int], layout: _Layout
) -> tuple[bytes, list[tuple[int, Place]]]:
    """The instructions, and the marks with their offsets among them."""
    code = bytearray()
    marks: list[tuple[int, Place]] = []
    for item in items:
        match item:
            case bytes():
                code += item
            case Pointer():
                code += address(layout.pointers[item.data])
            case Cell():
                code += address(layout.cells[item.of])
            case Mark():
                marks.append((len(code), item.at))
            case HostCall() | RoutineCall() | OwnCall():
                code += call(indices[item])
    return bytes(code), marks
