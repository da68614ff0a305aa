"""Portable proofs that an oath is a lie that was sure to cost its penalty: the oath's own proof, and the truth's.

Whoever trusts block headers needs nobody else to see that the swearer signed one answer, that it stands on the chain
and counts (`oath.proof`), and that the same query has another one (`accounting.proof`).
"""

from typing import NamedTuple

from accountant.accounting.proof.errors import CertificateRefused
from accountant.accounting.proof.file import CERTIFICATE_FILE_BYTES_MAX, decode_certificate_file
from accountant.accounting.proof.verify import verify
from accountant.chain.headers import Headers
from accountant.execution.port import Blobs, Heartbeat
from accountant.oath.oath import SwornTerms
from accountant.oath.proof import OATH_PROOF_BYTES_MAX, OathProofRefused, ProvedOath, check_proof, claimed_terms
from accountant.primitives.encoding import Decoder, Record, encode
from accountant.primitives.errors import AccountantError, InvalidEncoding
from accountant.primitives.types import Address, ContractId, Gas, Hash, Height

CONVICTION_BYTES_MAX = CERTIFICATE_FILE_BYTES_MAX + OATH_PROOF_BYTES_MAX + 1024
_MAGIC = b"anh/conviction\x00"
_VERSION = 2
_BEGINS_VERSION_1 = encode(_MAGIC) + encode(1)


class ConvictionRefused(AccountantError):
    """A file that does not prove a lie. `part` names what is at fault."""

    code = "conviction_refused"

    def __init__(self, part: str, detail: str) -> None:
        super().__init__(f"{part}: {detail}")
        self.part = part


class _Conviction(Record, frozen=True):
    magic: bytes
    version: int
    oath: bytes
    """The portable proof that the oath is there and counts."""
    certificate: bytes
    """Of the same query's true answer, portable."""


class Convicted(NamedTuple):
    """What was proved: this swearer signed `terms`, the oath counted, and the true answer is another one."""

    transaction: Hash
    swearer: Address
    contract: ContractId
    terms: SwornTerms
    truth: bytes
    height: Height
    """Of the block with the oath."""
    deposit: int
    """Base units that the purse surely held right before the oath, at least."""
    gas_executed: Gas


_convictions = Decoder(_Conviction, CONVICTION_BYTES_MAX)


def prosecute(oath: bytes, certificate: bytes) -> bytes:
    """The portable proof, of an oath's proof and a certificate of its query.

    Raises `ConvictionRefused` where the parts contradict each other; only headers tell whether they are true.
    """
    try:
        statement = decode_certificate_file(certificate).statement
        terms = claimed_terms(oath)
    except CertificateRefused as error:
        raise ConvictionRefused("certificate", error.detail) from None
    except OathProofRefused as error:
        raise ConvictionRefused("oath", error.detail) from None
    _check_lie(terms, statement.query, statement.answer)
    return encode(_Conviction(_MAGIC, _VERSION, oath, certificate))


def convict(
    file: bytes,
    headers: Headers,
    gas_most: Gas | None = None,
    heartbeat: Heartbeat | None = None,
    blobs: Blobs | None = None,
) -> Convicted:
    """What a portable proof proves to whoever trusts `headers`. Executes the truth's slice, with at most `gas_most`.

    `blobs`: where published files are. Raises `ConvictionRefused`, which names what is at fault, and `BlobMissing`,
    which names the file that is missing.
    """
    proof = _decoded(file)
    proved = _counted(proof.oath, headers)
    try:
        verified = verify(proof.certificate, headers, gas_most, heartbeat, blobs)
    except CertificateRefused as error:
        raise ConvictionRefused("certificate", error.detail) from None
    oath, statement = proved.oath, verified.statement
    _check_lie(oath.terms, statement.query, statement.answer)
    return Convicted(
        oath.located.hash,
        oath.located.sender,
        oath.contract,
        oath.terms,
        statement.answer,
        oath.located.height,
        proved.standing.deposit,
        verified.gas_executed,
    )


def _decoded(file: bytes) -> _Conviction:
    if file[1 : 1 + len(_BEGINS_VERSION_1)] == _BEGINS_VERSION_1:
        raise ConvictionRefused("file", "version 1 did not prove that the oath counted: prosecute it again")
    try:
        proof = _convictions.decode(file)
    except InvalidEncoding as error:
        raise ConvictionRefused("file", error.detail) from None
    if proof.magic != _MAGIC or proof.version != _VERSION:
        raise ConvictionRefused("file", f"it is no proof of a lie of version {_VERSION}")
    return proof


def _counted(proof: bytes, headers: Headers) -> ProvedOath:
    """An oath in a block of these headers that counted: a lie was sure to cost its penalty."""
    try:
        proved = check_proof(proof, headers)
    except OathProofRefused as error:
        raise ConvictionRefused("oath", error.detail) from None
    if not proved.standing.counts:
        flaw = proved.standing.flaws[0]
        raise ConvictionRefused("oath", f"it did not count, {flaw.kind.value}: {flaw.detail}")
    return proved


def _check_lie(terms: SwornTerms, query: bytes, truth: bytes) -> None:
    if query != terms.query:
        raise ConvictionRefused("certificate", "it is about another query than the oath")
    if truth == terms.answer:
        raise ConvictionRefused("oath", "it is true: its answer is the certificate's")
