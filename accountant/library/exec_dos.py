"""Algorithm 2, Exec-DoS: expensive work decides at random who gets a little money.

The paper's counter-measure is that a transaction declares the accounts that it may touch: here they are the
arguments, each a priced `credit` entry, and no other account can be paid. Whoever is named may leave the income out
of a lower bound (Lemma 1) and executes nothing.
"""

from accountant.language import Account, direct, export, index, pay, payable, previous_hash, sha256


@export
@payable
@direct
def exec_dos(rounds: int, one: Account, two: Account, three: Account, four: Account) -> None:
    """Hashes `rounds` times, then pays one base unit to one of four accounts."""
    choice = burn(rounds) % 4
    if choice == 0:
        pay(one, 1)
    elif choice == 1:
        pay(two, 1)
    elif choice == 2:
        pay(three, 1)
    else:
        pay(four, 1)


def burn(rounds: int) -> int:
    """Expensive operations; a number from 0 to 2^56 − 1 that nobody knows without doing them, in this place."""
    seed: bytes = previous_hash() + index().to_bytes(8, "big", signed=True)
    for _ in range(rounds):
        seed = sha256(seed)
    return int.from_bytes(seed[:7], "big")
