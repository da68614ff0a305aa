"""Transactions: their fields, canonical bytes, hash and signer. Rules about them are in `chain.admission`."""

from enum import IntEnum

from accountant.chain.envelope import Envelope
from accountant.chain.footprint import Entry
from accountant.primitives.addresses import contract_id_of
from accountant.primitives.encoding import Decoder, Record, encode
from accountant.primitives.hashes import sha256
from accountant.primitives.keys import SIGNATURE_BYTES, PrivateKey, recover
from accountant.primitives.types import Address, ContractId, Hash

VERSION = 1
TRANSACTION_BYTES_MAX = 512 * 1024

_DOMAIN = b"anh/transaction\x00"
_SIGNATURE_TAIL = 2 + SIGNATURE_BYTES  # MessagePack's bin8 header, length, signature
_HEADER = 1  # MessagePack's array header


class TransactionKind(IntEnum):
    """What a transaction does."""

    TRANSFER = 0
    CALL = 1
    DEPLOY = 2
    PUBLISH = 3


Argument = int | bytes
"""A call's argument on the wire: a signed 64-bit integer or bytes; the envelope says what it means."""


class CallPayload(Record, frozen=True):
    """The payload of a call: an exported function and its arguments."""

    function: str
    arguments: tuple[Argument, ...]


class DeployPayload(Record, frozen=True):
    """The payload of a deployment: a WASM module, what it admits, and its constructor's arguments."""

    code: bytes
    envelope: Envelope
    arguments: tuple[Argument, ...]


class PublishPayload(Record, frozen=True):
    """The payload of a publication: the binary CID of a blob, 36 bytes, and how many bytes it has."""

    cid: bytes
    size: int


class Transaction(Record, frozen=True):
    """A signed transaction. Value is zero_value + general_value: the sender chooses which money pays."""

    version: int
    chain_id: int
    nonce: int
    kind: TransactionKind
    to: bytes
    """Recipient (20 or 32 bytes), callee (32 bytes), or empty for a deployment or a publication."""
    zero_value: int
    general_value: int
    gas_limit: int
    gas_price: int
    tip: int
    payload: bytes
    """Empty for a transfer, else the encoding of a `CallPayload`, a `DeployPayload` or a `PublishPayload`."""
    footprint: tuple[Entry, ...]
    signature: bytes

    @property
    def value(self) -> int:
        """Base units carried: zero-cost and general money together."""
        return self.zero_value + self.general_value


_transactions = Decoder(Transaction, TRANSACTION_BYTES_MAX)
_calls = Decoder(CallPayload, TRANSACTION_BYTES_MAX)
_deployments = Decoder(DeployPayload, TRANSACTION_BYTES_MAX)
_publications = Decoder(PublishPayload, TRANSACTION_BYTES_MAX)


def decode_transaction(raw: bytes) -> Transaction:
    """The transaction that `raw` encodes. Raises `InvalidEncoding`."""
    return _transactions.decode(raw)


def decode_call(payload: bytes) -> CallPayload:
    """The payload of a call. Raises `InvalidEncoding`."""
    return _calls.decode(payload)


def decode_deployment(payload: bytes) -> DeployPayload:
    """The payload of a deployment. Raises `InvalidEncoding`."""
    return _deployments.decode(payload)


def decode_publication(payload: bytes) -> PublishPayload:
    """The payload of a publication. Raises `InvalidEncoding`."""
    return _publications.decode(payload)


def transaction_hash(raw: bytes) -> Hash:
    """SHA-256 of the whole canonical encoding, signature included: what names a transaction."""
    return sha256(raw)


def signing_hash(raw: bytes) -> Hash:
    """SHA-256 of the domain and the canonical encoding of all fields but the signature.

    The encoding is an array whose last element is the 65-byte signature, so the other fields are a
    slice of the bytes, and nothing is encoded twice.
    """
    return sha256(_DOMAIN + raw[_HEADER:-_SIGNATURE_TAIL])


def sender_of(raw: bytes, transaction: Transaction) -> Address:
    """Who signed. Raises `InvalidSignature`."""
    return recover(signing_hash(raw), transaction.signature)


def sign_transaction(unsigned: Transaction, key: PrivateKey) -> bytes:
    """The canonical bytes of `unsigned` (its signature field is ignored) with the key's signature."""
    blank = encode(_with_signature(unsigned, bytes(SIGNATURE_BYTES)))
    return blank[:-SIGNATURE_BYTES] + key.sign(signing_hash(blank))


def _with_signature(transaction: Transaction, signature: bytes) -> Transaction:
    fields = {name: getattr(transaction, name) for name in transaction.__struct_fields__}
    return Transaction(**{**fields, "signature": signature})


def deployed_contract(sender: Address, transaction: Transaction) -> ContractId:
    """The id of the contract that a deployment makes, whether or not it succeeds."""
    assert transaction.kind is TransactionKind.DEPLOY
    return contract_id_of(sender, transaction.nonce)
