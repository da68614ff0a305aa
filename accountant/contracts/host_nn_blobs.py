"""Host functions that load tensors from files and save them. See docs/host.md.

A file may be loaded if the transaction declares it (then it is published), has saved it itself, or has read its CID
from a slot in a version that whoever saved the file stands behind (`World.source`): then executing that transaction
gives its bytes again, so nobody can hold an outcome hostage by withholding them.
"""

from accountant.chain.footprint import SIZE_OPEN, Blob
from accountant.contracts.entry_text import undeclared
from accountant.contracts.frame import Frame, invalid
from accountant.contracts.host_nn import Given
from accountant.contracts.tensor_values import Held, HeldList
from accountant.primitives.cid import is_cid
from accountant.primitives.errors import AccountantError
from accountant.primitives.types import Cid
from accountant.tensors.file_header import HEADER_BYTES_MOST, entries_of, header_of


def load(frame: Frame, cid: bytes) -> int:
    """The one tensor of a file."""
    tensors = _loaded(frame, cid)
    if len(tensors) != 1:
        raise invalid(f"a file with {len(tensors)} tensors")
    return frame.execution.tensors.keep(frame, tensors[0])


def load_all(frame: Frame, cid: bytes) -> int:
    """All tensors of a file, in its order."""
    return frame.execution.tensors.keep(frame, HeldList(_loaded(frame, cid)))


def save(frame: Frame, tensor: Held) -> int:
    """The CID of a file with this tensor, which can be loaded from now on."""
    return _saved(frame, (tensor,))


def save_all(frame: Frame, tensors: HeldList) -> int:
    """The CID of a file with these tensors, which can be loaded from now on."""
    return _saved(frame, tensors.items)


def _loaded(frame: Frame, cid: bytes) -> tuple[Held, ...]:
    Given(frame, (cid,))
    frame.charge(frame.schedule.storage_read)
    if not is_cid(cid):
        raise invalid("bytes that are no CID")
    data = _bytes_of(frame, Cid(cid))
    frame.charge(frame.schedule.host_per_byte * min(len(data), HEADER_BYTES_MOST))
    try:
        shapes = tuple(entry.shape for entry in entries_of(data))
    except AccountantError as error:
        raise invalid(str(error)) from None
    return frame.execution.tensors.read(frame, shapes, cid, data)


def _bytes_of(frame: Frame, cid: Cid) -> bytes:
    """The file, if it may be loaded. Raises UNDECLARED_ACCESS; exceptions of the world pass."""
    execution = frame.execution
    saved = execution.saved.get(cid)
    if saved is not None:
        return saved
    source = execution.source_of(cid)
    if source is None and not execution.declares(cid):
        raise undeclared(Blob(cid, SIZE_OPEN))
    return execution.world.blob(cid, source)


def _saved(frame: Frame, values: tuple[Held, ...]) -> int:
    execution = frame.execution
    execution.change("save a file")
    Given(frame, (HeldList(values),))
    shapes = tuple(value.shape for value in values)
    try:
        header_of([("F32", shape) for shape in shapes])
    except AccountantError as error:
        raise invalid(str(error)) from None
    cid, data = execution.tensors.write(frame, values, shapes)
    if cid not in execution.saved:
        execution.tensors.memory.occupy(len(data))
        execution.saved[Cid(cid)] = data
    return frame.keep(cid)
