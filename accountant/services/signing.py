"""Signing: the accountant's key behind a port. The publisher asks; whoever holds the key checks, logs, and signs."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from accountant.chain.genesis import Genesis
from accountant.chain.transaction import Transaction, sign_transaction, transaction_hash
from accountant.oath.signing import Purpose, SigningLimits, purpose_of
from accountant.primitives.errors import AccountantError
from accountant.primitives.keys import PrivateKey
from accountant.primitives.types import Address, Hash


class SignerDown(AccountantError):
    """Nobody who holds the accountant's key answers."""

    code = "signer_unavailable"


class Signer(Protocol):
    """Who signs for the publisher. Every method may raise `SignerDown`."""

    def address(self) -> Address:
        """The account that it signs for."""

    def sign(self, unsigned: Transaction, purse_nonce: int) -> bytes:
        """The signed bytes. `purse_nonce`: the nonce at which the purse was deployed. Raises `NotSigned`."""


class Signature(NamedTuple):
    """What was signed, and why."""

    purpose: Purpose
    nonce: int
    to: bytes
    transaction: Hash


class KeySigner:
    """A `Signer` that holds the key."""

    def __init__(
        self, key: PrivateKey, genesis: Genesis, limits: SigningLimits, log: Callable[[Signature], None]
    ) -> None:
        """`log` is told of each signature before it is given away; if it raises, nothing is."""
        self._key, self._genesis, self._limits, self._log = key, genesis, limits, log

    def address(self) -> Address:
        return self._key.address

    def sign(self, unsigned: Transaction, purse_nonce: int) -> bytes:
        purpose = purpose_of(self._genesis, self._key.address, unsigned, purse_nonce, self._limits)
        raw = sign_transaction(unsigned, self._key)
        self._log(Signature(purpose, unsigned.nonce, unsigned.to, transaction_hash(raw)))
        return raw
