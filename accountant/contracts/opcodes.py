"""The instructions that modules may use, with their immediates and what they do to the operand stack.

WebAssembly 1.0 without indirect calls, with sign extension, saturating conversions, multiple values,
memory.copy and memory.fill. Anything else is an unknown opcode.
"""

from enum import IntEnum


class Immediate(IntEnum):
    """What follows an opcode."""

    UNKNOWN = 0
    NONE = 1
    CONTROL = 2
    """Handled one by one in `body`."""
    INDEX = 3
    MEMORY_ARGUMENT = 4
    ZERO_BYTE = 5
    I32 = 6
    I64 = 7
    F32 = 8
    F64 = 9


UNREACHABLE, NOP, BLOCK, LOOP, IF, ELSE, END = 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x0B
BR, BR_IF, BR_TABLE, RETURN, CALL = 0x0C, 0x0D, 0x0E, 0x0F, 0x10
PREFIX = 0xFC
MEMORY_COPY, MEMORY_FILL = 10, 11
SATURATING_LAST = 7

IMMEDIATES = bytearray(256)
POPS = bytearray(256)
PUSHES = bytearray(256)
POINTS = bytearray(256)
"""1 for what takes several microseconds to compile: calls, branches, memory accesses, divisions, truncations."""
HEAVY = bytearray(256)
"""1 for what takes tens of microseconds, or gives a hundred bytes of native code."""


def _define(first: int, last: int, immediate: Immediate, pops: int, pushes: int) -> None:
    for opcode in range(first, last + 1):
        IMMEDIATES[opcode], POPS[opcode], PUSHES[opcode] = immediate, pops, pushes


_NONE = Immediate.NONE
for _opcode in (UNREACHABLE, BLOCK, LOOP, IF, ELSE, END, BR, BR_IF, BR_TABLE, RETURN, CALL, PREFIX):
    _define(_opcode, _opcode, Immediate.CONTROL, 0, 0)
_define(NOP, NOP, _NONE, 0, 0)
_define(0x1A, 0x1A, _NONE, 1, 0)  # drop
_define(0x1B, 0x1B, _NONE, 3, 1)  # select
_define(0x20, 0x20, Immediate.INDEX, 0, 1)  # local.get
_define(0x21, 0x21, Immediate.INDEX, 1, 0)  # local.set
_define(0x22, 0x22, Immediate.INDEX, 1, 1)  # local.tee
_define(0x23, 0x23, Immediate.INDEX, 0, 1)  # global.get
_define(0x24, 0x24, Immediate.INDEX, 1, 0)  # global.set
_define(0x28, 0x35, Immediate.MEMORY_ARGUMENT, 1, 1)  # loads
_define(0x36, 0x3E, Immediate.MEMORY_ARGUMENT, 2, 0)  # stores
_define(0x3F, 0x3F, Immediate.ZERO_BYTE, 0, 1)  # memory.size
_define(0x40, 0x40, Immediate.ZERO_BYTE, 1, 1)  # memory.grow
_define(0x41, 0x41, Immediate.I32, 0, 1)
_define(0x42, 0x42, Immediate.I64, 0, 1)
_define(0x43, 0x43, Immediate.F32, 0, 1)
_define(0x44, 0x44, Immediate.F64, 0, 1)
_define(0x45, 0x45, _NONE, 1, 1)  # i32.eqz
_define(0x46, 0x4F, _NONE, 2, 1)  # i32 comparisons
_define(0x50, 0x50, _NONE, 1, 1)  # i64.eqz
_define(0x51, 0x66, _NONE, 2, 1)  # i64, f32, f64 comparisons
_define(0x67, 0x69, _NONE, 1, 1)  # i32 clz, ctz, popcnt
_define(0x6A, 0x78, _NONE, 2, 1)  # i32 arithmetic
_define(0x79, 0x7B, _NONE, 1, 1)  # i64 clz, ctz, popcnt
_define(0x7C, 0x8A, _NONE, 2, 1)  # i64 arithmetic
_define(0x8B, 0x91, _NONE, 1, 1)  # f32 abs … sqrt
_define(0x92, 0x98, _NONE, 2, 1)  # f32 arithmetic
_define(0x99, 0x9F, _NONE, 1, 1)  # f64 abs … sqrt
_define(0xA0, 0xA6, _NONE, 2, 1)  # f64 arithmetic
_define(0xA7, 0xBF, _NONE, 1, 1)  # conversions
_define(0xC0, 0xC4, _NONE, 1, 1)  # sign extensions

_TRUNCATIONS = (*range(0xA8, 0xAC), *range(0xAE, 0xB2))
for _opcode in (LOOP, 0x40, *_TRUNCATIONS):  # 0x40 is memory.grow
    HEAVY[_opcode] = 1
_DIVISIONS = (*range(0x6D, 0x71), *range(0x7F, 0x83))
for _opcode in (LOOP, IF, BR_IF, BR_TABLE, CALL, *range(0x28, 0x3F), 0x40, *_DIVISIONS, *_TRUNCATIONS):
    POINTS[_opcode] = 1
