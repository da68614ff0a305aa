"""The validator's state: for each user nonce, zero-cost balance and running total of general values.

That is all (DESIGN section 2); the envelopes of deployed contracts and the sizes of published blobs are chain data
kept at hand. It does not grow with what contracts compute, and nobody executes anything to keep it.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from accountant.chain.admission import Deployed, deployed
from accountant.chain.envelope import Envelope
from accountant.chain.envelope_rules import check_envelope
from accountant.chain.errors import InvalidGenesis, InvalidTransaction
from accountant.chain.footprint import SLOT_BYTES_MAX
from accountant.chain.genesis import MEMORY_PAGES_MOST, Genesis
from accountant.chain.moment import MOMENT_SHIFT
from accountant.primitives.types import (
    ADDRESS_BYTES,
    AMOUNT_MAX,
    HASH_BYTES,
    Address,
    Cid,
    ContractId,
    Hash,
    Height,
    Seq,
)


class Account(NamedTuple):
    """What a validator keeps of a user."""

    nonce: int = 0
    """The nonce that the next transaction must carry: how many it has signed so far."""
    zero: int = 0
    """Z: the zero-cost balance, in base units."""
    expenses: int = 0
    """Sum of the general values of all its transactions; it may pass 2^63."""


NOBODY = Account()
"""A user that the chain never met."""


class ChainHead(NamedTuple):
    """The end of the chain; genesis is height 0."""

    height: Height
    hash: Hash
    time: int
    next_seq: Seq


class ChainState:
    """State at the end of a chain. It changes by whole blocks only (`apply`)."""

    def __init__(
        self,
        genesis: Genesis,
        head: ChainHead,
        accounts: dict[Address, Account],
        contracts: dict[ContractId, Deployed],
        blobs: dict[Cid, int],
    ) -> None:
        self.genesis = genesis
        self.head = head
        self._accounts = accounts
        self._contracts = contracts
        self._blobs = blobs
        self._supply = genesis_supply(genesis)

    @classmethod
    def at_genesis(cls, genesis: Genesis) -> "ChainState":
        """The state of a chain with no block. Raises `InvalidGenesis`."""
        check_genesis(genesis)
        accounts = {Address(a.address): Account(zero=a.zero_balance) for a in genesis.accounts}
        contracts = {ContractId(c.contract): deployed(Address(c.deployer), c.envelope) for c in genesis.contracts}
        return cls(genesis, ChainHead(Height(0), genesis.hash, genesis.time, Seq(0)), accounts, contracts, {})

    @classmethod
    def restored(
        cls,
        genesis: Genesis,
        head: ChainHead,
        accounts: Iterable[tuple[Address, Account]],
        contracts: Iterable[tuple[ContractId, Address, Envelope]],
        blobs: Iterable[tuple[Cid, int]],
    ) -> "ChainState":
        """The state that was stored: all accounts, contracts (id, deployer, envelope), genesis' included, and blobs."""
        directory = {c: deployed(deployer, envelope) for c, deployer, envelope in contracts}
        return cls(genesis, head, dict(accounts), directory, dict(blobs))

    def account(self, address: Address) -> Account:
        """What the chain knows of a user."""
        return self._accounts.get(address, NOBODY)

    def contract(self, contract: ContractId) -> Deployed | None:
        """A contract of genesis or of a deployment (`admission.Directory`)."""
        return self._contracts.get(contract)

    def blob(self, cid: Cid) -> int | None:
        """The size in bytes of a published blob (`admission.Directory`)."""
        return self._blobs.get(cid)

    def accounts(self) -> Mapping[Address, Account]:
        """All users that the chain has met."""
        return self._accounts

    def contracts(self) -> Mapping[ContractId, Deployed]:
        """All contracts."""
        return self._contracts

    def blobs(self) -> Mapping[Cid, int]:
        """All published blobs: their sizes in bytes."""
        return self._blobs

    def proposer_of(self, height: int) -> Address:
        """Whose turn it is: proposers[(height − 1) mod n]."""
        proposers = self.genesis.proposers
        return Address(proposers[(height - 1) % len(proposers)])

    def reward_at(self, height: int) -> int:
        """The block reward, or 0 from the block on that would bring all minting to 2^63."""
        reward = self.genesis.block_reward
        return reward if self._supply + reward * height <= AMOUNT_MAX else 0

    def apply(
        self,
        head: ChainHead,
        accounts: Mapping[Address, Account],
        contracts: Mapping[ContractId, Deployed],
        blobs: Mapping[Cid, int],
    ) -> None:
        """Go on to the end of the next block, as validated: its head, changed accounts, new contracts and blobs."""
        assert head.height == self.head.height + 1 and head.next_seq >= self.head.next_seq
        self._accounts.update(accounts)
        self._contracts.update(contracts)
        self._blobs.update(blobs)
        self.head = head


