"""A victim and the hubs it deals with, honest transactions around an attack, for `benchmarks.attack`.

The victim earns four wages through a splitter, saves in a vault and takes its savings back, owns tokens, and pays a
shop with nearly all of that. Attackers act twice: before the last wage and the withdrawal, and before the payment.
"""

from collections import Counter
from collections.abc import Callable

from accountant.chain.errors import InvalidTransaction, Refusal
from accountant.index.memory import MemoryIndex
from accountant.primitives.types import Address, Seq
from benchmarks.admitted import CALL_GAS, AdmittedChain, Included, at_genesis, contract, genesis_of, user

TOKEN, VAULT, POOL = contract("token"), contract("vault"), contract("pool")
WAGES = contract("wages")
EXEC_DOS, TARGETED = contract("exec_dos"), contract("targeted_exec_dos")
VICTIM, EMPLOYER, SHOP, TRAINER = user("victim"), user("employer"), user("shop"), user("trainer")
DEPLOYER = user("deployer")
NEIGHBOURS = [user(f"neighbour/{number}") for number in range(10)]
RING = [user(f"ring/{number}") for number in range(3)]
WAGE = 10**9
SAVED = 2 * 10**9
OWNED = 4 * WAGE + SAVED
"""What the victim owns of general money before its payment, attacks and unused gas left out."""
PAID = OWNED - WAGE // 2
MONEY = 10**13
"""Z at genesis, in base units."""
LENT = 10**15
LOAN = WAGE


class Street:
    """The chain, and what the attack on it cost."""

    def __init__(self, attackers: int) -> None:
        """`attackers`: how many accounts the attack may use."""
        self.attackers = [user(f"attacker/{number}") for number in range(attackers)]
        everyone = [VICTIM, EMPLOYER, SHOP, TRAINER, DEPLOYER, *NEIGHBOURS, *RING]
        accounts = [(account, MONEY) for account in everyone] + [(account, MONEY) for account in self.attackers]
        tokens = [(b"balances:" + owner, (10**12).to_bytes(8, "big")) for owner in (VICTIM, SHOP, *NEIGHBOURS)]
        wages = [(b"first:", VICTIM), (b"second:", EMPLOYER), (b"share:", (100).to_bytes(8, "big"))]
        pool = [(name, LENT.to_bytes(8, "big")) for name in (b"assets:", b"in_hand:", b"all_shares:")]
        pool += [(b"incomes:" + member, (10**6).to_bytes(8, "big")) for member in RING]
        contracts = [
            at_genesis("token", "token", DEPLOYER, tokens),
            at_genesis("vault", "vault", DEPLOYER),
            at_genesis("pool", "lending", DEPLOYER, pool, general=LENT),
            at_genesis("wages", "splitter", DEPLOYER, wages),
            at_genesis("exec_dos", "exec_dos", DEPLOYER, general=10**9),
            at_genesis("targeted_exec_dos", "targeted_exec_dos", DEPLOYER, general=10**9),
        ]
        genesis = genesis_of(accounts, contracts)
        self.index = MemoryIndex(genesis)
        self.chain = AdmittedChain(genesis, self.index.append)
        self.hostile: list[Included] = []
        """Transactions of the attack."""
        self.refused: Counter[Refusal] = Counter()
        """Transactions that no block took, and why."""
        self.payment = Seq(-1)

    def attack(self, included: Included) -> Included:
        """Count a transaction as a part of the attack."""
        self.hostile.append(included)
        return included

    def attempt(self, act: Callable[[], Included]) -> None:
        """A transaction of the attack, if a block takes it."""
        try:
            self.attack(act())
        except InvalidTransaction as error:
            self.refused[error.kind] += 1

    def costly(self, account: Address, units: int) -> None:
        """Turn zero-cost money into general money: a call whose gas limit is overstated by so many units."""
        self.attack(self.chain.call(account, TOKEN, "transfer", SHOP, 0, gas_limit=CALL_GAS + units))

    # The honest part

    def wage(self) -> None:
        """The employer pays the victim."""
        self.chain.call(EMPLOYER, WAGES, "forward", VICTIM, EMPLOYER, zero=WAGE)

    def begin(self) -> None:
        """Three wages, savings of everybody, some tokens."""
        for neighbour in NEIGHBOURS:
            self.chain.call(neighbour, VAULT, "deposit", 0, zero=5 * WAGE)
            self.chain.call(neighbour, TOKEN, "transfer", VICTIM, 100)
        self.chain.call(NEIGHBOURS[0], POOL, "deposit", 0, zero=WAGE)
        self.chain.call(VICTIM, VAULT, "deposit", 0, zero=SAVED)
        for _ in range(3):
            self.wage()
        self.chain.end_block()

    def go_on(self) -> None:
        """The last wage, and the savings are taken back."""
        self.wage()
        self.chain.call(VICTIM, VAULT, "withdraw", SAVED)
        self.chain.end_block()

    def pay(self) -> None:
        """The victim pays the shop."""
        self.payment = self.chain.transfer(VICTIM, SHOP, general=PAID).seq
        self.chain.end_block()


Half = Callable[[Street, int], None]
"""Puts half of an attack on the chain; the number says which."""


def street(half: Half | None, attackers: int) -> Street:
    """The whole chain, with an attack or without one."""
    made = Street(attackers)
    made.begin()
    if half:
        half(made, 0)
    made.chain.end_block()
    made.go_on()
    if half:
        half(made, 1)
    made.chain.end_block()
    made.pay()
    return made
