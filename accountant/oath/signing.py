"""What the accountant's key may sign: the steps of a purse's life, and of a claim on a bounty (`bounty_signing`).

Whoever holds the key checks each transaction from its bytes alone, so that a publisher that was taken over can lose
deposits to false oaths, at most, of which a beneficiary gets less than half, and bonds to wrong claims, up to what is
allowed; everything else stays the account's own.
"""

from enum import StrEnum
from typing import NamedTuple

from accountant.chain.genesis import Genesis
from accountant.chain.transaction import Transaction, TransactionKind
from accountant.oath.oath import NotAnOath, terms_of
from accountant.oath.purse import withdrawn_by
from accountant.oath.swear import (
    Stamp,
    deploy_transaction,
    deposit_transaction,
    swear_transaction,
    withdraw_transaction,
)
from accountant.primitives.addresses import contract_id_of
from accountant.primitives.errors import AccountantError
from accountant.primitives.types import Address, Amount, ContractId


class Purpose(StrEnum):
    """Why the accountant's key signs."""

    DEPLOY = "deploy"
    DEPOSIT = "deposit"
    OATH = "oath"
    WITHDRAW = "withdraw"
    COMMIT = "commit"
    REVEAL = "reveal"
    COLLECT = "collect"


class SigningLimits(NamedTuple):
    """The most base units that one signature may put at stake."""

    penalty: Amount
    deposit: Amount
    bond: Amount = Amount(0)
    """Of a claim on a bounty; 0: nothing is signed for bounties."""
    fee: Amount = Amount(0)
    """What one transaction of a claim may cost besides its bond, all gas used."""
    bonded_most: Amount = Amount(0)
    """All bonds ever signed for, together: whether one came back is not for the signer to know."""


class NotSigned(AccountantError):
    """A transaction that this key does not sign."""

    code = "not_signed"


def purpose_of(
    genesis: Genesis, signer: Address, unsigned: Transaction, purse_nonce: int, limits: SigningLimits
) -> Purpose:
    """Why a transaction may be signed. Raises `NotSigned`.

    `purse_nonce`: the signer's nonce at which the purse was deployed. The transaction must equal, to the byte, what
    the purse's own builders make of its arguments: no other fee, entry, recipient or function.
    """
    price = genesis.fees.gas_price_least
    stamp = Stamp(genesis.chain_id, unsigned.nonce, price)
    match unsigned.kind:
        case TransactionKind.DEPLOY:
            demand_same(unsigned, deploy_transaction(stamp, genesis.gas))
            return Purpose.DEPLOY
        case TransactionKind.TRANSFER:
            purse = _own_purse(signer, unsigned, purse_nonce)
            if not 0 < unsigned.zero_value <= limits.deposit:
                raise NotSigned(
                    f"a deposit of {unsigned.zero_value} units, at most {limits.deposit} are signed at once"
                )
            demand_same(unsigned, deposit_transaction(stamp, purse, Amount(unsigned.zero_value)))
            return Purpose.DEPOSIT
        case TransactionKind.CALL:
            purse = _own_purse(signer, unsigned, purse_nonce)
            units = withdrawn_by(unsigned)
            if units is not None:
                demand_same(unsigned, withdraw_transaction(stamp, purse, signer, units))
                return Purpose.WITHDRAW
            try:
                terms = terms_of(unsigned)
            except NotAnOath as error:
                raise NotSigned(error.detail) from None
            if not 0 < terms.penalty <= limits.penalty:
                raise NotSigned(f"a penalty of {terms.penalty} units, at most {limits.penalty} are staked at once")
            demand_same(unsigned, swear_transaction(stamp, purse, terms))
            return Purpose.OATH
        case TransactionKind.PUBLISH:
            raise NotSigned("it publishes a blob, which this key has no reason to pay for")


def _own_purse(signer: Address, unsigned: Transaction, purse_nonce: int) -> ContractId:
    """The recipient, if the signer deployed it. This key deploys purses alone, so it is one or there is no code."""
    if not 0 <= purse_nonce < unsigned.nonce or unsigned.to != contract_id_of(signer, purse_nonce):
        raise NotSigned("it goes to no purse that this key deployed")
    return ContractId(unsigned.to)


def demand_same(unsigned: Transaction, wanted: Transaction) -> None:
    """Raises `NotSigned` where any field but the signature differs."""
    for field in wanted.__struct_fields__:
        if field != "signature" and getattr(unsigned, field) != getattr(wanted, field):
            raise NotSigned(f"its {field} is not what such a transaction has")
