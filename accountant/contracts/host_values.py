"""Host functions on arguments, context and bytes: they depend on the call alone. See docs/host.md."""

from accountant.contracts.errors import ContractFailure, FailureKind
from accountant.contracts.frame import Frame, invalid
from accountant.primitives import hashes

REASON_BYTES_MOST = 256
WORD_BYTES = 8


def _outside_memory() -> ContractFailure:
    return ContractFailure(FailureKind.TRAP, "memory_out_of_bounds")


def _flat(frame: Frame) -> None:
    frame.charge(frame.schedule.host_base)


def _sized(frame: Frame, size: int) -> None:
    frame.charge(frame.schedule.host_base + frame.schedule.host_per_byte * size)


def _copied(frame: Frame, size: int) -> None:
    frame.charge(frame.schedule.host_copy + frame.schedule.host_per_byte * size)


def arg_count(frame: Frame) -> int:
    """How many arguments came."""
    _flat(frame)
    return len(frame.arguments)


def arg_int(frame: Frame, index: int) -> int:
    """An integer or boolean argument."""
    _flat(frame)
    if 0 <= index < len(frame.arguments):
        argument = frame.arguments[index]
        if isinstance(argument, int):
            return argument
    raise ContractFailure(FailureKind.BAD_ARGUMENTS, f"argument {index} is no integer")


def arg_bytes(frame: Frame, index: int) -> int:
    """An argument that is bytes, text, an account, a hash or a CID; the same handle each time."""
    _flat(frame)
    if 0 <= index < len(frame.arguments):
        argument = frame.arguments[index]
        if isinstance(argument, bytes):
            return frame.keep_known(index, argument)
    raise ContractFailure(FailureKind.BAD_ARGUMENTS, f"argument {index} is no bytes")


def return_int(frame: Frame, value: int) -> None:
    """Sets the return value; the last setting counts."""
    _flat(frame)
    frame.result = value


def return_bytes(frame: Frame, value: bytes) -> None:
    """The same with bytes."""
    _flat(frame)
    frame.result = value


def fail(frame: Frame, reason: bytes) -> None:
    """Ends the transaction as `assertion`, with the first 256 bytes of the reason in its detail."""
    shown = reason[:REASON_BYTES_MOST]
    _sized(frame, len(shown))
    raise ContractFailure(FailureKind.ASSERTION, shown.decode("utf-8", "backslashreplace"))


def caller(frame: Frame) -> int:
    """Who called this function: the signer (20 bytes), or the calling contract (32 bytes)."""
    _flat(frame)
    return frame.keep_known("caller", frame.caller)


def sender(frame: Frame) -> int:
    """The transaction's signer, 20 bytes."""
    _flat(frame)
    return frame.keep_known("sender", frame.execution.run.sender)


def own_id(frame: Frame) -> int:
    """The running contract's id, 32 bytes."""
    _flat(frame)
    return frame.keep_known("self", frame.contract)


def value(frame: Frame) -> int:
    """Base units that came with this call; they are already the contract's."""
    _flat(frame)
    return frame.value


def height(frame: Frame) -> int:
    """The height of the transaction's block."""
    _flat(frame)
    return frame.execution.run.height


def index(frame: Frame) -> int:
    """The transaction's index in its block."""
    _flat(frame)
    return frame.execution.run.index


def time(frame: Frame) -> int:
    """The block's time, Unix seconds."""
    _flat(frame)
    return frame.execution.run.time


def previous_hash(frame: Frame) -> int:
    """The hash of the block before, 32 bytes."""
    _flat(frame)
    return frame.keep_known("previous_hash", frame.execution.run.previous_hash)


def bytes_new(frame: Frame, pointer: int, length: int) -> int:
    """Copies from memory."""
    _copied(frame, length)
    frame.fits(length)
    copied = frame.machine.read(pointer, length)
    if copied is None:
        raise _outside_memory()
    return frame.keep(copied)


def bytes_read(frame: Frame, value: bytes, offset: int, pointer: int, length: int) -> None:
    """Copies `length` bytes from `offset` on into memory."""
    _copied(frame, length)
    _inside(value, offset, length)
    if not frame.machine.write(pointer, value[offset : offset + length]):
        raise _outside_memory()


def bytes_len(frame: Frame, value: bytes) -> int:
    """The length."""
    _flat(frame)
    return len(value)


def bytes_at(frame: Frame, value: bytes, offset: int) -> int:
    """One byte, 0 to 255."""
    _flat(frame)
    if not 0 <= offset < len(value):
        raise invalid(f"no byte {offset} in a value of {len(value)} bytes")
    return value[offset]


def bytes_concat(frame: Frame, left: bytes, right: bytes) -> int:
    """Both, one after the other."""
    size = len(left) + len(right)
    _copied(frame, size)
    frame.fits(size)
    return frame.keep(left + right)


def bytes_slice(frame: Frame, value: bytes, start: int, length: int) -> int:
    """A part."""
    # What cannot be inside the value is not paid for by its claimed length: it may be negative or huge.
    _copied(frame, length if 0 <= length <= len(value) else 0)
    _inside(value, start, length)
    return frame.keep(value[start : start + length])


def bytes_equal(frame: Frame, left: bytes, right: bytes) -> int:
    """Whether they are the same bytes."""
    _sized(frame, min(len(left), len(right)))
    return int(left == right)


def bytes_compare(frame: Frame, left: bytes, right: bytes) -> int:
    """−1, 0 or 1: lexicographic order of unsigned bytes."""
    _sized(frame, min(len(left), len(right)))
    return int(left > right) - int(left < right)


def bytes_from_int(frame: Frame, number: int) -> int:
    """8 bytes, big-endian, two's complement."""
    _copied(frame, WORD_BYTES)
    return frame.keep(number.to_bytes(WORD_BYTES, "big", signed=True))


def int_from_bytes(frame: Frame, value: bytes) -> int:
    """At most 8 bytes, else `invalid_value`; shorter ones are filled with zeros on the left; empty is 0."""
    _sized(frame, WORD_BYTES)
    if len(value) > WORD_BYTES:
        raise invalid(f"{len(value)} bytes are no integer, at most {WORD_BYTES} are")
    return int.from_bytes(value, "big", signed=len(value) == WORD_BYTES)


def sha256(frame: Frame, value: bytes) -> int:
    """SHA-256, 32 bytes."""
    frame.charge(frame.schedule.hash + frame.schedule.hash_per_byte * len(value))
    return frame.keep(hashes.sha256(value))


def keccak256(frame: Frame, value: bytes) -> int:
    """Keccak-256 as Ethereum uses it, 32 bytes."""
    frame.charge(frame.schedule.hash + frame.schedule.hash_per_byte * len(value))
    return frame.keep(hashes.keccak256(value))


def _inside(value: bytes, start: int, length: int) -> None:
    if start < 0 or length < 0 or start + length > len(value):
        raise invalid(f"{length} bytes from {start} on are not inside a value of {len(value)} bytes")
