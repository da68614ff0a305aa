"""Host functions that look at tensors, list them, and let go of them. See docs/host.md."""

import math
from fractions import Fraction
from struct import pack, unpack
from typing import TYPE_CHECKING

from accountant.contracts.frame import Frame, invalid
from accountant.contracts.host_nn import ITEM_BYTES
from accountant.contracts.tensor_values import Held, HeldList

if TYPE_CHECKING:
    from accountant.tensors.values import Indices, Tensor

_INT_MOST = 2**63 - 1


def real_bits(number: float) -> int:
    """A binary64 as the signed integer of its bits."""
    (bits,) = unpack(">q", pack(">d", number))
    return int(bits)


def dims(frame: Frame, tensor: Held) -> int:
    """How many dimensions a tensor has."""
    _flat(frame)
    return len(tensor.shape)


def size(frame: Frame, tensor: Held, axis: int) -> int:
    """Its size along an axis; −1 is the last."""
    _flat(frame)
    rank = len(tensor.shape)
    if not -rank <= axis < rank:
        raise invalid(f"axis {axis} of a tensor of {rank} dimensions")
    return tensor.shape[axis]


def count(frame: Frame, tensor: Held) -> int:
    """How many elements it has."""
    _flat(frame)
    return tensor.count


def real(frame: Frame, numerator: int, denominator: int) -> int:
    """The quotient of two integers, rounded once to binary64."""
    _flat(frame)
    if denominator == 0:
        raise invalid("a quotient with 0 below")
    return real_bits(numerator / denominator)


def item(frame: Frame, tensor: Held, place: int, scale: float) -> int:
    """A value × scale, exactly, rounded half to even."""
    _flat(frame)
    if not 0 <= place < tensor.count:
        raise invalid(f"no value {place} in a tensor of {tensor.count}")

    def read(values: "Tensor") -> int:
        value = float(values.values.reshape(-1)[place])
        if not math.isfinite(value):
            raise invalid(f"{value} is no integer")
        number = round(Fraction(value) * Fraction(scale))
        if not -_INT_MOST - 1 <= number <= _INT_MOST:
            raise invalid("a value × scale that does not fit into 64 bits")
        return number

    return frame.execution.tensors.number(tensor, f"{place} {real_bits(scale)}", read)


def index(frame: Frame, indices: Held, place: int) -> int:
    """One of the indices, counted in row-major order."""
    _flat(frame)
    if not 0 <= place < indices.count:
        raise invalid(f"no index {place} among {indices.count}")

    def read(values: "Indices") -> int:
        return int(values.values.reshape(-1)[place])

    return frame.execution.tensors.number(indices, f"index {place}", read)


def new_list(frame: Frame) -> int:
    """A list of no tensors."""
    _listed(frame, 0)
    return frame.execution.tensors.keep(frame, HeldList(()))


def append(frame: Frame, tensors: HeldList, tensor: Held) -> int:
    """A new list: the same with one more tensor at its end."""
    _listed(frame, len(tensors.items) + 1)
    return frame.execution.tensors.keep(frame, HeldList((*tensors.items, tensor)))


def at(frame: Frame, tensors: HeldList, place: int) -> int:
    """The tensor at a place of a list."""
    _listed(frame, 1)
    if not 0 <= place < len(tensors.items):
        raise invalid(f"no tensor {place} in a list of {len(tensors.items)}")
    return frame.execution.tensors.keep(frame, tensors.items[place])


def list_len(frame: Frame, tensors: HeldList) -> int:
    """How many tensors a list has."""
    _flat(frame)
    return len(tensors.items)


def mark(frame: Frame) -> int:
    """A mark: handles that are made from here on can be let go together."""
    _flat(frame)
    return frame.execution.tensor_next


def release(frame: Frame, since: int, kept: HeldList) -> int:
    """Lets go of all handles of tensors, indices and lists made since a mark of this frame.

    What is to be kept comes back as a new list, through which no gradient flows.
    """
    _listed(frame, len(kept.items))
    if not frame.tensor_first <= since <= frame.execution.tensor_next:
        raise invalid(f"{since} is no mark")
    bench = frame.execution.tensors
    plain = HeldList(bench.plain(frame, kept.items), kept.copies, kept.powers)
    bench.release(frame, since)
    return bench.keep(frame, plain)


def _flat(frame: Frame) -> None:
    frame.charge(frame.schedule.host_base)


def _listed(frame: Frame, members: int) -> None:
    frame.charge(frame.schedule.host_copy + frame.schedule.host_per_byte * ITEM_BYTES * members)
