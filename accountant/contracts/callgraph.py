"""The calls among a module's own functions: no cycles, and a bound on the native stack of the deepest chain."""

from accountant.contracts.errors import InvalidModule

STACK_BYTES_MOST = 256 * 1024
"""The bound of one contract's deepest chain of calls: half of what the engine gives, and eight contracts
in each other stay within a quarter of a thread's usual 8 MiB."""

FRAME_BYTES = 512
"""Counted for every native frame."""
VALUE_BYTES = 32
"""Counted for every parameter, result, local and operand: a spilled one takes 8, or 16 if it is a float."""


def frame_bytes(values: int) -> int:
    """A bound on the native frame of a function with so many parameters, results, locals and operands."""
    return FRAME_BYTES + VALUE_BYTES * values


def check_calls(callees: list[frozenset[int]], frames: list[int]) -> None:
    """Raises `InvalidModule` (recursion, stack_limit). Function i calls `callees[i]`; its frame is `frames[i]`."""
    callers = [0] * len(callees)
    for called in callees:
        for callee in called:
            callers[callee] += 1
    ready = [function for function, count in enumerate(callers) if not count]
    deepest = list(frames)
    visited = 0
    while ready:
        function = ready.pop()
        visited += 1
        if deepest[function] > STACK_BYTES_MOST:
            raise InvalidModule("stack_limit", f"calls down to function {function} may use {deepest[function]} bytes")
        for callee in callees[function]:
            deepest[callee] = max(deepest[callee], deepest[function] + frames[callee])
            callers[callee] -= 1
            if not callers[callee]:
                ready.append(callee)
    if visited < len(callees):
        raise InvalidModule("recursion", "functions of the module call each other in a cycle")
