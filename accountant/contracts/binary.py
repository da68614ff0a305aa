"""Reading the WASM binary format strictly: every read is bounded, every failure is an `InvalidModule`."""

from accountant.contracts.errors import InvalidModule

_U32_BYTES_MOST = 5
_HEADER_BYTES = 8
_MEMORY_SECTION = 5


def malformed(detail: str) -> InvalidModule:
    """The refusal of bytes that are no WASM module."""
    return InvalidModule("malformed", detail)


class Reader:
    """A cursor over `data[at:end]`."""

    __slots__ = ("at", "data", "end")

    def __init__(self, data: bytes, at: int, end: int) -> None:
        self.data = data
        self.at = at
        self.end = end

    @property
    def done(self) -> bool:
        """Whether nothing is left."""
        return self.at >= self.end

    def byte(self) -> int:
        """One byte."""
        if self.at >= self.end:
            raise malformed(f"ends early at byte {self.at}")
        value = self.data[self.at]
        self.at += 1
        return value

    def take(self, count: int) -> bytes:
        """`count` bytes."""
        start = self.at
        if count > self.end - start:
            raise malformed(f"{count} bytes at byte {start} do not fit")
        self.at = start + count
        return self.data[start : self.at]

    def u32(self) -> int:
        """An unsigned LEB128 number of 32 bits."""
        value = shift = 0
        for _ in range(_U32_BYTES_MOST):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if value >= 1 << 32:
                    break
                return value
            shift += 7
        raise malformed(f"a number over 32 bits before byte {self.at}")

    def signed(self, bits: int) -> int:
        """A signed LEB128 number of `bits` bits."""
        value = shift = 0
        while shift < bits:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                if byte & 0x40:
                    value -= 1 << shift
                if not -(1 << (bits - 1)) <= value < 1 << (bits - 1):
                    break
                return value
        raise malformed(f"a number over {bits} bits before byte {self.at}")

    def name(self) -> str:
        """A length and so many bytes of UTF-8."""
        raw = self.take(self.u32())
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            raise malformed(f"a name before byte {self.at} is no UTF-8") from None

    def part(self) -> "Reader":
        """A length, and a reader of so many bytes; this one goes on behind them."""
        size = self.u32()
        start = self.at
        if size > self.end - start:
            raise malformed(f"{size} bytes at byte {start} do not fit")
        self.at = start + size
        return Reader(self.data, start, self.at)


def memory_pages(code: bytes) -> int:
    """The first size of a module's memory, in pages of 64 KiB; 0 without one. Raises `InvalidModule`."""
    reader = Reader(code, _HEADER_BYTES, len(code))
    while not reader.done:
        section, content = reader.byte(), reader.part()
        if section == _MEMORY_SECTION and content.u32():
            content.byte()  # whether there is a greatest size
            return content.u32()
    return 0
