# ruff: noqa: F821  (storage is annotated, never assigned)
"""A hostile contract for random chains: a token that lies or comes back, a caller of everything, a payer of anybody."""

from accountant.language import (
    Account,
    Contract,
    Interface,
    Map,
    bound,
    caller,
    calls,
    debits,
    direct,
    elsewhere,
    export,
    nested,
    pay,
    payable,
    query,
    self_id,
    touches,
    value,
)

MOODS = 5
LOST_MOST = 1_000_000_000_000


class Token(Interface):
    """What it stands between."""

    def transfer(self, to: Account, units: int) -> bool:
        """Moves units of the caller."""
        elsewhere()

    def transfer_from(self, owner: Account, to: Account, units: int) -> bool:
        """Moves units that the owner approved."""
        elsewhere()


class Pair(Interface):
    """What it tries to enter again."""

    def buy(self, least: int) -> int:
        """Only transactions may call it."""
        elsewhere()


class Registry(Interface):
    """Names, for money."""

    def register(self, name: str, years: int) -> None:
        """For a fee."""
        elsewhere()

    def give(self, name: str, to: Account) -> None:
        """To somebody else."""
        elsewhere()


class Insurance(Interface):
    """What an insurance says."""

    def approved(self, holder: Account, number: int) -> bool:
        """A view, called from a contract."""
        elsewhere()


class Rogue(Interface):
    """Another one of its kind, or itself."""

    def bounce(self, peer: Contract, depth: int, units: int) -> None:
        """Calls back."""
        elsewhere()


target: Contract
mood: int
seen: Map[int, bytes]


def init(contract: Contract, feeling: int) -> None:
    """What it stands in front of, and what it does to it."""
    global target, mood
    target = contract
    mood = feeling % MOODS


@export
@direct
def feel(feeling: int) -> None:
    """Another mood."""
    global mood
    mood = feeling % MOODS


@export
@nested(4)
@touches(calls(1))
def transfer(to: Account, units: int) -> bool:
    """Says what its mood says; in the last one it passes the call on."""
    if mood == 0:
        return True
    if mood == 1:
        return False
    if mood == 2:
        return Pair(target).buy(0) > 0
    assert mood > 3, "not in the mood"
    return Token(target).transfer(to, units)


@export
@nested(4)
@touches(calls(1))
def transfer_from(owner: Account, to: Account, units: int) -> bool:
    """As `transfer`."""
    if mood < 2:
        return mood == 0
    if mood == 2:
        return Pair(target).buy(0) > 0
    return Token(target).transfer_from(owner, to, units)


@export
@payable
@nested(8, debits=LOST_MOST)
@touches(calls(1), debits(LOST_MOST))
def bounce(peer: Contract, depth: int, units: int) -> None:
    """Calls a peer with money, which calls back, in the middle of a change of its own."""
    global mood
    before = mood
    mood = before + 1
    if depth > 0:
        Rogue(peer, value=units).bounce(self_id(), depth - 1, units)
    assert mood > before, "somebody was here"
    mood = before


@export
@payable
@direct
@touches(calls(1), debits("value"))
def buy_name(registry: Contract, name: str, years: int, to: Account) -> None:
    """Registers a name in its own name and gives it away, twice into the same contract."""
    Registry(registry, value=value()).register(name, years)
    Registry(registry).give(name, to)


@export
@direct
@touches(calls(1))
def look(number: int, insurance: Contract, holder: Account) -> None:
    """Keeps what an insurance says of a claim."""
    seen[number] = b"yes" if Insurance(insurance).approved(holder, number) else b"no"


@export
@direct
def ask(number: int, question: bytes) -> None:
    """Keeps the answer of a query."""
    seen[number] = query(question)


@export
@direct
def weigh(number: int, account: Account, theta: bytes) -> None:
    """Keeps a lower bound of an account, and pays one unit to whoever asked if it is above `number`."""
    lower = bound(account, theta)
    seen[number] = lower.to_bytes(8, "big", signed=True)
    if lower > number:
        pay(caller(), 1)


@export
@payable
@direct
def leak(to: Account, units: int) -> None:
    """Pays anybody anything that lies here."""
    pay(to, units)