def genesis_supply(genesis: Genesis) -> int:
    """Everything that genesis allocates, zero-cost and general, in base units."""
    return sum(a.zero_balance for a in genesis.accounts) + sum(c.general_balance for c in genesis.contracts)


def check_genesis(genesis: Genesis) -> None:
    """Raises `InvalidGenesis` where no chain can start from it."""

    def demand(holds: bool, detail: str) -> None:
        if not holds:
            raise InvalidGenesis(detail)

    users = [a.address for a in genesis.accounts]
    contracts = [c.contract for c in genesis.contracts]
    demand(len(genesis.proposers) > 0, "a chain has at least one proposer")
    demand(all(len(p) == ADDRESS_BYTES for p in genesis.proposers), "a proposer is a user of 20 bytes")
    demand(all(len(user) == ADDRESS_BYTES for user in users), "an allocation goes to a user of 20 bytes")
    demand(len(set(users)) == len(users), "one allocation for each user")
    demand(all(len(contract) == HASH_BYTES for contract in contracts), "a contract has 32 bytes")
    demand(len(set(contracts)) == len(contracts), "each contract once")
    amounts = [a.zero_balance for a in genesis.accounts] + [c.general_balance for c in genesis.contracts]
    demand(all(v >= 0 for v in amounts) and genesis_supply(genesis) <= AMOUNT_MAX, "all minting is below 2^63")
    demand(0 <= genesis.block_reward <= AMOUNT_MAX, "the block reward is an amount")
    demand(0 <= genesis.chain_id < 2**63 and 0 <= genesis.time < 2**63, "chain id and time are below 2^63")
    most = genesis.limits.block_transactions_most
    demand(0 < most < 2**MOMENT_SHIFT - 1, "a block has fewer transactions than moments")
    pages = genesis.limits.memory_pages_most
    demand(pages <= MEMORY_PAGES_MOST, f"a memory has at most {MEMORY_PAGES_MOST} pages, which are reserved whole")
    for schedule in (genesis.fees, genesis.gas, genesis.limits):
        numbers = [getattr(schedule, name) for name in schedule.__struct_fields__ if name != "tensors"]
        demand(all(0 <= number < 2**63 for number in numbers), "every price and limit is between 0 and 2^63 − 1")
    for rates in genesis.gas.tensors.all_rates():
        demand(all(0 <= rate < 2**63 for rate in rates), "every rate of an operation is between 0 and 2^63 − 1")
    kinds = [one.kind for one in genesis.gas.tensors.prices]
    demand(kinds == sorted(set(kinds)), "prices of operations are sorted by kind, each once")
    demand(genesis.fees.base > 0, "a transaction costs something (Algorithm 1)")
    for contract in genesis.contracts:
        demand(len(contract.deployer) == ADDRESS_BYTES, "a deployer is a user of 20 bytes")
        slots = [slot for slot, _ in contract.slots]
        demand(all(len(slot) <= SLOT_BYTES_MAX for slot in slots), f"a slot has at most {SLOT_BYTES_MAX} bytes")
        demand(len(set(slots)) == len(slots), "each slot once")
        longest = max((len(value) for _, value in contract.slots), default=0)
        demand(longest <= genesis.limits.value_bytes_most, "a slot's value is no longer than a value may be")
        try:
            check_envelope(contract.envelope, genesis.limits)
        except InvalidTransaction as error:
            raise InvalidGenesis(f"contract 0x{contract.contract.hex()}: {error.detail}") from None
