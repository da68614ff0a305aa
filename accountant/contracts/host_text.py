"""Host functions on text (UTF-8 behind a handle of bytes) and on the numbers written in it. See docs/host.md."""

import re

from accountant.contracts.frame import Frame, invalid

NUMBER_TEXT_BYTES = 20
"""The longest integer of 64 bits in decimal, with its sign."""
INTEGER_TEXT_BYTES_MOST = 64

_INTEGER = re.compile(rb"[+-]?[0-9]+")


def text_check(frame: Frame, value: bytes) -> None:
    """Nothing, if the bytes are UTF-8."""
    _sized(frame, len(value))
    _decoded(value)


def text_len(frame: Frame, value: bytes) -> int:
    """The number of code points."""
    _sized(frame, len(value))
    return len(_decoded(value))


def text_slice(frame: Frame, value: bytes, start: int, length: int) -> int:
    """A part, by code points."""
    _copied(frame, len(value))
    text = _decoded(value)
    if start < 0 or length < 0 or start + length > len(text):
        raise invalid(f"{length} code points from {start} on are not inside a text of {len(text)}")
    return frame.keep(text[start : start + length].encode())


def text_from_int(frame: Frame, number: int) -> int:
    """The number in decimal, ASCII."""
    _copied(frame, NUMBER_TEXT_BYTES)
    return frame.keep(b"%d" % number)


def int_from_text(frame: Frame, value: bytes) -> int:
    """The integer that decimal digits, perhaps after a sign, write."""
    _sized(frame, INTEGER_TEXT_BYTES_MOST)
    if len(value) > INTEGER_TEXT_BYTES_MOST or not _INTEGER.fullmatch(value):
        raise invalid(f"no integer of at most {INTEGER_TEXT_BYTES_MOST} bytes in decimal")
    number = int(value)
    if not -(2**63) <= number < 2**63:
        raise invalid(f"{number} does not fit into 64 bits")
    return number


def hex_from_bytes(frame: Frame, value: bytes) -> int:
    """Two lower-case digits for each byte."""
    size = 2 * len(value)
    _copied(frame, size)
    frame.fits(size)
    return frame.keep(value.hex().encode())


def _sized(frame: Frame, size: int) -> None:
    frame.charge(frame.schedule.host_base + frame.schedule.host_per_byte * size)


def _copied(frame: Frame, size: int) -> None:
    frame.charge(frame.schedule.host_copy + frame.schedule.host_per_byte * size)


def _decoded(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise invalid(f"not UTF-8 at byte {error.start}") from None
