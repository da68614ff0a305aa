"""Checking a portable certificate: with headers that are trusted, and with nothing else."""

from collections.abc import Sequence
from typing import NamedTuple

from accountant.accounting.proof.carried import CarriedFacts
from accountant.accounting.proof.errors import BlobMissing, CertificateRefused
from accountant.accounting.proof.executor import Carried, ProofSelective, ProofSession
from accountant.accounting.proof.file import OutcomeDigest, Statement, decode_certificate_file
from accountant.accounting.proof.plan import choose_planned
from accountant.chain.headers import Headers
from accountant.chain.query import AccountingQuery, Answer, decode_answer, decode_query
from accountant.contracts.engine import ENGINE
from accountant.execution.memory import MemoryBlobs, MemoryOutcomes
from accountant.execution.needs import BlobUnavailable, BudgetSpent
from accountant.execution.outcome import outcome_digest
from accountant.execution.port import Blobs, Heartbeat
from accountant.execution.queries import target_of
from accountant.primitives.encoding import encode
from accountant.primitives.errors import InvalidEncoding
from accountant.primitives.types import Gas, Hash, Height, Seq


class Verified(NamedTuple):
    """What a certificate proved, and what checking it executed."""

    query: AccountingQuery
    answer: Answer
    statement: Statement
    gas_executed: Gas


def verify(
    raw: bytes,
    headers: Headers,
    gas_most: Gas | None = None,
    heartbeat: Heartbeat | None = None,
    blobs: Blobs | None = None,
) -> Verified:
    """What the certificate proves to whoever trusts `headers`. Executes its slice from nothing, with `gas_most`.

    `blobs`: where published files are; a certificate carries none, and what contracts saved is made again.
    Raises `CertificateRefused`, which names what is at fault, and `BlobMissing`, which names the file that is missing.
    """
    file = decode_certificate_file(raw)
    statement = file.statement
    query, answer = _said(statement)
    _check_chain(statement, headers)
    facts = CarriedFacts(headers, Height(statement.height), file.items)
    plan = _plan(facts, statement.outcomes)
    hints = Carried(file.walks.windows, file.walks.zero_windows)
    session = ProofSession(facts, MemoryOutcomes(MemoryBlobs(beneath=blobs)), hints, plan, heartbeat, gas_most)
    target = target_of(facts, query)
    if target is None or target.height != statement.height:
        raise CertificateRefused("statement", f"the query does not speak of the chain up to block {statement.height}")
    try:
        found = ProofSelective(session, choose_planned(plan)).answer(query)
    except BudgetSpent as spent:
        raise CertificateRefused("gas", f"more than {gas_most} gas is needed: {spent}") from None
    except BlobUnavailable as error:
        raise BlobMissing(error.cid) from None
    if encode(found) != statement.answer:
        raise CertificateRefused("statement", f"the answer is {found!r:.100}, not {answer!r:.100}")
    _check_outcomes(statement, digests_of(session))
    if session.gas_executed != statement.gas:
        raise CertificateRefused("statement", f"it takes {session.gas_executed} gas, not {statement.gas}")
    return Verified(query, answer, statement, session.gas_executed)


def digests_of(session: ProofSession) -> tuple[OutcomeDigest, ...]:
    """What a piece of work rests on, in the order in which it was found."""
    return tuple(
        OutcomeDigest(session.facts.transaction(seq).hash, outcome_digest(outcome))
        for seq, outcome in session.rests_on.items()
    )


def _said(statement: Statement) -> tuple[AccountingQuery, Answer]:
    try:
        return decode_query(statement.query), decode_answer(statement.answer)
    except InvalidEncoding as error:
        raise CertificateRefused("statement", error.detail) from None


def _check_chain(statement: Statement, headers: Headers) -> None:
    genesis = headers.genesis
    if statement.genesis != headers.hashes[0]:
        raise CertificateRefused(
            "statement",
            f"it speaks of genesis 0x{statement.genesis.hex()}, the headers begin with 0x{headers.hashes[0].hex()}",
        )
    if statement.chain_id != genesis.chain_id:
        raise CertificateRefused(
            "statement", f"it speaks of chain {statement.chain_id}, the headers of {genesis.chain_id}"
        )
    if genesis.engine != ENGINE:
        raise CertificateRefused("engine", f"the chain runs contracts on {genesis.engine}, this program on {ENGINE}")
    if not 0 <= statement.height <= headers.height:
        raise CertificateRefused(
            "headers", f"they end with block {headers.height}, the answer rests on block {statement.height}"
        )
    if statement.block != headers.hashes[statement.height]:
        raise CertificateRefused("statement", f"its block {statement.height} is not that of the headers")


def _plan(facts: CarriedFacts, outcomes: Sequence[OutcomeDigest]) -> frozenset[Seq]:
    plan = set()
    for number, outcome in enumerate(outcomes):
        seq = facts.carried(Hash(outcome.transaction))
        if seq is None:
            raise CertificateRefused(f"outcome {number}", f"transaction 0x{outcome.transaction.hex()} is not carried")
        plan.add(seq)
    return frozenset(plan)


def _check_outcomes(statement: Statement, found: Sequence[OutcomeDigest]) -> None:
    for number, (said, is_) in enumerate(zip(statement.outcomes, found, strict=False)):
        if said != is_:
            raise CertificateRefused(
                f"outcome {number}",
                f"transaction 0x{is_.transaction.hex()} has the outcome 0x{is_.digest.hex()}, "
                f"not 0x{said.transaction.hex()} with 0x{said.digest.hex()}",
            )
    if len(statement.outcomes) != len(found):
        raise CertificateRefused("statement", f"it rests on {len(found)} outcomes, not on {len(statement.outcomes)}")
