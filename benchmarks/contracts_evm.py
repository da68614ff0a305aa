"""py-evm executing the transfers of an ERC-20, for `benchmarks.contracts`. Needs the extra `evm`."""

from collections.abc import Callable
from pathlib import Path

from eth.abc import VirtualMachineAPI
from eth.chains.base import MiningChain
from eth.consensus.noproof import NoProofConsensus
from eth.db.atomic import AtomicDB
from eth.vm.forks.cancun import CancunVM
from eth.vm.spoof import SpoofTransaction

from accountant.primitives.hashes import keccak256
from benchmarks.contracts_chain import BALANCE, UNITS, Transfers

TOKEN = b"\x11" * 20
GAS = 100_000
PRICE = 10**10
CODE = bytes.fromhex((Path(__file__).parent / "evm/Token.hex").read_text())
_TRANSFER = keccak256(b"transfer(address,uint256)")[:4]


class _Chain(MiningChain):  # type: ignore[misc]
    vm_configuration = ((0, CancunVM.configure(consensus_class=NoProofConsensus)),)


class ERC20:
    """A state in which senders own tokens, and transfers of theirs; none is ever written to a database."""

    def __init__(self, transfers: Transfers) -> None:
        """Each sender sends once."""
        senders = [sender for sender, _ in transfers]
        slots = {_balance_slot(sender): BALANCE for sender in senders}
        state: dict[bytes, dict[str, object]] = {
            sender: {"balance": 10**20, "nonce": 0, "code": b"", "storage": {}} for sender in senders
        }
        state[TOKEN] = {"balance": 0, "nonce": 1, "code": CODE, "storage": slots}
        parameters = {"difficulty": 0, "gas_limit": 10**9, "timestamp": 1}
        self._chain = _Chain.from_genesis(AtomicDB(), parameters, state)
        self._calls = [(sender, _call(recipient)) for sender, recipient in transfers]

    def computations(self) -> Callable[[], int]:
        """The code alone: no nonce, no purchase of gas, no signature."""
        vm = self._vm()

        def run_all() -> int:
            for sender, data in self._calls:
                done = vm.execute_bytecode(
                    origin=sender,
                    gas_price=PRICE,
                    gas=GAS,
                    to=TOKEN,
                    sender=sender,
                    value=0,
                    data=data,
                    code=CODE,
                )
                assert done.is_success and done.output[-1] == 1
            return len(self._calls)

        return run_all

    def transactions(self) -> Callable[[], int]:
        """Whole transactions, of which nobody asks for a signature."""
        vm = self._vm()
        fields = {"nonce": 0, "gas_price": PRICE, "gas": GAS, "to": TOKEN, "value": 0}
        unsigned = [
            SpoofTransaction(vm.create_unsigned_transaction(**fields, data=data), from_=sender)
            for sender, data in self._calls
        ]

        def run_all() -> int:
            for transaction in unsigned:
                done = vm.state.apply_transaction(transaction)
                assert done.is_success and done.output[-1] == 1
            return len(unsigned)

        return run_all

    def _vm(self) -> VirtualMachineAPI:
        return self._chain.get_vm()


def _balance_slot(account: bytes) -> int:
    """Where Solidity keeps an item of a mapping in slot 0."""
    return int.from_bytes(keccak256(account.rjust(32, b"\0") + bytes(32)), "big")


def _call(recipient: bytes) -> bytes:
    return _TRANSFER + recipient.rjust(32, b"\0") + UNITS.to_bytes(32, "big")
