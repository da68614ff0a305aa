"""One pass over a function body: known opcodes, bounded nesting, whom it calls, how high its operand stack gets.

Types are left to the engine's validator; stack heights are right for bodies that it accepts.
"""

from typing import NamedTuple

from accountant.contracts import opcodes
from accountant.contracts.binary import Reader, malformed
from accountant.contracts.errors import InvalidModule
from accountant.contracts.opcodes import HEAVY, IMMEDIATES, POINTS, POPS, PUSHES, Immediate

NESTING_MOST = 64
"""Blocks inside blocks: 900 nested loops over 255 locals compile for 22 s, 64 for 0.2 s."""
TARGETS_MOST = 128
"""Targets of one br_table: 2,000 to 32 loops over 255 locals compile for 8 s."""
EDGES_TIMES_LOCALS_MOST = 1 << 17
"""Branches, blocks and targets of a body, times its locals: what compiling a body costs at most."""
MODULE_EDGES_TIMES_LOCALS_MOST = 1 << 20
"""The same over all bodies of a module."""
LOOPS_MOST = 64
"""Loops of a body: 3,000 one after the other compile for 1.9 s, 64 for 3 ms."""
POINTS_MOST = 2_048
"""Calls, branches and instructions that may trap, of a body: 10,000 calls compile for 0.5 s, 2,500 for 25 ms."""

_EMPTY_BLOCK = 0x40
_NUMBER_TYPES = (0x7F, 0x7E, 0x7D, 0x7C)
_UNKNOWN, _NONE, _CONTROL, _MEMORY_ARGUMENT, _ZERO_BYTE, _F32, _F64 = (
    int(Immediate.UNKNOWN),
    int(Immediate.NONE),
    int(Immediate.CONTROL),
    int(Immediate.MEMORY_ARGUMENT),
    int(Immediate.ZERO_BYTE),
    int(Immediate.F32),
    int(Immediate.F64),
)  # plain integers: members of an enum are slow to look up in a loop over every byte
_LEB_BYTES = {int(Immediate.I32): 5, int(Immediate.I64): 10, int(Immediate.INDEX): 5}
_FLAGS_FROM = 0x40
"""An alignment's bit 6 announces another memory; no alignment is so large."""


class Signature(NamedTuple):
    """A function type: the type bytes of its parameters and results."""

    parameters: bytes
    results: bytes


class Body(NamedTuple):
    """What the other rules need to know of a function body."""

    callees: frozenset[int]
    height: int
    """The most operands on its stack."""
    edges: int
    heavy: int
    """Loops, and other instructions that are as slow to compile (`opcodes.HEAVY`)."""


class _Block(NamedTuple):
    opcode: int
    height: int
    """Of the operand stack below its parameters."""
    parameters: int
    results: int


