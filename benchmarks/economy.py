"""A chain of people, shops and employers, as long as one likes, for `benchmarks.scaling` and its kin.

Accounts are drawn by Zipf's law, the population is the same whatever the length: a longer chain means longer histories.
People earn wages (a splitter pays two of them, with its employer's zero-cost money), save in a vault, borrow from one
pool, move tokens, and pay each other and shops, from general money wherever they have it. Shops pay wages back, and
each other. Nothing is executed: a model of the contracts keeps each general balance from below (unused gas is left
out), so that payments are covered but for a few that are meant not to be.
"""

import random
from collections import Counter
from collections.abc import Callable
from itertools import accumulate
from typing import NamedTuple

from accountant.chain.genesis import Genesis, GenesisContract
from accountant.chain.validator import ValidatedBlock
from accountant.primitives.types import Address, Seq
from benchmarks.admitted import AdmittedChain, at_genesis, contract, genesis_of, user

PEOPLE, SHOPS, EMPLOYERS = 2_000, 200, 100
EXPONENT = 1.0
"""Of Zipf's law: the account of rank r is drawn with a weight of 1 / r."""
TOKEN, VAULT, POOL = contract("token"), contract("vault"), contract("pool")
DEPLOYER = user("deployer")
MONEY = 10**13
"""Z of a person or shop at genesis, in base units."""
TREASURY = 10**15
"""Z of an employer at genesis."""
LOAN = 10**9
OWED = LOAN + LOAN // 20
WAGE = 6
"""A wage is as much as so many payments."""
UNCOVERED = 0.02
"""Share of people's payments that ask for more than they have."""


class Asked(NamedTuple):
    """A balance somewhere on the chain: G of the account right before `seq` is at least `units`, by the model."""

    account: Address
    seq: Seq
    units: int


