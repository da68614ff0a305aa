"""The attacks of `benchmarks.attack`: the paper's two, and others that it does not name."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from accountant.chain.footprint import Debit, Write
from accountant.primitives.types import AMOUNT_MAX, Address
from benchmarks.admitted import CALL_GAS, user
from benchmarks.attack_street import (
    EMPLOYER,
    EXEC_DOS,
    LOAN,
    MONEY,
    NEIGHBOURS,
    POOL,
    RING,
    TARGETED,
    TOKEN,
    TRAINER,
    VAULT,
    VICTIM,
    WAGE,
    WAGES,
    Half,
    Street,
)

GAS_PER_ROUND = 1_000
"""More than one round of the library's two attacks takes."""
RUN_GAS = 200_000
"""More than the rest of such a call takes."""
PHANTOM = 10**12
"""Cap of a debit that never happens, in base units."""
GIANT = 2**61
"""An expense that nobody can afford, in base units."""
TRAINED = 1_000_000
"""Base units: an attacker's expense that a stranger's run covers or not."""
LINK_FEES = 10_000
"""Base units that pay for passing money on once."""


class Sizes(NamedTuple):
    """How large the attacks are."""

    transactions: int = 10_000
    dust: int = 100_000
    depth: int = 100_000
    rounds: int = 1_000
    """Of hashing in each (Targeted-)Exec-DoS."""
    trainings: int = 10
    training_rounds: int = 200_000
    attackers: int = 100


class Attack(NamedTuple):
    """One attack."""

    name: str
    aim: str
    half: Half


