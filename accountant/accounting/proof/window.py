"""Where a walk over a balance may begin, so that a certificate need not carry an account's whole history.

A balance is never below zero, so L = 0 and U = ∞ stand at any position: a window is a hint that nobody has to
trust. What is trusted is that no debit inside it is missing. By pages of all its blocks nothing is missing at all.
By nonces a user's own transactions are complete, and incomes are not: then U stays ∞, so that a yes may rest on it
and a no may not.
"""

from accountant.accounting.proof.errors import NotCarried
from accountant.accounting.proof.facts import Facts
from accountant.index.port import Located
from accountant.index.position import Place
from accountant.primitives.addresses import show
from accountant.primitives.encoding import Record
from accountant.primitives.types import ADDRESS_BYTES, Address, Seq


class Nonces(Record, frozen=True):
    """A user's own transactions in a window: those with nonces first … first + count − 1.

    `closed`: the next one is carried too, and stands after the window. Otherwise pages show that none is between.
    """

    first: int
    count: int
    closed: bool


class Window(Record, frozen=True):
    """A walk over G right before transaction `before` begins right before transaction `start`; at 0 with genesis."""

    account: bytes
    before: int
    start: int
    nonces: Nonces | None
    """None: by pages."""


class ZeroWindow(Record, frozen=True):
    """The same for Z right before `before`; a lower bound, from these incomes alone."""

    account: bytes
    before: int
    start: int
    nonces: Nonces
    incomes: tuple[int, ...]


def own_transactions(facts: Facts, account: Address, start: Seq, before: Seq, nonces: Nonces) -> list[Located]:
    """All that the user signed with start ≤ seq < before. Raises `NotCarried` where that is not shown.

    Nonces are consecutive from 0 on a chain, so nothing hides between two neighbours.
    """
    part = f"expenses of {show(account)} before transaction {before}"
    if len(account) != ADDRESS_BYTES or nonces.first < 0 or nonces.count < 0:
        raise NotCarried(part, "nonces are those of a user, from 0 on")
    own: list[Located] = []
    for nonce in range(nonces.first, nonces.first + nonces.count):
        own.append(facts.signed(account, nonce))
        if not start <= own[-1].seq < before:
            raise NotCarried(part, f"nonce {nonce} is not between {start} and {before}, where a window has it")
    begins_here = bool(own) and own[0].seq == start
    if nonces.first and not begins_here and facts.signed(account, nonces.first - 1).seq >= start:
        raise NotCarried(part, f"nonce {nonces.first - 1} is in the window, and left out")
    after = nonces.first + nonces.count
    if nonces.closed:
        if facts.signed(account, after).seq < before:
            raise NotCarried(part, f"nonce {after} is in the window, and left out")
    elif not facts.signs_nothing(account, Seq(own[-1].seq + 1) if own else start, before):
        raise NotCarried(part, f"nonce {after} is in the window, and left out")
    return own


def zero_least(facts: Facts, account: Address, place: Place, window: ZeroWindow) -> int:
    """What Z of a user is at least right before a position: less all that left it in the window, these incomes alone.

    Z is never below zero, and covered what every own transaction took. Tips of proposers are left out.
    """
    start = Seq(window.start)
    steps: dict[Seq, Located] = {}
    for located in own_transactions(facts, account, start, place.seq, window.nonces):
        steps[located.seq] = located
    for seq in map(Seq, window.incomes):
        if start <= seq < place.seq:
            steps[seq] = facts.transaction(seq)
    zero = facts.allocated(account) if start <= 0 else 0
    rewards = facts.rewards(account, start, place.moment)
    for seq, located in sorted(steps.items()):
        while rewards and rewards[0][0] <= seq:
            zero += rewards.pop(0)[1]
        if located.sender == account:
            paid = facts.paid(located)
            zero = max(zero, paid) - paid
        zero += facts.received(account, located)
    return zero + sum(reward for _, reward in rewards)
