"""Safetensors files: one meaning or none, the same bytes for the same tensors, and no cost beyond their size."""

import contextlib
import json
import struct
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load, save

from accountant.tensors import Indices, Tensor
from accountant.tensors.errors import InvalidFile
from accountant.tensors.file_header import HEADER_BYTES_MOST, TENSORS_MOST, entries_of
from accountant.tensors.files import read_file, read_tensors, write_file

SHAPES = st.lists(st.integers(0, 4), max_size=8)
PART: dict[str, Any] = {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]}
EMPTY: dict[str, Any] = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
NEXT: dict[str, Any] = {"dtype": "I64", "shape": [1], "data_offsets": [8, 16]}


def of(header: object, data: bytes = bytes(8), padding: bytes = b"") -> bytes:
    """A file with this header; text as it is."""
    text = (header if isinstance(header, str) else json.dumps(header)).encode() + padding
    return len(text).to_bytes(8, "little") + text + data


@st.composite
def parts(draw: st.DrawFn) -> list[Tensor | Indices]:
    made: list[Tensor | Indices] = []
    for _ in range(draw(st.integers(0, 12))):
        shape = draw(SHAPES)
        count = 1
        for size in shape:
            count *= size
        if draw(st.booleans()):
            words = draw(st.lists(st.integers(0, 2**32 - 1), min_size=min(count, 3), max_size=3)) or [0]
            made.append(
                Tensor.from_bytes(struct.pack(f"<{count}I", *(words[at % len(words)] for at in range(count))), shape)
            )
        else:
            made.append(Indices.of([draw(st.integers(-(2**63), 2**63 - 1))] * count, shape))
    return made


def shown(found: list[Tensor | Indices]) -> list[tuple[str, tuple[int, ...], bytes]]:
    return [(type(part).__name__, part.shape, part.to_bytes()) for part in found]


@settings(max_examples=60, deadline=None)
@given(parts())
def test_what_is_written_is_read(made: list[Tensor | Indices]) -> None:
    """Tensors and indices come back as they were, and are written to the same bytes again."""
    data = write_file(made)
    found = read_file(data)
    assert shown(found) == shown(made)
    assert write_file(found) == data


@settings(max_examples=40, deadline=None)
@given(parts())
def test_the_published_reader_agrees(made: list[Tensor | Indices]) -> None:
    """The safetensors package reads our files to the same values, and we read what it writes of them."""
    theirs = load(write_file(made))
    assert sorted(theirs) == sorted(f"t{place}" for place in range(len(made)))
    for place, part in enumerate(made):
        assert theirs[f"t{place}"].dtype == part.values.dtype
        assert theirs[f"t{place}"].numpy().tobytes() == part.to_bytes()
    assert shown(read_file(save(theirs))) == shown(made)  # it orders by dtype and name: t10 before t2


def test_files_of_others_keep_the_order_of_their_bytes() -> None:
    """Names other than t0, t1, … say nothing; torch's mark is let through."""
    header = {"__metadata__": {"format": "pt"}, "z": PART, "a": NEXT}
    assert [entry.name for entry in entries_of(of(header, bytes(16)))] == ["z", "a"]
    header = {"t1": PART, "t0": NEXT}
    assert [entry.name for entry in entries_of(of(header, bytes(16)))] == ["t0", "t1"]
    header = {"t1": PART, "t2": NEXT}
    assert [entry.name for entry in entries_of(of(header, bytes(16)))] == ["t1", "t2"]


def test_values_are_made_canonical() -> None:
    """Subnormal numbers, -0 and a NaN's payload do not survive."""
    data = of(
        {"a": {**PART, "shape": [4], "data_offsets": [0, 16]}}, struct.pack("<4I", 1, 2**31, 0xFFC00001, 0x3F800000)
    )
    (part,) = read_file(data)
    assert part.to_bytes() == struct.pack("<4I", 0, 0, 0x7FC00000, 0x3F800000)


