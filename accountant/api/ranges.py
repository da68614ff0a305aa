"""Range requests (RFC 9110, section 14): one range of bytes, or the whole."""

import re
from typing import NamedTuple

from accountant.primitives.errors import AccountantError

_RANGE = re.compile(r"bytes=\s*(?:([0-9]{1,19})-([0-9]{0,19})|-([0-9]{1,19}))\s*", re.ASCII)


class UnsatisfiableRange(AccountantError):
    """A range that begins after the end."""

    code = "range_not_satisfiable"

    def __init__(self, size: int) -> None:
        super().__init__(f"there are {size} bytes")
        self.size = size


class Range(NamedTuple):
    """The bytes from `start` to before `stop`. `partial`: whether somebody asked for it."""

    start: int
    stop: int
    partial: bool


def range_of(header: str | None, size: int) -> Range:
    """What a `Range` header asks for. Several ranges, other units and nonsense get the whole, as the RFC allows.

    Raises `UnsatisfiableRange`.
    """
    found = _RANGE.fullmatch(header or "")
    if found is None:
        return Range(0, size, False)
    first, last, suffix = found.groups()
    if suffix is not None:
        start, stop = max(0, size - int(suffix)), size
    else:
        start, stop = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return Range(0, size, False)
    if start >= size or start >= stop:
        raise UnsatisfiableRange(size)
    return Range(start, stop, True)


def is_named(header: str | None, etag: str) -> bool:
    """Whether an `If-None-Match` header names the entity tag, or anything."""
    names = [name.strip().removeprefix("W/") for name in (header or "").split(",")]
    return etag in names or names == ["*"]
