"""Where a module's code comes from: offsets in the module's bytes to lines and columns of the source."""

from bisect import bisect_right
from collections.abc import Sequence

import msgspec

from accountant.language.emission.linker import Placed
from accountant.language.errors import Place
from accountant.primitives.errors import AccountantError


class InvalidSourceMap(AccountantError):
    """A file that is no source map."""

    code = "invalid_source_map"


class MappedFunction(msgspec.Struct, frozen=True):
    """A function of the source: its code is from byte `start` on, before byte `end`."""

    name: str
    start: int
    end: int


class SourceMap(msgspec.Struct, frozen=True):
    """`lines`: offset, line, column; by offset. Code comes from where the last entry at or before it says."""

    functions: tuple[MappedFunction, ...]
    lines: tuple[tuple[int, int, int], ...]

    def find(self, offset: int) -> tuple[str, Place] | None:
        """The function and place of the code at an offset in the module; None in what is not the source's own."""
        at = bisect_right(self.functions, offset, key=lambda function: function.start) - 1
        if at < 0 or offset >= self.functions[at].end:
            return None
        entry = bisect_right(self.lines, offset, key=lambda line: line[0]) - 1
        if entry < 0 or self.lines[entry][0] < self.functions[at].start:
            return None
        _, line, column = self.lines[entry]
        return self.functions[at].name, Place(line, column)


def source_map_of(functions: Sequence[Placed]) -> SourceMap:
    """The map of functions in the order of the module."""
    places: dict[int, Place] = {}
    for function in functions:
        places.update(function.marks)  # of several marks at one offset the last one is the innermost
    lines: list[tuple[int, int, int]] = []
    for function in functions:
        before: Place | None = None
        for offset in sorted({offset for offset, _ in function.marks}):
            if places[offset] != before:
                before = places[offset]
                lines.append((offset, before.line, before.column))
    return SourceMap(tuple(MappedFunction(one.name, one.start, one.end) for one in functions), tuple(lines))


def encode_source_map(source_map: SourceMap) -> bytes:
    """As JSON."""
    return msgspec.json.encode(source_map) + b"\n"


def decode_source_map(raw: bytes) -> SourceMap:
    """Raises `InvalidSourceMap`."""
    try:
        return msgspec.json.decode(raw, type=SourceMap)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InvalidSourceMap(f"no source map: {error}") from None
