"""What a row of the host table is: a name, the types of its parameters and result, and what it does."""

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """Types of parameters and results."""

    INT = "int"
    """A signed i64."""
    BYTES = "bytes"
    """An i64 handle of bytes."""
    LIST = "list"
    """An i64 handle of an argument list."""
    PTR = "ptr"
    """An unsigned i32: an address in the module's memory."""
    LEN = "len"
    """An unsigned i32: a number of bytes."""
    BOOL = "bool"
    """An i64, 0 or 1."""
    TENSOR = "tensor"
    """An i64 handle of a tensor."""
    TENSOR_OR_NONE = "tensor?"
    """The same, or 0 for none."""
    TENSORS = "tensors"
    """An i64 handle of a list of tensors."""
    INDICES = "indices"
    """An i64 handle of indices."""
    INDICES_OR_NONE = "indices?"
    """The same, or 0 for none."""
    REAL = "real"
    """An i64 with the bits of a finite binary64."""


class HostFunction(NamedTuple):
    """A row. `implementation` takes the frame and the decoded parameters; results are integers or handles."""

    name: str
    parameters: tuple[Kind, ...]
    result: Kind | None
    implementation: Callable[..., int | None]
