"""Headers of safetensors files, read strictly: each file that is read at all is read alike by everybody.

A file is the header's length (8 bytes, little-endian), the header (JSON), and the tensors' bytes. The published format
leaves room that readers fill differently; here a file either has one meaning or is `InvalidFile`. Nothing of torch is
needed, so whoever must know how much a file holds can ask before anything is allocated.
"""

import json
import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from accountant.primitives.errors import AccountantError
from accountant.tensors.errors import InvalidFile
from accountant.tensors.shapes import Shape, element_count

LENGTH_BYTES: Final = 8
HEADER_BYTES_MOST: Final = 1 << 20
TENSORS_MOST: Final = 1 << 12
NAME_CHARACTERS_MOST: Final = 256
DTYPE_BYTES: Final = {"F32": 4, "I64": 8}
"""binary32 for tensors, int64 for indices."""
METADATA: Final = {"format": "pt"}
"""The only metadata that a file may carry: what torch's own tools write. It means nothing."""

_ALIGNMENT = 8
_DIGITS_MOST = 19
_METADATA_NAME = "__metadata__"
_FIELDS = {"dtype", "shape", "data_offsets"}
_NAME = re.compile(rf"[!-~]{{1,{NAME_CHARACTERS_MOST}}}")
_OWN_NAME = re.compile(r"t(0|[1-9][0-9]*)")


class Entry(NamedTuple):
    """One tensor of a file; its bytes are [begin, end) of the whole file."""

    name: str
    dtype: str
    shape: Shape
    begin: int
    end: int


def own_name(place: int) -> str:
    """What our own files call the tensor at a place."""
    return f"t{place}"


def entries_of(data: bytes | memoryview) -> list[Entry]:
    """The tensors of a file, in their order: by number if they are named t0, t1, …, else as their bytes lie.

    `InvalidFile` unless the bytes of the tensors, in the order of the header, fill the file without gap or overlap.
    """
    header, start = _header(data)
    entries, begin = [], start
    for name, fields in header.items():
        if name == _METADATA_NAME:
            if fields != METADATA:
                raise InvalidFile(f"metadata other than {METADATA}")
            continue
        entry = _entry(name, fields)
        if entry.begin + start != begin:
            raise InvalidFile(f"tensor {name} begins at byte {entry.begin}, what is before it ends at {begin - start}")
        begin = entry.end + start
        entries.append(entry._replace(begin=entry.begin + start, end=begin))
    if len(entries) > TENSORS_MOST:
        raise InvalidFile(f"{len(entries)} tensors; at most {TENSORS_MOST} are possible")
    if begin != len(data):
        raise InvalidFile(f"tensors end at byte {begin} of {len(data)}")
    numbers = [int(match[1]) for entry in entries if len(entry.name) < 8 and (match := _OWN_NAME.fullmatch(entry.name))]
    if sorted(numbers) == list(range(len(entries))):
        return [entry for _, entry in sorted(zip(numbers, entries, strict=True))]
    return entries


def header_of(parts: Sequence[tuple[str, Shape]]) -> bytes:
    """Length and header of a file of tensors of these dtypes and shapes: the one way in which we write it."""
    if len(parts) > TENSORS_MOST:
        raise InvalidFile(f"{len(parts)} tensors; at most {TENSORS_MOST} are possible")
    header, begin = {}, 0
    for place, (dtype, shape) in enumerate(parts):
        end = begin + element_count(shape) * DTYPE_BYTES[dtype]
        header[own_name(place)] = {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}
        begin = end
    text = json.dumps(header, separators=(",", ":")).encode("ascii")
    text += b" " * (-len(text) % _ALIGNMENT)
    return len(text).to_bytes(LENGTH_BYTES, "little") + text


def _header(data: bytes | memoryview) -> tuple[dict[str, Any], int]:
    """The header's object, and where it ends."""
    if len(data) < LENGTH_BYTES:
        raise InvalidFile(f"{len(data)} bytes; a file begins with the {LENGTH_BYTES} of its header's length")
    length = int.from_bytes(data[:LENGTH_BYTES], "little")
    if length > min(HEADER_BYTES_MOST, len(data) - LENGTH_BYTES):
        raise InvalidFile(f"a header of {length} bytes in a file of {len(data)}; at most {HEADER_BYTES_MOST} are read")
    begin = LENGTH_BYTES + length
    text = bytes(data[LENGTH_BYTES:begin]).rstrip(b" ")
    if not (text.startswith(b"{") and text.endswith(b"}")):
        raise InvalidFile("a header is one JSON object, from its first byte on, and spaces after it")
    try:
        return _parsed(text.decode("ascii")), begin
    except (ValueError, RecursionError) as error:
        raise InvalidFile("the header is no JSON of ASCII characters that a file may have") from error


def _parsed(text: str) -> dict[str, Any]:
    parsed = json.loads(
        text, object_pairs_hook=_unique, parse_int=_integer, parse_float=_no_number, parse_constant=_no_number
    )
    assert isinstance(parsed, dict)
    return parsed


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise InvalidFile("a key twice in one object of the header")
    return result


def _integer(digits: str) -> int:
    if len(digits) > _DIGITS_MOST:
        raise InvalidFile("a number of more than 63 bits")
    return int(digits)


def _no_number(text: str) -> None:
    raise InvalidFile(f"{text[:20]} where an integer belongs")


def _entry(name: str, fields: object) -> Entry:
    """What one object says; its offsets count from the header's end."""
    if _NAME.fullmatch(name) is None:
        raise InvalidFile(f"a tensor's name has 1 to {NAME_CHARACTERS_MOST} visible ASCII characters")
    if not isinstance(fields, dict) or set(fields) != _FIELDS:
        raise InvalidFile(f"tensor {name}: it has a dtype, a shape and data_offsets, and nothing else")
    dtype, shape, offsets = fields["dtype"], fields["shape"], fields["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPE_BYTES:
        raise InvalidFile(f"tensor {name}: a dtype other than {' and '.join(DTYPE_BYTES)}")
    if not _integers(shape) or not _integers(offsets) or len(offsets) != 2:
        raise InvalidFile(f"tensor {name}: shape and both data_offsets are lists of integers")
    try:
        size = element_count(shape) * DTYPE_BYTES[dtype]
    except AccountantError as error:
        raise InvalidFile(f"tensor {name}: {error.detail}") from error
    if offsets[1] - offsets[0] != size:
        raise InvalidFile(f"tensor {name}: {offsets[1] - offsets[0]} bytes for the {size} of its shape")
    return Entry(name, dtype, tuple(shape), offsets[0], offsets[1])


def _integers(value: object) -> bool:
    return isinstance(value, list) and all(type(item) is int for item in value)
