"""Which slots a function has put together already, so that `m[k] = m[k] + 1` does it once.

A slot is known by its variable and keys as long as these are locals that were not assigned since, constants, or
what does not change during a call. Whatever only some paths did is not known behind where they meet.
"""

from accountant.language.emission.code import FunctionCode
from accountant.language.tree import Bind, Compute, Constant, Expression, Intrinsic, Local, Variable

_Key = tuple[str, int | str | bytes]
_Slot = tuple[str, tuple[_Key, ...]]

SLOTS_MOST = 32
"""Each takes a local of the function for good."""

_UNCHANGING = (Intrinsic.CALLER, Intrinsic.SENDER, Intrinsic.SELF, Intrinsic.PREVIOUS_HASH)
_LOCAL = "local"


class KnownSlots:
    """The slots that lie in locals of one function, at the point that is being written."""

    def __init__(self, code: FunctionCode) -> None:
        self._code = code
        self._locals: dict[_Slot, int] = {}
        self._valid: frozenset[_Slot] = frozenset()

    def find(self, variable: Variable, keys: tuple[Expression, ...]) -> int | None:
        """The local that holds this slot, if it is known and evaluating the keys does nothing else."""
        if any(isinstance(key, Bind) for key in keys):
            return None
        slot = _slot(variable, keys)
        return self._locals[slot] if slot is not None and slot in self._valid else None

    def learn(self, variable: Variable, keys: tuple[Expression, ...]) -> int | None:
        """The local to copy this slot into, whose keys were just evaluated; None if it is not worth it."""
        slot = _slot(variable, keys)
        if slot is None:
            return None
        if slot not in self._locals:
            if len(self._locals) >= SLOTS_MOST:
                return None
            self._locals[slot] = self._code.new_local()
        self._valid |= {slot}
        return self._locals[slot]

    def assigned(self, local: int) -> None:
        """A local of the source has a new value."""
        self._valid = frozenset(slot for slot in self._valid if (_LOCAL, local) not in slot[1])

    def enter_loop(self) -> None:
        """What follows may run again after any local was assigned."""
        self._valid = frozenset(slot for slot in self._valid if all(kind != _LOCAL for kind, _ in slot[1]))

    def branch(self) -> frozenset[_Slot]:
        """What is known where paths part."""
        return self._valid

    def other(self, known: frozenset[_Slot]) -> frozenset[_Slot]:
        """Go back to where paths parted; what the path until here knows."""
        here, self._valid = self._valid, known
        return here

    def meet(self, known: frozenset[_Slot]) -> None:
        """Another path, which knows this, ends here too."""
        self._valid &= known


def _slot(variable: Variable, keys: tuple[Expression, ...]) -> _Slot | None:
    named = [_key(key) for key in keys]
    bound = [key.index for key in keys if isinstance(key, Bind)]
    used = [key.index for key in keys if isinstance(key, Bind | Local)]
    if None in named or any(used.count(index) > 1 for index in bound):
        return None
    return variable.name, tuple(key for key in named if key is not None)


def _key(key: Expression) -> _Key | None:
    match key:
        case Local() | Bind():
            return _LOCAL, key.index
        case Constant():
            return "constant", key.value
        case Compute() if key.intrinsic in _UNCHANGING:
            return "unchanging", key.intrinsic.value
    return None
