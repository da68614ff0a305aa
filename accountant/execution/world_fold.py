"""The world state from outcomes, folded in chain order: what eager execution holds at the end, without its history."""

from collections.abc import Iterator

from accountant.chain.transaction import TransactionKind, deployed_contract
from accountant.execution.genesis_state import genesis_state
from accountant.execution.outcome import Outcome
from accountant.execution.transition import code_deployed_by
from accountant.execution.world_state import ContractLeaf, Leaf, SlotLeaf, UserLeaf, contract_leaf, exists
from accountant.index.port import ChainIndex, Located, moment_before
from accountant.primitives.addresses import account_of
from accountant.primitives.types import ADDRESS_BYTES, AccountId, Address, ContractId, Height

_ACCOUNT_BYTES = 200
"""What an account takes in memory, about."""


class WorldFold:
    """The state after some transactions. In memory it takes what the state takes, not what the chain does."""

    def __init__(self, index: ChainIndex) -> None:
        genesis = index.genesis
        self._index = index
        self._general: dict[AccountId, int] = {}
        self._slots: dict[tuple[bytes, bytes], bytes] = {}
        self._contracts: dict[ContractId, ContractLeaf] = {}
        self._nonces: dict[Address, int] = dict.fromkeys(
            (Address(raw) for raw in (*genesis.proposers, *(a.address for a in genesis.accounts))), 0
        )
        self._slot_bytes = 0
        state = genesis_state(genesis)
        for contract in genesis.contracts:
            name = ContractId(contract.contract)
            self._general[name] = contract.general_balance
            self._contracts[name] = contract_leaf(name, state.code(name), 0)
            for slot, value in contract.slots:
                self._write(contract.contract, slot, value)

    @property
    def bytes_held(self) -> int:
        """What the state takes in memory, about."""
        accounts = len(self._general) + len(self._nonces) + len(self._contracts)
        return self._slot_bytes + accounts * _ACCOUNT_BYTES

    def apply(self, located: Located, outcome: Outcome) -> None:
        """The next transaction and what it did."""
        transaction = located.transaction
        self._nonces[located.sender] = transaction.nonce + 1
        if transaction.kind == TransactionKind.TRANSFER and len(transaction.to) == ADDRESS_BYTES:
            self._nonces.setdefault(Address(transaction.to), 0)
        if outcome.funded and transaction.general_value:
            self._move(located.sender, -transaction.general_value)
        for credit in outcome.credits:
            self._move(account_of(credit.account), credit.units)
        for debit in outcome.debits:
            self._move(account_of(debit.account), -debit.units)
        for write in outcome.writes:
            self._write(write.contract, write.slot, write.value)
        if transaction.kind == TransactionKind.DEPLOY and outcome.succeeded:
            contract = deployed_contract(located.sender, transaction)
            self._contracts[contract] = contract_leaf(contract, code_deployed_by(located), 0)

    def _move(self, account: AccountId, units: int) -> None:
        """Amounts of one transaction come one by one, so a balance may be negative between them."""
        self._general[account] = self._general.get(account, 0) + units

    def _write(self, contract: bytes, slot: bytes, value: bytes) -> None:
        key = (contract, slot)
        old = self._slots.pop(key, None)
        if old is not None:
            self._slot_bytes -= len(old) + len(slot) + _ACCOUNT_BYTES
        if value:
            self._slots[key] = value
            self._slot_bytes += len(value) + len(slot) + _ACCOUNT_BYTES

    def leaves(self, height: Height) -> Iterator[Leaf]:
        """The state's leaves in order, at the end of the block whose last transaction was applied last."""
        moment = moment_before(height + 1, 0)
        users = self._nonces.keys() | {a for a in self._general if len(a) == ADDRESS_BYTES}
        for user in sorted(users):
            address = Address(user)
            zero = self._index.zero_balance(address, moment)
            leaf = UserLeaf(address, zero, self._general.get(address, 0), self._nonces.get(address, 0))
            if exists(leaf):
                yield leaf
        contracts = self._contracts.keys() | {a for a in self._general if len(a) != ADDRESS_BYTES}
        for name in sorted(contracts):
            contract = ContractId(name)
            bare = self._contracts.get(contract, contract_leaf(contract, None, 0))
            general = self._general.get(contract, 0)
            there = ContractLeaf(bare.contract, bare.deployer, bare.code_hash, bare.envelope_hash, general)
            if exists(there):
                yield there
        for (raw, slot), value in sorted(self._slots.items()):
            yield SlotLeaf(raw, slot, value)
