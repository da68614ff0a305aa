"""Signing: the accountant's key behind a port. The publisher asks; whoever holds the key checks, logs, and signs."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from accountant.chain.genesis import Genesis
from accountant.chain.transaction import Transaction, sign_transaction, transaction_hash
from accountant.oath.bounty_signing import purpose_of_claim
from accountant.oath.signing import NotSigned, Purpose, SigningLimits, purpose_of
from accountant.primitives.errors import AccountantError
from accountant.primitives.keys import PrivateKey
from accountant.primitives.types import Address, Amount, Hash


class SignerDown(AccountantError):
    """Nobody who holds the accountant's key answers."""

    code = "signer_unavailable"


class Signer(Protocol):
    """Who signs for the publisher. Every method may raise `SignerDown`."""

    def address(self) -> Address:
        """The account that it signs for."""

    def sign(self, unsigned: Transaction, purse_nonce: int, bounty: bytes = b"") -> bytes:
        """The signed bytes. `purse_nonce`: the nonce at which the purse was deployed. Raises `NotSigned`.

        `bounty`: the signed deployment of the bounty that the transaction goes to; empty: it goes to no bounty.
        """


class Signature(NamedTuple):
    """What was signed, and why."""

    purpose: Purpose
    nonce: int
    to: bytes
    bond: Amount
    """Put up for a claim, in base units; else 0."""
    transaction: Hash


class KeySigner:
    """A `Signer` that holds the key."""

    def __init__(
        self,
        key: PrivateKey,
        genesis: Genesis,
        limits: SigningLimits,
        log: Callable[[Signature], None],
        bonded: Mapping[Hash, Amount] | None = None,
    ) -> None:
        """`log` is told of each signature before it is given away; if it raises, nothing is.

        `bonded`: the bonds that were signed for before, by transaction, as the log has them.
        """
        self._key, self._genesis, self._limits, self._log = key, genesis, limits, log
        self._bonded = dict(bonded or {})

    def address(self) -> Address:
        return self._key.address

    def sign(self, unsigned: Transaction, purse_nonce: int, bounty: bytes = b"") -> bytes:
        if bounty:
            purpose = purpose_of_claim(self._genesis, self._key.address, unsigned, bounty, self._limits)
        else:
            purpose = purpose_of(self._genesis, self._key.address, unsigned, purse_nonce, self._limits)
        raw = sign_transaction(unsigned, self._key)
        name = transaction_hash(raw)
        bond = Amount(unsigned.zero_value if purpose is Purpose.COMMIT else 0)
        self._demand_room(name, bond)
        self._log(Signature(purpose, unsigned.nonce, unsigned.to, bond, name))
        if bond:
            self._bonded[name] = bond
        return raw

    def _demand_room(self, name: Hash, bond: Amount) -> None:
        """Raises `NotSigned` where all bonds together would pass their limit. The same bytes count once."""
        together = sum(self._bonded.values()) + bond
        if bond and name not in self._bonded and together > self._limits.bonded_most:
            raise NotSigned(f"{together} units of bonds in all, at most {self._limits.bonded_most} are signed for")
