"""Taking money out of a purse: signed like everything of the accountant's key, and handed in by the publisher.

What no oath needs may go: the deposit's bound, raised by what is known, less what is on its way. Taking more is the
operator's to force. No oath escapes by it, since a slash happens at the oath's own position and nonces keep the order;
but the call fails where the purse holds less, and until it is executed the bound counts all of it as gone.
"""

from contextlib import suppress
from typing import NamedTuple

import sqlalchemy as sa
import structlog

from accountant.chain.transaction import transaction_hash
from accountant.execution.port import OutcomeStore
from accountant.index.port import ChainIndex
from accountant.oath.counts import coverage
from accountant.oath.signing import Purpose
from accountant.oath.swear import Stamp, withdraw_transaction, zero_cost_of
from accountant.primitives.addresses import show
from accountant.primitives.errors import AccountantError
from accountant.primitives.types import Address, Amount, ContractId, Hash
from accountant.services.publish import OutOfFunds, PublisherNode
from accountant.services.signing import Signer
from accountant.services.submit import NodeDown, Refused
from accountant.storage.oaths import NewSigned, Oaths, PurseRow

_log = structlog.get_logger(__name__)


class UnknownPurse(AccountantError):
    """A contract that this accountant's key did not deploy as a purse."""

    code = "unknown_purse"


class AtStake(AccountantError):
    """Money that oaths may still need, or that may not be there."""

    code = "deposit_at_stake"


class PurseState(NamedTuple):
    """What a purse surely holds, in base units."""

    static: int
    """By the chain's bytes alone: every penalty counts as lost."""
    known: int
    """With what was executed before: a true oath gives its penalty back."""
    on_the_way: int
    """Penalties and withdrawals that are signed and in no block yet."""

    @property
    def free(self) -> int:
        """What may be taken out."""
        return max(0, self.known - self.on_the_way)


class DepositWithdrawal(NamedTuple):
    """A withdrawal that was signed. `refusal`: why the node does not have it yet; the publisher hands it in again."""

    before: PurseState
    units: Amount
    transaction: Hash
    nonce: int
    refusal: str | None


class Withdrawer:
    """Takes money out of purses of one signer."""

    def __init__(
        self, engine: sa.Engine, index: ChainIndex, node: PublisherNode, signer: Signer, outcomes: OutcomeStore
    ) -> None:
        self._engine, self._index, self._node, self._signer, self._outcomes = engine, index, node, signer, outcomes

    def state(self, contract: ContractId) -> PurseState:
        """What a purse surely holds. Raises `UnknownPurse`, `SignerDown`."""
        address = self._signer.address()
        with self._engine.begin() as connection:
            oaths = Oaths(connection)
            self._purse(oaths, address, contract)
            return self._state(oaths, address, contract)

    def withdraw(self, contract: ContractId, units: Amount | None = None, force: bool = False) -> DepositWithdrawal:
        """Has a withdrawal signed and hands it in; without `units` of all that is free.

        Raises `UnknownPurse`, `AtStake`, `OutOfFunds`, `SignerDown`, `NotSigned`, `NodeDown`; then nothing is signed.
        """
        address = self._signer.address()
        account = self._node.account(address)
        genesis = self._index.genesis
        with self._engine.begin() as connection:
            oaths = Oaths(connection)
            oaths.lock(address)
            purse = self._purse(oaths, address, contract)
            before = self._state(oaths, address, contract)
            taken = Amount(before.free) if units is None else units
            if taken <= 0 or (taken > before.free and not force):
                raise AtStake(
                    f"{show(contract)} surely holds {before.known}, of which {before.on_the_way} are promised to what "
                    f"is on its way: {before.free} may be taken out, not {taken}"
                )
            nonce = oaths.next_nonce(address, account.pending_nonce)
            stamp = Stamp(genesis.chain_id, nonce, gas_price=genesis.fees.gas_price_least)
            unsigned = withdraw_transaction(stamp, contract, address, taken)
            cost = zero_cost_of(unsigned, genesis.fees)
            left = oaths.left(address, account.zero_balance)
            if cost > left:
                raise OutOfFunds(
                    f"{show(address)} has {max(left, 0)} zero-cost units left, the withdrawal takes {cost}"
                )
            raw = self._signer.sign(unsigned, purse.nonce)
            name = transaction_hash(raw)
            number = oaths.add(NewSigned(address, nonce, Purpose.WITHDRAW, contract, taken, cost, name, raw))
        _log.info("publisher_withdrawal", purse=show(contract), units=taken, transaction=name.hex(), nonce=nonce)
        return DepositWithdrawal(before, taken, name, nonce, self._submit(number, raw))

    def _submit(self, number: int, raw: bytes) -> str | None:
        """Hands it in at once; why that did not work. A publisher does the same in its next round."""
        refusal: str | None = None
        with suppress(NodeDown):
            try:
                self._node.submit(raw)
            except Refused as error:
                refusal = f"{error.reason}: {error.detail}"
            with self._engine.begin() as connection:
                Oaths(connection).submitted(number, refusal)
            return refusal
        return "the node does not answer"

    def _purse(self, oaths: Oaths, address: Address, contract: ContractId) -> PurseRow:
        for purse in oaths.purses(address):
            if purse.contract == contract:
                return purse
        raise UnknownPurse(f"{show(address)} deployed no purse {show(contract)}")

    def _state(self, oaths: Oaths, address: Address, contract: ContractId) -> PurseState:
        on_the_way = sum(
            row.units
            for row in oaths.open(address)
            if row.purse == contract and row.purpose in (Purpose.OATH, Purpose.WITHDRAW)
        )
        static, known = (coverage(self._index, contract, outcomes) for outcomes in (None, self._outcomes))
        return PurseState(static, known, on_the_way)
