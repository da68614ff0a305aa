"""Chains with bounties on them, put together without admission: every bad bounty can be placed."""

from collections.abc import Sequence

from accountant.chain.query import AccountingQuery, TransactionSucceeded
from accountant.chain.transaction import Transaction
from accountant.execution.eager import execute_everything
from accountant.execution.outcome import Outcome
from accountant.oath.bounty import Bounty, BountyTerms, Claim, bounty_of, commitment_of
from accountant.oath.bounty_calls import (
    collect_transaction,
    commit_transaction,
    open_transaction,
    reveal_transaction,
)
from accountant.oath.bounty_flaws import BountyFlawKind, flaws_of_bounty
from accountant.primitives.addresses import contract_id_of
from accountant.primitives.encoding import encode
from accountant.primitives.hashes import sha256
from accountant.primitives.types import Address, Amount, ContractId, Seq
from tests.support.oath_chain import CLIENT, OWNER, RICH, TOKEN, OathChain, altered

REWARD, BOND = 2 * TOKEN, 3 * TOKEN
BLOCKS = 4
SALT = sha256(b"salt")


class BountyChain(OathChain):
    """A growing chain on which `CLIENT` opens bounties, and `OWNER` and `RICH` claim them."""

    def payment(self) -> AccountingQuery:
        """Did a transfer settle that did? It is in a block."""
        return TransactionSucceeded(self.index.transaction(self.transfer(RICH, OWNER, 1)).hash)

    def opening(self, query: bytes, reward: int = REWARD, bond: int = BOND, blocks: int = BLOCKS) -> Transaction:
        """The client's next transaction, which opens a bounty."""
        terms = BountyTerms(query, Amount(bond), blocks, blocks)
        return open_transaction(self.stamp(CLIENT), CLIENT, terms, Amount(reward), self.index.genesis.gas)

    def place(self, opening: Transaction, **changes: object) -> ContractId:
        """The bounty of an opening, with some fields changed, in a block of its own."""
        self.add(altered(opening, **changes), CLIENT)
        return contract_id_of(CLIENT, opening.nonce)

    def open(self, query: AccountingQuery) -> ContractId:
        """A bounty without a flaw."""
        return self.place(self.opening(encode(query)))

    def bounty(self, contract: ContractId) -> Bounty:
        """The bounty, read from its bytes."""
        return bounty_of(self.index, contract)

    def kinds(self, contract: ContractId) -> set[BountyFlawKind]:
        """The kinds of its flaws."""
        return {flaw.kind for flaw in flaws_of_bounty(self.index, self.bounty(contract))}

    def commit(self, contract: ContractId, claim: Claim, by: Address = OWNER, **changes: object) -> Seq:
        """A commitment in a block of its own."""
        commitment = commitment_of(contract, by, claim)
        made = commit_transaction(self.stamp(by), contract, by, Amount(self.bounty(contract).terms.bond), commitment)
        return self.add(altered(made, **changes), by)

    def reveal(self, contract: ContractId, claim: Claim, by: Address = OWNER) -> Seq:
        """A revelation in a block of its own."""
        return self.add(reveal_transaction(self.stamp(by), contract, by, claim), by)

    def collect(self, contract: ContractId, units: int, by: Address = OWNER) -> Seq:
        """A collecting in a block of its own."""
        return self.add(collect_transaction(self.stamp(by), contract, by, Amount(units)), by)

    def until(self, height: int) -> None:
        """Blocks pass, so that the next one is above a height."""
        while self.index.head().height < height:
            self.transfer(RICH, OWNER, 1)

    def outcomes(self) -> Sequence[Outcome]:
        """What each transaction did, by the eager reference."""
        return execute_everything(self.index).outcomes


def claim_of(query: AccountingQuery, answer: object) -> Claim:
    """A claim with the tests' salt."""
    return Claim(encode(query), encode(answer), SALT)