def walk(code: Reader, types: list[Signature], functions: list[Signature], results: int) -> Body:
    """Walk the instructions in `code` (locals already read), which must be all of it. Raises `InvalidModule`."""
    data, end, at = code.data, code.end, code.at
    blocks = [_Block(opcodes.BLOCK, 0, 0, results)]
    callees: set[int] = set()
    height = top = edges = below = points = heavy = loops = 0
    while at < end:
        opcode = data[at]
        at += 1
        immediate = IMMEDIATES[opcode]
        points += POINTS[opcode]
        heavy += HEAVY[opcode]
        if immediate != _CONTROL:
            if immediate != _NONE:
                if immediate == _UNKNOWN:
                    raise InvalidModule("unknown_opcode", f"0x{opcode:02x} at byte {at - 1}")
                at = _skip(data, at, end, immediate)
            height -= POPS[opcode]
            if height < below:
                height = below
            height += PUSHES[opcode]
        else:
            code.at = at
            if opcode == opcodes.CALL:
                callee = code.u32()
                if callee >= len(functions):
                    raise malformed(f"call of function {callee}, there are {len(functions)}")
                callees.add(callee)
                signature = functions[callee]
                height = max(height - len(signature.parameters), below) + len(signature.results)
            elif opcode in (opcodes.BLOCK, opcodes.LOOP, opcodes.IF):
                block = _block(opcode, code, types)
                loops += opcode == opcodes.LOOP
                edges += 1 + block.parameters + block.results
                height = max(height - block.parameters - (opcode == opcodes.IF), below)
                blocks.append(block._replace(height=height))
                if len(blocks) > NESTING_MOST:
                    raise InvalidModule("nesting_limit", f"more than {NESTING_MOST} blocks inside each other")
                height += block.parameters
            elif opcode == opcodes.ELSE:
                if blocks[-1].opcode != opcodes.IF:
                    raise malformed(f"else without if at byte {at}")
                edges += 1
                blocks[-1] = blocks[-1]._replace(opcode=opcodes.ELSE)
                height = below + blocks[-1].parameters
            elif opcode == opcodes.END:
                block = blocks.pop()
                height = block.height + block.results
                if not blocks:
                    top = max(top, height)
                    break
            elif opcode == opcodes.BR_IF:
                code.u32()
                edges += 1
                height = max(height - 1, below)
            elif opcode == opcodes.PREFIX:
                height = _prefixed(code, height, below)
            else:
                edges += _leave(opcode, code)
                height = below  # what follows is unreachable: its operands come from nowhere
            at = code.at
            below = blocks[-1].height
        if height > top:
            top = height
    else:
        raise malformed("a body without its end")
    if at != end:
        raise malformed(f"bytes after a body's end at byte {at}")
    if loops > LOOPS_MOST:
        raise InvalidModule("loops_limit", f"{loops} loops in a function, at most {LOOPS_MOST} are allowed")
    if points > POINTS_MOST:
        raise InvalidModule(
            "points_limit",
            f"{points} calls, branches, memory accesses and divisions in a function, at most {POINTS_MOST} are allowed",
        )
    return Body(frozenset(callees), top, edges, heavy)


def _block(opcode: int, code: Reader, types: list[Signature]) -> _Block:
    first = code.data[code.at] if code.at < code.end else _EMPTY_BLOCK
    if first == _EMPTY_BLOCK or first in _NUMBER_TYPES:
        code.byte()
        return _Block(opcode, 0, 0, int(first != _EMPTY_BLOCK))
    index = code.signed(33)
    if not 0 <= index < len(types):
        raise malformed(f"a block of unknown type at byte {code.at}")
    return _Block(opcode, 0, len(types[index].parameters), len(types[index].results))


def _leave(opcode: int, code: Reader) -> int:
    """The immediates of an unconditional branch; how many edges it has."""
    if opcode == opcodes.BR_TABLE:
        targets = code.u32()
        if targets > TARGETS_MOST:
            raise InvalidModule("branch_limit", f"br_table with {targets} targets, at most {TARGETS_MOST} are allowed")
        for _ in range(targets + 1):
            code.u32()
        return targets + 1
    if opcode == opcodes.BR:
        code.u32()
    return 1


def _prefixed(code: Reader, height: int, below: int) -> int:
    operation = code.u32()
    if operation <= opcodes.SATURATING_LAST:
        return max(height - 1, below) + 1
    if operation == opcodes.MEMORY_COPY:
        zeros = code.take(2)
    elif operation == opcodes.MEMORY_FILL:
        zeros = code.take(1)
    else:
        raise InvalidModule("unknown_opcode", f"0xfc {operation} at byte {code.at}")
    if any(zeros):
        raise InvalidModule("unknown_opcode", f"another memory than the first at byte {code.at}")
    return max(height - 3, below)


def _skip(data: bytes, at: int, end: int, immediate: int) -> int:
    """Behind the immediate at `at`."""
    if immediate == _ZERO_BYTE:
        if at >= end or data[at]:
            raise InvalidModule("unknown_opcode", f"another memory than the first at byte {at}")
        return at + 1
    if immediate in (_F32, _F64):
        after = at + (4 if immediate == _F32 else 8)
        if after > end:
            raise malformed(f"ends early at byte {at}")
        return after
    if immediate == _MEMORY_ARGUMENT:
        if at >= end or data[at] >= _FLAGS_FROM:
            raise InvalidModule("unknown_opcode", f"a memory argument with flags at byte {at}")
        return _behind_number(data, at + 1, end, 5)
    return _behind_number(data, at, end, _LEB_BYTES[immediate])


def _behind_number(data: bytes, at: int, end: int, bytes_most: int) -> int:
    for after in range(at, min(at + bytes_most, end)):
        if data[after] < 0x80:
            return after + 1
    raise malformed(f"a number without end at byte {at}")
