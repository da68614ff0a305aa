"""From places in modules to lines in sources, through the maps that the compiler keeps beside modules."""

from collections.abc import Callable, Iterable

from accountant.contracts.world import TraceFrame
from accountant.primitives.types import Hash

LineOf = Callable[[int], int | None]
"""The source line of an instruction, by its offset in the module; None for what no line stands behind."""


class Sources:
    """The sources of all modules that a chain deployed from sources, by the hash of the module."""

    def __init__(self) -> None:
        self._known: dict[Hash, tuple[str, LineOf]] = {}

    def add(self, code_hash: Hash, file: str, line_of: LineOf) -> None:
        """Remember a module's source."""
        self._known[code_hash] = (file, line_of)

    def places(self, trace: Iterable[TraceFrame]) -> tuple[str, ...]:
        """`token.py:17` for each frame that has a source, innermost first, the compiler's own routines left out."""
        found = []
        for frame in trace:
            file, line_of = self._known.get(frame.code_hash, ("", None))
            line = None if line_of is None else line_of(frame.offset)
            if line is not None:
                found.append(f"{file}:{line}")
        return tuple(found)
