"""Tensors as safetensors files. The same tensors make the same bytes, so the same CID.

Files of others are read where `file_header` finds one meaning in them. Their values are made canonical on the way in
(`docs/numerics.md`, "Values"), so reading a file and writing it again can give other bytes, and from then on the same.
"""

from collections.abc import Sequence

import torch

from accountant.tensors.errors import InvalidFile
from accountant.tensors.file_header import entries_of, header_of
from accountant.tensors.values import Indices, Tensor

WHOLE_MOST = 2**24
"""Whole numbers up to here are binary32 values."""


def read_file(data: bytes | memoryview) -> list[Tensor | Indices]:
    """What a file holds, in its order: tensors (F32) and indices (I64). `InvalidFile` where it is none."""
    view = memoryview(data)
    return [
        (Tensor if entry.dtype == "F32" else Indices).from_bytes(view[entry.begin : entry.end], entry.shape)
        for entry in entries_of(view)
    ]


def write_file(parts: Sequence[Tensor | Indices]) -> bytes:
    """A file with these, named t0, t1, …, one after the other."""
    header = header_of([("F32" if isinstance(part, Tensor) else "I64", part.shape) for part in parts])
    return header + b"".join(part.to_bytes() for part in parts)


def read_tensors(data: bytes | memoryview) -> list[Tensor]:
    """A file's tensors and its indices as tensors. `InvalidFile` where an index is no binary32 value."""
    return [part if isinstance(part, Tensor) else as_tensor(part) for part in read_file(data)]


def as_tensor(indices: Indices) -> Tensor:
    """Whole numbers as values. `InvalidFile` beyond `WHOLE_MOST`, where not all of them are."""
    values = indices.values
    if values.numel() and not bool(((values >= -WHOLE_MOST) & (values <= WHOLE_MOST)).all()):
        raise InvalidFile(f"an index beyond {WHOLE_MOST}, which a tensor does not hold exactly")
    return Tensor(values.to(torch.float32))
