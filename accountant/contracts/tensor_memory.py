"""The bytes of tensors that a transaction holds, by its own count: no machine's real memory decides an outcome."""

from collections.abc import Sequence

from accountant.contracts.errors import ContractFailure, FailureKind
from accountant.contracts.tensor_values import Held

HANDLE_BYTES = 64
"""What a handle counts besides the elements behind it."""
MEMBER_BYTES = 8
"""What a member of a list counts besides its own elements."""


class TensorMemory:
    """4 bytes an element, 8 an index, 2,048 a value, 64 a handle; what gradients need of a result counts with it.

    A value counts once, however many handles name it, and as long as one does.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.bytes = 0
        self.peak = 0
        """The most that was held, or would have been, at once: what works took besides while they ran included."""

    def fits(self, more: int) -> None:
        """Raises MEMORY_LIMIT if so much more is too much."""
        self.peak = max(self.peak, self.bytes + more)
        if self.peak > self.most:
            raise ContractFailure(FailureKind.MEMORY_LIMIT, f"tensors of more than {self.most} bytes")

    def occupy(self, more: int) -> None:
        """Count bytes. Raises MEMORY_LIMIT."""
        self.fits(more)
        self.bytes += more

    def free(self, less: int) -> None:
        """Bytes that are held no more."""
        self.bytes -= less
        assert self.bytes >= 0

    def hold(self, values: Sequence[Held], overhead: int) -> None:
        """A handle to these values. Raises MEMORY_LIMIT, and then nothing is held."""
        self.occupy(overhead)
        for value in values:
            if not value.holders:
                self.occupy(value.bytes)
            value.holders += 1

    def let_go(self, values: Sequence[Held], overhead: int) -> list[Held]:
        """The handle is no more: the values that nothing holds now."""
        self.free(overhead)
        gone = []
        for value in values:
            value.holders -= 1
            if not value.holders:
                self.free(value.bytes)
                gone.append(value)
        return gone
