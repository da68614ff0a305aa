"""A tree of payments that share ancestors, for `benchmarks.cache`: what each rests on follows from its making.

Each account gets one income of general money, saves it in the vault, takes it back, and pays two others half of it.
Nothing else would cover what it pays, so there is one slice for each payment, whoever asks first. The vault owns
enough from genesis on, so no payout of it rests on anybody's deposit but the saver's own.
"""

from collections import deque
from typing import NamedTuple

from accountant.chain.genesis import Genesis
from accountant.chain.validator import ValidatedBlock
from accountant.primitives.types import Hash, Seq
from benchmarks.admitted import AdmittedChain, Included, at_genesis, contract, genesis_of, user

VAULT, SHOP = contract("vault"), user("shop")
MONEY = 2**41
"""Z of each account at genesis, in base units: it pays the fees."""
FIRST = 2**40
"""Base units that the root saves; halves of it are far more than all unused gas."""
VAULT_OWNS = 2**50


class Tree(NamedTuple):
    """The chain, and what its transactions rest on."""

    genesis: Genesis
    blocks: list[ValidatedBlock]
    payments: list[Included]
    """One of each client, asked for."""
    rests_on: dict[Seq, Seq]
    """Each transaction but the first rests on one other."""

    def slice_of(self, payment: Seq) -> set[Seq]:
        """The payment and all that it rests on."""
        found = {payment}
        while (payment := self.rests_on.get(payment, Seq(-1))) >= 0:
            found.add(payment)
        return found

    def union(self) -> set[Seq]:
        """All that the payments rest on, and they themselves."""
        return set().union(*(self.slice_of(payment.seq) for payment in self.payments))

    def hashes(self) -> list[Hash]:
        """What the clients ask for."""
        return [payment.made.hash for payment in self.payments]


def tree_of(clients: int) -> Tree:
    """A tree with a payment for each client at its leaves."""
    blocks: list[ValidatedBlock] = []
    accounts = [user(f"client/{number}") for number in range(2 * clients - 1)]
    vault = at_genesis("vault", "vault", user("deployer"), general=VAULT_OWNS)
    genesis = genesis_of([(account, MONEY) for account in accounts], [vault])
    chain, rests_on = AdmittedChain(genesis, blocks.append), {}
    first = chain.call(accounts[0], VAULT, "deposit", 0, zero=FIRST)
    waiting = deque([(accounts[0], first, FIRST)])
    fresh = iter(accounts[1:])
    while len(waiting) < clients:
        account, deposit, units = waiting.popleft()
        taken = chain.call(account, VAULT, "withdraw", units)
        rests_on[taken.seq] = deposit.seq
        for other in (next(fresh), next(fresh)):
            income = chain.transfer(account, other, general=units // 2)
            saved = chain.call(other, VAULT, "deposit", 0, general=units // 2)
            rests_on[income.seq], rests_on[saved.seq] = taken.seq, income.seq
            waiting.append((other, saved, units // 2))
    payments = []
    for account, deposit, units in waiting:
        taken = chain.call(account, VAULT, "withdraw", units)
        payments.append(chain.transfer(account, SHOP, general=units // 2))
        rests_on[taken.seq], rests_on[payments[-1].seq] = deposit.seq, taken.seq
    chain.end_block()
    return Tree(genesis, blocks, payments, rests_on)
