"""Portable proofs that an oath is a lie: the oath's transaction, its place in a block, and a certificate of the truth.

Whoever trusts block headers needs nobody else to see that the swearer signed one answer, that it stands on the chain,
and that the same query has another one. Whether the oath counted is for `oath.counts` to say, with the chain at hand.
"""

from typing import NamedTuple

from accountant.accounting.proof.errors import CertificateRefused
from accountant.accounting.proof.file import CERTIFICATE_FILE_BYTES_MAX, decode_certificate_file
from accountant.accounting.proof.verify import verify
from accountant.chain.headers import Headers
from accountant.chain.transaction import TRANSACTION_BYTES_MAX, decode_transaction, sender_of, transaction_hash
from accountant.execution.port import Heartbeat
from accountant.oath.oath import NotAnOath, SwornTerms, terms_of
from accountant.primitives import merkle
from accountant.primitives.encoding import Decoder, Record, encode
from accountant.primitives.errors import AccountantError, InvalidEncoding, InvalidSignature
from accountant.primitives.types import Address, ContractId, Gas, Hash, Height

CONVICTION_BYTES_MAX = CERTIFICATE_FILE_BYTES_MAX + TRANSACTION_BYTES_MAX + 64 * 1024
_MAGIC = b"anh/conviction\x00"
_VERSION = 1
_PATH_MOST = 64


class ConvictionRefused(AccountantError):
    """A file that does not prove a lie. `part` names what is at fault."""

    code = "conviction_refused"

    def __init__(self, part: str, detail: str) -> None:
        super().__init__(f"{part}: {detail}")
        self.part = part


class _Conviction(Record, frozen=True):
    magic: bytes
    version: int
    raw: bytes
    """The oath's transaction, signed."""
    height: int
    index: int
    path: tuple[bytes, ...]
    """From the transaction to its block's transaction root (RFC 6962), bottom first."""
    certificate: bytes
    """Of the same query's true answer, portable."""


class Convicted(NamedTuple):
    """What was proved: this swearer signed `terms`, and the true answer is another one."""

    transaction: Hash
    swearer: Address
    contract: ContractId
    terms: SwornTerms
    truth: bytes
    height: Height
    """Of the block with the oath."""
    gas_executed: Gas


_convictions = Decoder(_Conviction, CONVICTION_BYTES_MAX)


def prosecute(raw: bytes, height: Height, hashes: list[Hash], certificate: bytes) -> bytes:
    """The portable proof. `hashes`: of all transactions of the oath's block, in order.

    Raises `ConvictionRefused` where the parts contradict each other; only headers tell whether they are true.
    """
    said = _terms(raw)
    try:
        statement = decode_certificate_file(certificate).statement
    except CertificateRefused as error:
        raise ConvictionRefused("certificate", error.detail) from None
    _check_lie(said, statement.query, statement.answer)
    name = transaction_hash(raw)
    if name not in hashes:
        raise ConvictionRefused("oath", "its transaction is not among those of the block")
    index = hashes.index(name)
    path = tuple(merkle.proof(hashes, index))
    return encode(_Conviction(_MAGIC, _VERSION, raw, height, index, path, certificate))


def convict(
    file: bytes, headers: Headers, gas_most: Gas | None = None, heartbeat: Heartbeat | None = None
) -> Convicted:
    """What a portable proof proves to whoever trusts `headers`. Executes the truth's slice, with at most `gas_most`.

    Raises `ConvictionRefused`, which names what is at fault.
    """
    proof = _decoded(file)
    terms = _terms(proof.raw)
    name = _included(proof, headers)
    try:
        transaction = decode_transaction(proof.raw)
        swearer = sender_of(proof.raw, transaction)
        verified = verify(proof.certificate, headers, gas_most, heartbeat)
    except InvalidSignature as error:
        raise ConvictionRefused("oath", error.detail) from None
    except CertificateRefused as error:
        raise ConvictionRefused("certificate", error.detail) from None
    statement = verified.statement
    _check_lie(terms, statement.query, statement.answer)
    if statement.height >= proof.height:
        raise ConvictionRefused("oath", "its query is not about an earlier block: it is void, and nobody is slashed")
    return Convicted(
        name,
        swearer,
        ContractId(transaction.to),
        terms,
        statement.answer,
        Height(proof.height),
        verified.gas_executed,
    )


def _decoded(file: bytes) -> _Conviction:
    try:
        proof = _convictions.decode(file)
    except InvalidEncoding as error:
        raise ConvictionRefused("file", error.detail) from None
    if proof.magic != _MAGIC or proof.version != _VERSION:
        raise ConvictionRefused("file", f"it is no proof of a lie of version {_VERSION}")
    return proof


def _terms(raw: bytes) -> SwornTerms:
    try:
        return terms_of(decode_transaction(raw))
    except (InvalidEncoding, NotAnOath) as error:
        raise ConvictionRefused("oath", error.detail) from None


def _included(proof: _Conviction, headers: Headers) -> Hash:
    """The oath's hash, which stands in a block of these headers."""
    if not 1 <= proof.height <= headers.height:
        raise ConvictionRefused("headers", f"they end with block {headers.height}, the oath is in block {proof.height}")
    header = headers.headers[proof.height - 1]
    name = transaction_hash(proof.raw)
    root, count = Hash(header.transaction_root), header.transaction_count
    if len(proof.path) > _PATH_MOST or not merkle.verify(name, proof.index, count, proof.path, root):
        raise ConvictionRefused("inclusion", f"its path does not lead to the transaction root of block {proof.height}")
    return name


def _check_lie(terms: SwornTerms, query: bytes, truth: bytes) -> None:
    if query != terms.query:
        raise ConvictionRefused("certificate", "it is about another query than the oath")
    if truth == terms.answer:
        raise ConvictionRefused("oath", "it is true: its answer is the certificate's")
