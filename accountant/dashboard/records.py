"""Questions and answers as rows of a table: every field of a record by its name, as far as a page has room."""

from collections.abc import Iterator
from enum import Enum

import msgspec

from accountant.dashboard.text import hexed, whole

MEMBERS_MOST = 5
"""Of a list; the rest is counted."""
BYTES_MOST = 64
"""Of bytes; the rest is counted."""
ROWS_MOST = 200
_DEPTH_MOST = 4


def facts(record: msgspec.Struct, but: frozenset[str] = frozenset()) -> list[tuple[str, str]]:
    """Names and values, records inside records as `outer.inner`; without the fields named in `but`."""
    found: list[tuple[str, str]] = []
    for row in _facts(record, "", 0, but):
        if len(found) == ROWS_MOST:
            break
        found.append(row)
    return found


def _facts(value: object, name: str, depth: int, but: frozenset[str] = frozenset()) -> Iterator[tuple[str, str]]:
    if isinstance(value, msgspec.Struct) and depth < _DEPTH_MOST:
        for field in value.__struct_fields__:
            if field not in but:
                inner = f"{name}.{field}" if name else field
                yield from _facts(getattr(value, field), inner, depth + 1)
    elif isinstance(value, tuple | list):
        yield name, f"{whole(len(value))} in all" if value else "none"
        if depth < _DEPTH_MOST:
            for number, member in enumerate(value[:MEMBERS_MOST]):
                yield from _facts(member, f"{name}[{number}]", depth + 1)
    else:
        yield name, _text(value)


def _text(value: object) -> str:
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case Enum():
            return str(value.value)
        case int():
            return whole(value) if abs(value) < 2**256 else "a number of more than 256 bits"
        case bytes() if len(value) > BYTES_MOST:
            return f"{hexed(value[:BYTES_MOST])}… ({whole(len(value))} bytes)"
        case bytes():
            return hexed(value)
        case str() if len(value) > 4 * BYTES_MOST:
            return f"{value[: 4 * BYTES_MOST]}…"
        case str():
            return value
        case _:
            return type(value).__name__
