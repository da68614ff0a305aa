"""The state that genesis sets, by look-up: contract code, slots and general balances."""

from accountant.chain.genesis import Genesis
from accountant.contracts.world import ContractCode
from accountant.primitives.types import AccountId, Address, ContractId


class GenesisState:
    """Look-ups into genesis. Users begin with zero-cost money alone."""

    def __init__(self, genesis: Genesis) -> None:
        self._contracts = {
            contract.contract: ContractCode(contract.code, contract.envelope, Address(contract.deployer))
            for contract in genesis.contracts
        }
        self._general = {contract.contract: contract.general_balance for contract in genesis.contracts}
        self._slots = {
            (contract.contract, slot): value for contract in genesis.contracts for slot, value in contract.slots
        }

    def code(self, contract: ContractId) -> ContractCode | None:
        """The code of a contract that is there from the beginning."""
        return self._contracts.get(contract)

    def general(self, account: AccountId) -> int:
        """G₀ of an account."""
        return self._general.get(account, 0)

    def slot(self, contract: ContractId, slot: bytes) -> bytes:
        """A slot's first value, empty bytes where genesis sets none."""
        return self._slots.get((contract, slot), b"")


_latest: tuple[Genesis, GenesisState] | None = None


def genesis_state(genesis: Genesis) -> GenesisState:
    """The look-ups of a genesis. Those of the latest one are kept: each piece of work of a process asks for them."""
    global _latest
    kept = _latest
    if kept is None or kept[0] is not genesis:
        kept = _latest = genesis, GenesisState(genesis)
    return kept[1]