class Attacker:
    """Everything that it may do to the street, half by half."""

    def __init__(self, sizes: Sizes) -> None:
        self._sizes = sizes
        self._half_size = sizes.transactions // 2

    def _sender(self, street: Street, number: int) -> Address:
        return street.attackers[number % len(street.attackers)]

    def exec_dos(self, street: Street, _half: int) -> None:
        """Algorithm 2: work decides who of the victim and its hubs gets one unit."""
        rounds = self._sizes.rounds
        for number in range(self._half_size):
            call = (self._sender(street, number), EXEC_DOS, "exec_dos", rounds, VICTIM, WAGES, VAULT, EMPLOYER)
            street.attack(street.chain.call(*call, gas_limit=RUN_GAS + GAS_PER_ROUND * rounds))

    def targeted_exec_dos(self, street: Street, _half: int) -> None:
        """Algorithm 3: work decides how much the victim and its hubs get."""
        rounds = self._sizes.rounds
        for number in range(self._half_size):
            victim = (VICTIM, VICTIM, WAGES, VAULT, POOL)[number % 5]
            call = (self._sender(street, number), TARGETED, "targeted_exec_dos", victim, rounds, 1_000)
            street.attack(street.chain.call(*call, gas_limit=RUN_GAS + GAS_PER_ROUND * rounds))

    def declared_writes(self, street: Street, _half: int) -> None:
        """Writes declared on the victim's token balance, none of them made."""
        for number in range(self._half_size):
            street.attack(street.chain.call(self._sender(street, number), TOKEN, "transfer", VICTIM, 1))

    def undeclarable(self, street: Street, _half: int) -> None:
        """Writes and debits that envelopes do not admit, and caps that nobody can pay for."""
        call, savings, in_hand = street.chain.call, Write(VAULT, b"savings:" + VICTIM), Write(POOL, b"in_hand:")
        for number in range(self._half_size // 4):
            sender = self._sender(street, number)
            street.attempt(partial(call, sender, VAULT, "deposit", 0, zero=1, more=(savings,)))
            street.attempt(partial(call, sender, TARGETED, "targeted_exec_dos", sender, 1, 1, more=(in_hand,)))
            street.attempt(partial(call, sender, TOKEN, "transfer", sender, 1, more=(Debit(VAULT, PHANTOM),)))
            street.attempt(partial(call, sender, VAULT, "withdraw", AMOUNT_MAX - CALL_GAS))

    def phantom_caps(self, street: Street, _half: int) -> None:
        """Debits of the vault declared up to a cap, none of them made."""
        for number in range(self._half_size):
            street.attack(street.chain.call(self._sender(street, number), VAULT, "withdraw", PHANTOM))

    def training(self, street: Street, half: int) -> None:
        """Repayments to the pool, covered or not as the long run of a stranger says, who pays for that run."""
        rounds = self._sizes.training_rounds
        for number in range(half, self._sizes.trainings, 2):
            attacker = self._sender(street, number)
            run = (TRAINER, TARGETED, "targeted_exec_dos", attacker, rounds, 2 * TRAINED)
            street.chain.call(*run, gas_limit=RUN_GAS + GAS_PER_ROUND * rounds)
            street.attack(street.chain.call(attacker, POOL, "repay", general=TRAINED))

    def giant_expense(self, street: Street, half: int) -> None:
        """One expense of the victim's own, far beyond what it has."""
        if not half:
            street.attack(street.chain.transfer(VICTIM, street.attackers[0], general=GIANT))

    def overstated_gas(self, street: Street, _half: int) -> None:
        """Payments to the victim out of unused gas: money that was free to verify no longer is."""
        for number in range(self._half_size // 2):
            attacker = self._sender(street, number)
            street.costly(attacker, WAGE // 1_000)
            street.attack(street.chain.transfer(attacker, VICTIM, general=WAGE // 1_000))

    def dust(self, street: Street, half: int) -> None:
        """Incomes of one unit."""
        if not half:
            for attacker in street.attackers:
                street.costly(attacker, self._sizes.dust)
        for number in range(self._sizes.dust // 2):
            street.attack(street.chain.transfer(self._sender(street, number), VICTIM, general=1))

    def deep_chain(self, street: Street, half: int) -> None:
        """One payment passed on from account to account, to the victim at last."""
        self._relay(street, half, self._sizes.depth, partial(self._link, street))

    def circle(self, street: Street, half: int) -> None:
        """One payment passed around between three accounts, to the victim at last."""
        self._relay(street, half, self._sizes.transactions, lambda place: RING[place % len(RING)])

    def hub_account(self, street: Street, half: int) -> None:
        """One account that everybody pays and that pays everybody, the victim at last."""
        bank, *customers = street.attackers
        if not half:
            for customer in customers:
                street.costly(customer, WAGE)
        steps = self._half_size // 2
        for number in range(half * steps, (half + 1) * steps):
            payer, paid = customers[number % len(customers)], customers[(number + 1) % len(customers)]
            street.attack(street.chain.transfer(payer, bank, general=WAGE))
            street.attack(street.chain.transfer(bank, paid, general=WAGE))
        if half:
            street.attack(street.chain.transfer(customers[2 * steps % len(customers)], bank, general=WAGE))
            street.attack(street.chain.transfer(bank, VICTIM, general=WAGE))

    def cyclic_lending(self, street: Street, half: int) -> None:
        """Loans that pay earlier loans back, around three borrowers, and the victim at last."""
        rounds = self._half_size // 3
        for number in range(half * rounds, (half + 1) * rounds):
            borrower, debtor = RING[number % 3], RING[(number + 1) % 3]
            street.attack(street.chain.call(borrower, POOL, "borrow", LOAN))
            street.attack(street.chain.transfer(borrower, debtor, general=LOAN))
            if number >= 2:
                street.attack(street.chain.call(debtor, POOL, "repay", general=LOAN, zero=LOAN // 20))
        if half:
            last = RING[2 * rounds % 3]
            street.attack(street.chain.call(last, POOL, "borrow", LOAN))
            street.attack(street.chain.transfer(last, VICTIM, general=WAGE))

    def _relay(self, street: Street, half: int, depth: int, account: Callable[[int], Address]) -> None:
        """General money passed on `depth` times in all; the last one pays the victim."""
        first, last = (0, depth // 2) if not half else (depth // 2, depth)
        if not half:
            street.attack(street.chain.transfer(NEIGHBOURS[0], account(0), zero=MONEY // 10))
            street.costly(account(0), WAGE)
        for place in range(first, last):
            street.attack(street.chain.transfer(account(place), account(place + 1), general=WAGE))
        if half:
            street.attack(street.chain.transfer(account(last), VICTIM, general=WAGE))

    def _link(self, street: Street, place: int) -> Address:
        """An account of its own for each place, with zero-cost money for its fee."""
        account = user(f"link/{place}")
        if not street.chain.zero(account):
            street.attack(street.chain.transfer(TRAINER, account, zero=LINK_FEES))
        return account


def attacks(sizes: Sizes) -> list[Attack]:
    """All of them."""
    attacker = Attacker(sizes)
    ways = (
        attacker.exec_dos,
        attacker.targeted_exec_dos,
        attacker.declared_writes,
        attacker.undeclarable,
        attacker.phantom_caps,
        attacker.training,
        attacker.giant_expense,
        attacker.overstated_gas,
        attacker.dust,
        attacker.deep_chain,
        attacker.circle,
        attacker.hub_account,
        attacker.cyclic_lending,
    )
    return [Attack(way.__name__, (way.__doc__ or "").removesuffix("."), way) for way in ways]
