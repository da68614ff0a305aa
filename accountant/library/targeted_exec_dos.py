"""Algorithm 3, Targeted-Exec-DoS: expensive work decides at random how much a victim gets.

It makes the victim's exact balance expensive, without the victim's consent. A lower bound (Lemma 1) leaves the income
out; what the victim spends is verified without executing this.
"""

from accountant.language import (
    Account,
    debits,
    direct,
    export,
    index,
    pay,
    payable,
    previous_hash,
    sha256,
    touches,
)


@export
@payable
@direct
@touches(debits("most"))
def targeted_exec_dos(victim: Account, rounds: int, most: int) -> None:
    """Hashes `rounds` times, then pays the victim a random number of base units from 0 to `most` − 1."""
    assert most > 0, "the quantity is below `most`"
    seed: bytes = previous_hash() + index().to_bytes(8, "big", signed=True)
    for _ in range(rounds):
        seed = sha256(seed)
    pay(victim, int.from_bytes(seed[:7], "big") % most)