def test_indices_become_tensors_where_they_are_exact() -> None:
    """Up to 2^24 on both sides; not one beyond."""
    whole = [2**24, -(2**24), 0, 9]
    (tensor,) = read_tensors(write_file([Indices.of(whole, [4])]))
    assert tensor.numbers() == whole
    with pytest.raises(InvalidFile):
        read_tensors(write_file([Indices.of([2**24 + 1], [1])]))


WRONG: dict[str, bytes] = {
    "nothing": b"",
    "seven bytes": bytes(7),
    "a header past the end": (100).to_bytes(8, "little") + b"{}",
    "a header of 2^64 - 1 bytes": b"\xff" * 8 + b"{}",
    "a header longer than is read": of("{}", b"", b" " * HEADER_BYTES_MOST),
    "no JSON": of("{", b""),
    "a list": of("[]", b""),
    "a space before": of(" {}", b""),
    "a line end after": of("{}", b"", b"\n"),
    "a zero byte after": of("{}", b"", b"\0"),
    "two objects": of("{}{}", b""),
    "bytes that are no ASCII": of('{"é": ' + json.dumps(PART) + "}"),
    "a key twice": of('{"a": ' + json.dumps(PART) + ', "a": ' + json.dumps(PART) + "}"),
    "a key twice, once escaped": of('{"a": ' + json.dumps(PART) + ', "\\u0061": ' + json.dumps(PART) + "}"),
    "a key twice inside": of('{"a": {"dtype": "F32", "dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]}}'),
    "metadata twice": of('{"__metadata__": {"format": "pt"}, "__metadata__": {"format": "pt"}}', b""),
    "other metadata": of({"__metadata__": {"format": "tf"}, "a": PART}),
    "metadata that is none": of({"__metadata__": 1, "a": PART}),
    "a gap before": of({"a": {**PART, "data_offsets": [8, 16]}}, bytes(16)),
    "a gap between": of({"a": PART, "b": {**PART, "data_offsets": [16, 24]}}, bytes(24)),
    "an overlap": of({"a": PART, "b": {**PART, "data_offsets": [4, 12]}}, bytes(12)),
    "the same bytes twice": of({"a": PART, "b": PART}),
    "out of order": of({"b": {**PART, "data_offsets": [8, 16]}, "a": PART}, bytes(16)),
    "backwards": of({"a": {**PART, "data_offsets": [8, 0]}}),
    "offsets below zero": of({"a": {**PART, "data_offsets": [-8, 0]}}),
    "bytes too few for the shape": of({"a": {**PART, "data_offsets": [0, 4]}}, bytes(4)),
    "bytes after the last": of({"a": PART}, bytes(9)),
    "bytes without a tensor": of({}, bytes(1)),
    "past the end": of({"a": PART}, bytes(7)),
    "a size below zero": of({"a": {**PART, "shape": [-1, -2]}}),
    "sizes whose product wraps": of({"a": {**PART, "shape": [2**32, 2**32], "data_offsets": [0, 0]}}, b""),
    "a size that zero hides": of({"a": {**PART, "shape": [0, 2**40], "data_offsets": [0, 0]}}, b""),
    "2^31 elements": of({"a": {**PART, "shape": [2**31], "data_offsets": [0, 2**33]}}),
    "nine dimensions": of({"a": {**PART, "shape": [1] * 8 + [2]}}),
    "a size of true": of({"a": {**PART, "shape": [True, 2]}}),
    "a size of 2.0": of({"a": {**PART, "shape": [1, 2.0]}}),
    "a size of NaN": of('{"a": {"dtype": "F32", "shape": [NaN], "data_offsets": [0, 8]}}'),
    "a size of 10^400": of({"a": {**PART, "shape": [10**400]}}),
    "a size of 10^5000": of('{"a": {"dtype": "F32", "shape": [1' + "0" * 5000 + '], "data_offsets": [0, 8]}}'),
    "a shape that is text": of({"a": {**PART, "shape": "12"}}),
    "three offsets": of({"a": {**PART, "data_offsets": [0, 8, 8]}}),
    "another dtype": of({"a": {**PART, "dtype": "F64", "shape": [1]}}),
    "a dtype that is a list": of({"a": {**PART, "dtype": ["F32"]}}),
    "a field more": of({"a": {**PART, "stride": [2, -1]}}),
    "a field less": of({"a": {"dtype": "F32", "shape": [2]}}),
    "a tensor that is a number": of({"a": 1}),
    "a name of nothing": of({"": PART}),
    "a name with a space": of({"a b": PART}),
    "a name that ends a line": of({"a\n": PART}),
    "a name outside ASCII": of({"\ud800": PART}),
    "a name too long": of({"a" * 257: PART}),
    "gigabytes that are not there": of({"a": {**PART, "shape": [2**30], "data_offsets": [0, 2**32]}}),
    "too many tensors": of(dict.fromkeys(map(str, range(TENSORS_MOST + 1)), EMPTY), b""),
    "nested without end": of('{"a":' * 100_000 + "1" + "}" * 100_000, b""),
    "nested lists": of('{"a":' + "[" * 400_000 + "]" * 400_000 + "}", b""),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_has_no_one_meaning_is_refused(name: str) -> None:
    """Each with the typed error."""
    with pytest.raises(InvalidFile):
        read_file(WRONG[name])


def test_a_file_of_nothing() -> None:
    """No tensors is a file."""
    assert read_file(write_file([])) == []
    assert read_file(of("{}", b"")) == []


def test_more_tensors_than_are_read_are_not_written() -> None:
    """What is written can be read."""
    with pytest.raises(InvalidFile):
        write_file([Tensor.full([0], 0.0)] * (TENSORS_MOST + 1))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damaged_files_are_read_or_refused(data: st.DataObject) -> None:
    """Bytes changed, cut or added anywhere: either a file whose tensors fill it, or `InvalidFile`."""
    whole = bytearray(
        write_file(data.draw(parts())) if data.draw(st.booleans()) else of({"a": PART, "b": NEXT}, bytes(16))
    )
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole)))
        cut = data.draw(st.integers(0, 2))
        whole[at : at + cut] = data.draw(
            st.binary(max_size=2) | st.sampled_from([b"{", b"}", b"[", b'"', b",", b"9", b"-", b" "])
        )
    try:
        entries = entries_of(bytes(whole))
        found = read_file(bytes(whole))
    except InvalidFile:
        return
    assert sum(entry.end - entry.begin for entry in entries) == len(whole) - 8 - int.from_bytes(whole[:8], "little")
    assert [part.shape for part in found] == [entry.shape for entry in entries]


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=64), st.booleans())
def test_any_bytes(data: bytes, framed: bool) -> None:
    """Arbitrary bytes, bare or as a header: refused, or a file of nothing."""
    with contextlib.suppress(InvalidFile):
        assert read_file(len(data).to_bytes(8, "little") + data if framed else data) == []


@pytest.mark.parametrize("unit", ['"a":{},', "[", "[],", "{},", '"a":1,', "1,", '"\\u0061",'])
def test_a_header_costs_no_more_than_its_size(unit: str) -> None:
    """A mebibyte of anything is refused at once, and in memory of its own order."""
    text = ('{"b":[' if unit[0] in "[{1" or unit[1] == "\\" else "{") + unit * (HEADER_BYTES_MOST // len(unit) - 8)
    tracemalloc.start()
    begin = time.process_time()
    with pytest.raises(InvalidFile):
        read_file(of(text + "}", b""))
    seconds = time.process_time() - begin
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seconds < 5  # under the tracing of memory
    assert peak < 64 * HEADER_BYTES_MOST
