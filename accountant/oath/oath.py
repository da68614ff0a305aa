"""What an oath is: a `swear` call read from its bytes alone (Algorithm 5: Q, r and p are its arguments)."""

from typing import NamedTuple

from accountant.chain.transaction import Transaction, TransactionKind, decode_call
from accountant.index.port import ChainIndex, Located
from accountant.primitives.errors import AccountantError, InvalidEncoding
from accountant.primitives.types import ADDRESS_BYTES, Address, Amount, ContractId, Seq

SWEAR = "swear"


class NotAnOath(AccountantError):
    """A transaction that swears nothing: no call of `swear` with (query, answer, penalty, beneficiary)."""

    code = "not_an_oath"


class SwornTerms(NamedTuple):
    """What is sworn, at which price: the four arguments of `swear`."""

    query: bytes
    """Canonical encoding of an accounting query (not checked here)."""
    answer: bytes
    """Canonical encoding of the answer that the swearer claims (not checked here)."""
    penalty: Amount
    """Base units that a false answer costs the purse."""
    beneficiary: Address
    """Who gets what of the penalty is not burnt; the blackhole: all of it is burnt."""


class Oath(NamedTuple):
    """A `swear` transaction in its place on the chain. Whether it counts is for `oath.counts` to say."""

    located: Located
    terms: SwornTerms

    @property
    def seq(self) -> Seq:
        """The transaction's number."""
        return self.located.seq

    @property
    def transaction(self) -> Transaction:
        """The transaction that swears."""
        return self.located.transaction

    @property
    def contract(self) -> ContractId:
        """The purse that stands behind it."""
        return ContractId(self.located.transaction.to)


def terms_of(transaction: Transaction) -> SwornTerms:
    """What a transaction swears. Raises `NotAnOath`."""
    if transaction.kind != TransactionKind.CALL:
        raise NotAnOath("an oath is a call of swear, and this transaction calls nothing")
    try:
        payload = decode_call(transaction.payload)
    except InvalidEncoding as error:
        raise NotAnOath(f"the call does not decode: {error.detail}") from None
    if payload.function != SWEAR:
        raise NotAnOath(f"an oath calls {SWEAR}, this transaction calls another function")
    match payload.arguments:
        case (bytes(query), bytes(answer), int(penalty), bytes(beneficiary)) if len(beneficiary) == ADDRESS_BYTES:
            return SwornTerms(query, answer, Amount(penalty), Address(beneficiary))
    raise NotAnOath("swear takes (query bytes, answer bytes, penalty integer, beneficiary of 20 bytes)")


def oath_of(index: ChainIndex, seq: Seq) -> Oath:
    """The oath that the transaction with this number swears. Raises `NotAnOath`."""
    located = index.transaction(seq)
    return Oath(located, terms_of(located.transaction))
