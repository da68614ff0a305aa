"""Portable proofs that an oath stands on the chain and counts, for whoever trusts block headers alone.

Whoever makes a proof and whoever checks it run `oath.counts` itself, over facts that lead to the roots in headers
(`accounting.proof.facts`): the oath under its block's transaction root, the purse's deployment, what the query names,
and the purse's timeline by footprint roots, so that no debit is missing. Nothing is executed on either side.
"""

from collections.abc import Sequence
from typing import NamedTuple

from accountant.accounting.proof.bounds import latest_start, touches_of
from accountant.accounting.proof.build import pack
from accountant.accounting.proof.carried import CarriedFacts
from accountant.accounting.proof.errors import CertificateRefused, NotProvable
from accountant.accounting.proof.facts import Facts
from accountant.accounting.proof.file import Item, TransactionItem, check_order, evidence_in_order
from accountant.accounting.proof.inclusion import PATH_MOST
from accountant.accounting.proof.recording import RecordingFacts
from accountant.accounting.questions import InvalidQuestion
from accountant.chain.headers import Headers
from accountant.chain.transaction import decode_transaction, sender_of, transaction_hash
from accountant.index.port import ChainIndex, Located
from accountant.oath.counts import OathStanding, flaws_of, not_covered
from accountant.oath.deposit import deposit_bound_since, genesis_deposit
from accountant.oath.oath import NotAnOath, Oath, SwornTerms, oath_of, terms_of
from accountant.primitives import merkle
from accountant.primitives.encoding import Decoder, Record, encode
from accountant.primitives.errors import AccountantError, InvalidEncoding, InvalidSignature
from accountant.primitives.types import GENESIS_SEQ, Hash, Height, Seq

OATH_PROOF_BYTES_MAX = 64 * 1024 * 1024
OATH_PROOF_MAGIC = b"anh/oath\x00"
_VERSION = 1


class OathProofRefused(AccountantError):
    """A file that does not prove what an oath is worth. `part` names what is at fault."""

    code = "oath_proof_refused"

    def __init__(self, part: str, detail: str) -> None:
        super().__init__(f"{part}: {detail}")
        self.part = part


class _File(Record, frozen=True):
    magic: bytes
    version: int
    height: int
    """Of the oath's block: the last one that the proof speaks of."""
    index: int
    """The oath's place in it."""
    since: int
    """The purse is walked from right before this transaction; 0: from genesis on. Nobody has to trust it."""
    items: tuple[Item, ...]


class ProvedOath(NamedTuple):
    """An oath in a block of trusted headers, and its standing as far as the proof shows it.

    `standing.deposit` is at least so much: a proof walks the purse's timeline only as far back as the penalty needs.
    """

    oath: Oath
    block: Hash
    standing: OathStanding


class OathProofQuestion(Record, frozen=True):
    """A portable proof of the oath that this transaction swears."""

    transaction: bytes


_files = Decoder(_File, OATH_PROOF_BYTES_MAX)


def check_oath_proof(index: ChainIndex, question: OathProofQuestion) -> None:
    """Refuse what the chain's bytes alone show to be wrong. Raises `InvalidQuestion`."""
    _asked(index, question)


def oath_proof(index: ChainIndex, question: OathProofQuestion) -> bytes:
    """The proof. Raises `InvalidQuestion` where none can be made."""
    try:
        return prove_oath(index, _asked(index, question))
    except NotProvable as error:
        raise InvalidQuestion(error.code, f"{error.kind}: {error.detail}") from None


def _asked(index: ChainIndex, question: OathProofQuestion) -> Seq:
    seq = index.seq_of(Hash(question.transaction))
    if seq is None:
        raise InvalidQuestion("unknown_transaction", "no such transaction on the chain")
    try:
        oath_of(index, seq)
    except NotAnOath as error:
        raise InvalidQuestion(error.code, error.detail) from None
    return seq


def prove_oath(index: ChainIndex, seq: Seq) -> bytes:
    """The portable proof of what the oath with this number is worth. Raises `NotAnOath`, `NotProvable`."""
    oath = oath_of(index, seq)
    since = _since(index, oath)
    facts = RecordingFacts(index, oath.located.height)
    facts.record()
    _standing(facts, seq, since)
    raw = encode(
        _File(
            OATH_PROOF_MAGIC,
            _VERSION,
            oath.located.height,
            oath.located.index,
            since,
            evidence_in_order(pack(facts)),
        )
    )
    if len(raw) > OATH_PROOF_BYTES_MAX:
        raise NotProvable("too_large", f"it would take {len(raw)} bytes, at most {OATH_PROOF_BYTES_MAX} are taken")
    return raw


