"""A token that keeps to its word, refuses, calls back, or never ends: for tests of contracts that rely on one."""

# ruff: noqa: F821  a storage declaration has no value

from accountant.language import Account, Contract, Interface, Map, caller, calls, elsewhere, export, nested, touches

HONEST = 0
REFUSES = 1
CALLS_BACK = 2
NEVER_ENDS = 3

mood: int
moved: Map[Account, int]


class Pair(Interface):
    """What a token would like to call in the middle of a trade."""

    def sell(self, units: int, base: int) -> None:
        """Sells tokens."""
        elsewhere()


@export
def feel(how: int) -> None:
    """Be of this mood from now on."""
    global mood
    mood = how


@export
@nested(2)
@touches(calls(1))
def transfer(to: Account, units: int) -> bool:
    """Moves units, or not."""
    return behave(to, units)


@export
@nested(2)
@touches(calls(1))
def transfer_from(owner: Account, to: Account, units: int) -> bool:
    """Moves units of somebody, or not."""
    return len(owner) > 0 and behave(to, units)


def behave(to: Account, units: int) -> bool:
    """As the mood is."""
    if mood == REFUSES:
        return False
    if mood == CALLS_BACK:
        Pair(Contract(caller())).sell(units, 1)
    while mood == NEVER_ENDS:
        moved[to] += 0
    moved[to] += units
    return True
