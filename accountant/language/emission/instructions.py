"""The WebAssembly instructions that compiled contracts use, each as its bytes (WebAssembly 1.0, binary format)."""

I32, I64 = 0x7F, 0x7E
"""Value types."""


def unsigned(value: int) -> bytes:
    """Unsigned LEB128, as short as it can be."""
    assert value >= 0, "indices and sizes are never negative"
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def signed(value: int) -> bytes:
    """Signed LEB128, as short as it can be."""
    encoded = bytearray()
    while not -0x40 <= value < 0x40:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value & 0x7F)
    return bytes(encoded)


UNREACHABLE = b"\x00"
BLOCK = b"\x02\x40"
LOOP = b"\x03\x40"
IF = b"\x04\x40"
IF_I32 = bytes((0x04, I32))
IF_I64 = bytes((0x04, I64))
ELSE = b"\x05"
END = b"\x0b"
MEMORY_COPY = b"\xfc\x0a\x00\x00"
RETURN = b"\x0f"
DROP = b"\x1a"
SELECT = b"\x1b"
I32_EQZ = b"\x45"
I32_AND = b"\x71"
I32_OR = b"\x72"
I32_ADD = b"\x6a"
I32_EQ = b"\x46"
I64_EQZ = b"\x50"
I64_EQ, I64_NE = b"\x51", b"\x52"
I64_LT_S, I64_GT_S, I64_GT_U = b"\x53", b"\x55", b"\x56"
I64_LE_S, I64_GE_S = b"\x57", b"\x59"
I64_ADD, I64_SUB, I64_MUL = b"\x7c", b"\x7d", b"\x7e"
I64_DIV_S, I64_DIV_U, I64_REM_S = b"\x7f", b"\x80", b"\x81"
I64_AND, I64_OR, I64_XOR = b"\x83", b"\x84", b"\x85"
I64_SHL, I64_SHR_S, I64_SHR_U, I64_ROTL = b"\x86", b"\x87", b"\x88", b"\x89"
I32_WRAP = b"\xa7"
I64_EXTEND_U = b"\xad"
I32_LOAD = b"\x28\x00\x00"
"""Four bytes, little-endian, at any address."""
I64_LOAD, I64_STORE = b"\x29\x00\x00", b"\x37\x00\x00"


def get(local: int) -> bytes:
    """Pushes a local."""
    return b"\x20" + unsigned(local)


def put(local: int) -> bytes:
    """Pops into a local."""
    return b"\x21" + unsigned(local)


def tee(local: int) -> bytes:
    """Copies the top into a local."""
    return b"\x22" + unsigned(local)


def number(value: int) -> bytes:
    """Pushes an i64."""
    return b"\x42" + signed(value)


def address(value: int) -> bytes:
    """Pushes an i32."""
    return b"\x41" + signed(value)


def branch(depth: int) -> bytes:
    """Leaves `depth` blocks and ends the next one (or goes back to a loop's start)."""
    return b"\x0c" + unsigned(depth)


def branch_if(depth: int) -> bytes:
    """The same if the popped i32 is not 0."""
    return b"\x0d" + unsigned(depth)


def call(function: int) -> bytes:
    """Calls a function by its index."""
    return b"\x10" + unsigned(function)
