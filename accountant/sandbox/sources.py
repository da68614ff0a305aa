"""From places in modules to lines in sources, through the maps that the compiler keeps beside modules."""

from collections.abc import Iterable

from accountant.contracts.world import TraceFrame
from accountant.language.source_map import SourceMap
from accountant.primitives.types import Hash


class Sources:
    """The sources of all modules that a chain deployed from sources, by the hash of the module."""

    def __init__(self) -> None:
        self._known: dict[Hash, tuple[str, SourceMap]] = {}

    def add(self, code_hash: Hash, file: str, source_map: SourceMap) -> None:
        """Remember a module's source."""
        self._known[code_hash] = (file, source_map)

    def places(self, trace: Iterable[TraceFrame]) -> tuple[str, ...]:
        """`token.py:17` for each frame that has a source, innermost first, the compiler's own routines left out."""
        found = []
        for frame in trace:
            if frame.code_hash in self._known:
                file, source_map = self._known[frame.code_hash]
                at = source_map.find(frame.offset)
                if at is not None:
                    found.append(f"{file}:{at[1].line}")
        return tuple(found)
