"""Including transactions in a block, one after the other, on top of a state that stays as it is.

Validator and proposer share this: what a proposer includes is what a validator takes. Zero-cost money moves
here, in order (paper, section II-D; Lemma 2): fee and zero_value leave the sender's Z at inclusion, a transfer
to a user without general_value is in the recipient's Z at once, tips and the reward land at the block's end.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from accountant.chain.admission import Deployed, ModuleCheck, Payload, check_admission, check_form, check_sums
from accountant.chain.errors import InvalidTransaction, Refusal
from accountant.chain.fees import fee_of
from accountant.chain.genesis import Genesis
from accountant.chain.moment import Moment, moment_after_block, moment_of
from accountant.chain.rows import Row, rows_of
from accountant.chain.state import Account, ChainState
from accountant.chain.transaction import (
    PublishPayload,
    Transaction,
    TransactionKind,
    decode_transaction,
    signing_hash,
    transaction_hash,
)
from accountant.primitives.errors import InvalidEncoding, InvalidSignature
from accountant.primitives.keys import recover_each
from accountant.primitives.types import ADDRESS_BYTES, AMOUNT_MAX, Address, Cid, ContractId, Hash, Seq

_TRANSFER = TransactionKind.TRANSFER


class ValidatedTransaction(NamedTuple):
    """A transaction that a block includes, and what its bytes alone say of it."""

    raw: bytes
    hash: Hash
    sender: Address
    transaction: Transaction
    rows: list[Row]
    fee: int
    """What left the sender's Z besides zero_value, in base units; all of it burnt but the tip."""


class CheckedBytes(NamedTuple):
    """A transaction of good form; nothing is known of its signer yet."""

    raw: bytes
    transaction: Transaction
    payload: Payload
    fee: int


def check_bytes(raw: bytes, genesis: Genesis) -> CheckedBytes:
    """Everything that needs neither signature nor state. Raises `InvalidTransaction`."""
    try:
        transaction = decode_transaction(raw)
    except InvalidEncoding as error:
        raise InvalidTransaction(Refusal.ENCODING, error.detail) from None
    payload = check_form(transaction, genesis)
    fee = fee_of(transaction, len(raw), genesis.fees)
    if transaction.footprint or fee > AMOUNT_MAX:
        check_sums(transaction, fee)
    return CheckedBytes(raw, transaction, payload, fee)


def signers(checked: Iterable[CheckedBytes]) -> Iterator[Address]:
    """Who signed each: the one dear step of validation. Raises `InvalidTransaction` at a bad signature."""
    try:
        yield from recover_each([(signing_hash(one.raw), one.transaction.signature) for one in checked])
    except InvalidSignature as error:
        raise InvalidTransaction(Refusal.SIGNATURE, error.detail) from None


def signer(checked: CheckedBytes) -> Address:
    """Who signed one. Raises `InvalidTransaction`."""
    return next(signers((checked,)))


class Inclusion:
    """One block in the making: changes over `state`, which is never touched."""

    def __init__(self, state: ChainState, check_module: ModuleCheck) -> None:
        self._state = state
        self._genesis = state.genesis
        self._check_module = check_module
        self.height = state.head.height + 1
        self._first_moment = moment_of(self.height, 0)
        self.transactions: list[ValidatedTransaction] = []
        self.accounts: dict[Address, Account] = {}
        """Users changed so far, as they are now."""
        self.contracts: dict[ContractId, Deployed] = {}
        """Contracts deployed so far."""
        self.blobs: dict[Cid, int] = {}
        """Blobs published so far: their sizes in bytes."""
        self.zero_changes: list[tuple[Address, Moment, int]] = []
        """(user, moment, Z from then on): ascending for each user, one for each user and moment."""
        self.expense_totals: list[tuple[Address, Seq, int]] = []
        """(user, transaction, sum of the user's general values up to and including it)."""
        self.burnt = 0
        self.tips = 0

    def account(self, address: Address) -> Account:
        """A user as the transactions included so far leave it."""
        return self.accounts.get(address) or self._state.account(address)

    def contract(self, contract: ContractId) -> Deployed | None:
        """A contract of the state or of a deployment included so far (`admission.Directory`)."""
        return self.contracts.get(contract) or self._state.contract(contract)

    def blob(self, cid: Cid) -> int | None:
        """The size of a blob that the state or a transaction included so far published (`admission.Directory`)."""
        return self.blobs.get(cid) or self._state.blob(cid)

    def include(self, raw: bytes) -> ValidatedTransaction:
        """Put a transaction next. Raises `InvalidTransaction`, and then nothing has changed.

        Cheap checks come first: whoever cannot pay costs a decoding and a signature check (Algorithm 1).
        """
        checked = check_bytes(raw, self._genesis)
        return self.settle(checked, signer(checked))

    def settle(self, checked: CheckedBytes, sender: Address) -> ValidatedTransaction:
        """The part of `include` that needs what is already included. Raises as `include`."""
        raw, transaction, payload, fee = checked
        genesis = self._genesis
        nonce, zero, expenses = self.accounts.get(sender) or self._state.account(sender)
        if transaction.nonce != nonce:
            raise InvalidTransaction(Refusal.NONCE, f"the sender's next nonce is {nonce}, not {transaction.nonce}")
        left = zero - fee - transaction.zero_value
        if left < 0:
            raise InvalidTransaction(Refusal.UNPAID, f"fee and zero_value are {zero - left}, the sender's Z is {zero}")
        if payload is not None:
            added = check_admission(transaction, payload, sender, self, genesis.limits, self._check_module)
            if added is not None:
                self.contracts[added[0]] = added[1]
            elif isinstance(payload, PublishPayload):
                self.blobs[Cid(payload.cid)] = payload.size
        general, tip = transaction.general_value, transaction.tip
        index = len(self.transactions)
        moment = self._first_moment + index
        settled = transaction.zero_value if _settles(transaction) else 0
        if settled and transaction.to == sender:
            left, settled = left + settled, 0
        self.accounts[sender] = Account(nonce + 1, left, expenses + general)
        self.zero_changes.append((sender, moment, left))
        if settled:
            self._credit(Address(transaction.to), settled, moment)
        if general:
            self.expense_totals.append((sender, Seq(self._state.head.next_seq + index), expenses + general))
        self.tips += tip
        self.burnt += fee - tip
        rows = rows_of(transaction, sender, genesis.gas)
        included = ValidatedTransaction(raw, transaction_hash(raw), sender, transaction, rows, fee)
        self.transactions.append(included)
        return included

    def _credit(self, address: Address, units: int, moment: Moment) -> None:
        nonce, zero, expenses = self.accounts.get(address) or self._state.account(address)
        self.accounts[address] = Account(nonce, zero + units, expenses)
        self.zero_changes.append((address, moment, zero + units))

    def finish(self) -> int:
        """Land the tips and the reward in the proposer's Z; the reward."""
        reward = self._state.reward_at(self.height)
        if self.tips + reward:
            proposer = self._state.proposer_of(self.height)
            self._credit(proposer, self.tips + reward, moment_after_block(self.height))
        return reward


def _settles(transaction: Transaction) -> bool:
    """Whether the value is zero-cost income of a user (Lemma 2): settled the moment it is in a block."""
    return transaction.kind is _TRANSFER and not transaction.general_value and len(transaction.to) == ADDRESS_BYTES