def check_proof(raw: bytes, headers: Headers) -> ProvedOath:
    """What the proof shows of an oath to whoever trusts `headers`. Executes nothing.

    Raises `OathProofRefused`, which names what is at fault; an oath that is there and does not count is no fault.
    """
    file = _decoded(raw)
    if not 1 <= file.height <= headers.height:
        raise OathProofRefused("headers", f"they end with block {headers.height}, the oath is in block {file.height}")
    if not 0 <= file.index < headers.headers[file.height - 1].transaction_count:
        raise OathProofRefused("oath", f"block {file.height} has no transaction {file.index}")
    seq = Seq(headers.first_seqs[file.height] + file.index)
    if not 0 <= file.since <= seq:
        raise OathProofRefused("file", "the purse's walk begins before genesis or after the oath")
    try:
        check_order(file.items)
        facts = CarriedFacts(headers, Height(file.height), file.items)
        oath, standing = _standing(facts, seq, Seq(file.since))
    except CertificateRefused as error:
        raise OathProofRefused(error.part, error.detail.removeprefix(f"{error.part}: ")) from None
    except NotAnOath as error:
        raise OathProofRefused("oath", error.detail) from None
    return ProvedOath(oath, headers.hashes[file.height], standing)


def claimed_terms(raw: bytes) -> SwornTerms:
    """What a proof is about, nothing of it checked. Raises `OathProofRefused`."""
    file = _decoded(raw)
    for item in file.items:
        if isinstance(item, TransactionItem) and (item.height, item.index) == (file.height, file.index):
            return _terms(item.raw)
    raise OathProofRefused("oath", "its transaction is missing")


def check_inclusion(raw: bytes, height: int, index: int, path: Sequence[bytes], headers: Headers) -> Oath:
    """The oath with these bytes, which stands in a block of `headers` by this path. Whether it counts is not shown.

    Raises `OathProofRefused`.
    """
    if not 1 <= height <= headers.height:
        raise OathProofRefused("headers", f"they end with block {headers.height}, the oath is in block {height}")
    header, name = headers.headers[height - 1], transaction_hash(raw)
    root, count = Hash(header.transaction_root), header.transaction_count
    if len(path) > PATH_MOST or not merkle.verify(name, index, count, path, root):
        raise OathProofRefused("inclusion", f"its path does not lead to the transaction root of block {height}")
    terms = _terms(raw)
    try:
        transaction = decode_transaction(raw)
        sender = sender_of(raw, transaction)
    except InvalidSignature as error:
        raise OathProofRefused("oath", error.detail) from None
    seq = Seq(headers.first_seqs[height] + index)
    return Oath(Located(seq, name, sender, Height(height), index, transaction), terms)


def _terms(raw: bytes) -> SwornTerms:
    try:
        return terms_of(decode_transaction(raw))
    except (InvalidEncoding, NotAnOath) as error:
        raise OathProofRefused("oath", error.detail) from None


def _decoded(raw: bytes) -> _File:
    try:
        file = _files.decode(raw)
    except InvalidEncoding as error:
        raise OathProofRefused("file", error.detail) from None
    if file.magic != OATH_PROOF_MAGIC or file.version != _VERSION:
        raise OathProofRefused("file", f"it is no proof of an oath of version {_VERSION}")
    return file


def _standing(facts: Facts, seq: Seq, since: Seq) -> tuple[Oath, OathStanding]:
    oath = oath_of(facts, seq)
    deposit = deposit_bound_since(facts, oath.contract, since, seq)
    return oath, OathStanding((*flaws_of(facts, oath), *not_covered(oath, deposit)), deposit)


def _since(index: ChainIndex, oath: Oath) -> Seq:
    """The latest transaction from before which the purse's timeline shows that the penalty is there; else genesis."""
    touches = touches_of(index.events(oath.contract, GENESIS_SEQ, oath.seq))
    genesis, penalty = genesis_deposit(index, oath.contract), max(0, oath.terms.penalty)
    if not penalty:
        return oath.seq
    return latest_start(oath.contract, touches, penalty, genesis, lambda _seq: None) or Seq(0)