class Economy:
    """Draws one transaction after the other; the same seed gives the same chain."""

    def __init__(self, seal: Callable[[ValidatedBlock], object], seed: int = 1) -> None:
        self._draw, self._curious = random.Random(seed), random.Random(-1 - seed)
        self.people = [user(f"person/{number}") for number in range(PEOPLE)]
        self.shops = [user(f"shop/{number}") for number in range(SHOPS)]
        self._employers = [user(f"employer/{number}") for number in range(EMPLOYERS)]
        self._zipf = list(accumulate(rank**-EXPONENT for rank in range(1, PEOPLE + 1)))
        self.general: Counter[Address] = Counter()
        """G of each account, from below."""
        self._savings: Counter[Address] = Counter()
        self._debts: set[Address] = set()
        self.kinds: Counter[str] = Counter()
        """What was drawn."""
        self.payments: list[Seq] = []
        """Transfers that pay with general money."""
        self._ranks = {person: rank for rank, person in enumerate(self.people)}
        mix: dict[Callable[[], str], int] = {
            self._to_shop: 42,
            self._to_person: 8,
            self._to_supplier: 5,
            self._zero: 5,
            self._wage: 12,
            self._token: 14,
            self._save: 3,
            self._withdraw: 3,
            self._loan: 1,
        }
        self._ways, self._weights = list(mix), list(accumulate(mix.values()))
        self.chain = AdmittedChain(self._genesis(), seal)

    def _genesis(self) -> Genesis:
        everyone = [*self.people, *self.shops]
        amount = (10**12).to_bytes(8, "big")
        income = (10**6).to_bytes(8, "big")
        lent = (10**16).to_bytes(8, "big")
        pool = [(b"incomes:" + person, income) for person in self.people]
        pool += [(b"assets:", lent), (b"in_hand:", lent), (b"all_shares:", lent)]
        contracts: list[GenesisContract] = [
            at_genesis("token", "token", DEPLOYER, [(b"balances:" + owner, amount) for owner in everyone]),
            at_genesis("vault", "vault", DEPLOYER),
            at_genesis("pool", "lending", DEPLOYER, pool, general=10**16),
        ]
        for number in range(0, PEOPLE, 2):
            one, two = self.people[number], self.people[number + 1]
            shares = [(b"first:", one), (b"second:", two), (b"share:", (50).to_bytes(8, "big"))]
            contracts.append(at_genesis(f"splitter/{number}", "splitter", DEPLOYER, shares))
        accounts = [(account, MONEY) for account in everyone]
        accounts += [(employer, TREASURY) for employer in self._employers]
        return genesis_of(accounts, contracts)

    # Drawing

    def grow(self) -> None:
        """Put the next transaction on the chain."""
        (way,) = self._draw.choices(self._ways, cum_weights=self._weights)
        self.kinds[way()] += 1

    def ask(self) -> Asked:
        """A balance right before the next transaction, of an account with general money, by Zipf's law.

        As much is asked for as a payment would take: that is what merchants want to know. Nothing of the chain
        depends on what is asked.
        """
        draw = self._curious
        while True:
            account = self._one_of(self.people if draw.random() < 0.7 else self.shops, draw)
            if self.general[account]:
                break
        return Asked(account, self.chain.next_seq, min(self.general[account], self._units(draw)))

    def _one_of(self, accounts: list[Address], draw: random.Random) -> Address:
        """By Zipf's law."""
        return draw.choices(accounts, cum_weights=self._zipf[: len(accounts)])[0]

    def _person(self) -> Address:
        return self._one_of(self.people, self._draw)

    def _shop(self) -> Address:
        return self._one_of(self.shops, self._draw)

    def _payer(self, draw: Callable[[], Address]) -> Address:
        """One of three who owns general money, if any of them does."""
        return next((one for one in (draw(), draw()) if self.general[one]), None) or draw()

    def _units(self, draw: random.Random | None = None) -> int:
        """What a payment takes, in base units."""
        return int((draw or self._draw).lognormvariate(19.5, 0.8))

    # One transaction each; the name of what it became

    def _pay(self, sender: Address, to: Address, kind: str) -> str:
        """With general money if there is some, else with zero-cost money."""
        owned, units = self.general[sender], self._units()
        uncovered = kind == "shop" and self._draw.random() < UNCOVERED
        if uncovered:
            units = 4 * owned + 10**10
        elif owned:
            units = min(units, owned)
        else:
            self.chain.transfer(sender, to, zero=units)
            return f"{kind}, zero-cost"
        self.payments.append(self.chain.transfer(sender, to, general=units).seq)
        if not uncovered:
            self.general[sender] -= units
            self.general[to] += units
        return f"{kind}, not covered" if uncovered else f"{kind}, general"

    def _to_shop(self) -> str:
        return self._pay(self._payer(self._person), self._shop(), "shop")

    def _to_person(self) -> str:
        return self._pay(self._payer(self._person), self._person(), "person")

    def _to_supplier(self) -> str:
        to = self._shop() if self._draw.random() < 0.5 else self._person()
        return self._pay(self._payer(self._shop), to, "supplier")

    def _zero(self) -> str:
        self.chain.transfer(self._person(), self._shop(), zero=self._units())
        return "zero-cost transfer"

    def _wage(self) -> str:
        number = self._ranks[self._person()] & ~1
        one, two = self.people[number], self.people[number + 1]
        units = 2 * WAGE * self._units()
        employer = self._draw.choice(self._employers)
        self.chain.call(employer, contract(f"splitter/{number}"), "forward", one, two, zero=units)
        part = units // 100 * 50 + units % 100 * 50 // 100
        self.general[one] += part
        self.general[two] += units - part
        return "splitter.forward"

    def _token(self) -> str:
        to = self._shop() if self._draw.random() < 0.5 else self._person()
        self.chain.call(self._person(), TOKEN, "transfer", to, self._draw.randrange(1, 1_000))
        return "token.transfer"

    def _save(self) -> str:
        saver, units = self._person(), self._units()
        self.chain.call(saver, VAULT, "deposit", 0, zero=units)
        self._savings[saver] += units
        return "vault.deposit"

    def _withdraw(self) -> str:
        saver = self._person()
        saved = self._savings[saver]
        if not saved:
            return self._save()
        units = max(1, int(saved * self._draw.uniform(0.3, 1)))
        self.chain.call(saver, VAULT, "withdraw", units)
        self._savings[saver] -= units
        self.general[saver] += units
        return "vault.withdraw"

    def _loan(self) -> str:
        borrower = self._person()
        if borrower not in self._debts:
            self.chain.call(borrower, POOL, "borrow", LOAN)
            self._debts.add(borrower)
            self.general[borrower] += LOAN
            return "lending.borrow"
        general = min(self.general[borrower], OWED)
        self.chain.call(borrower, POOL, "repay", general=general, zero=OWED - general)
        self._debts.remove(borrower)
        self.general[borrower] -= general
        return "lending.repay"
