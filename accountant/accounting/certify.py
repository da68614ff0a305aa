"""Making the certificate of an answer (DESIGN section 4)."""

from msgspec.structs import asdict

from accountant.accounting.certificate import Certificate, PlannedCertificate, Verdict
from accountant.accounting.funding import Funding
from accountant.chain.block import Position
from accountant.execution.selective import Selective
from accountant.primitives.types import AMOUNT_MAX, AccountId, Hash, Seq


def certify(
    selective: Selective,
    *,
    account: AccountId,
    position: Position,
    zero: int,
    funding: Funding,
    required: int | None,
    query: bytes,
    answer: bytes,
) -> Certificate:
    """The certificate of a finished piece of work; an undecided one carries nothing that could be sworn.

    `zero`: the zero-cost balance at the position.
    Caps of others can add up past any amount; G cannot, since all minting together stays below 2^63.
    """
    session = selective.session
    index = session.index
    decided = funding.verdict is not Verdict.UNDECIDED
    hashes = rests_on(selective)
    certificate = Certificate(
        verdict=funding.verdict,
        reason=funding.reason,
        query=query if decided else None,
        answer=answer if decided else None,
        account=account,
        previous_hash=position.previous_hash,
        index=position.index,
        required=required,
        lower=funding.walk.lower,
        upper=min(funding.walk.upper, AMOUNT_MAX),
        zero_balance=zero,
        theta=tuple(funding.incomes),
        executed=tuple(hashes[seq] for seq in session.executed),
        gas_executed=session.gas_executed,
        gas_everything=min(index.gas_limits(Seq(max(hashes) + 1)), AMOUNT_MAX) if hashes else 0,
        cache_hits=len(session.cached),
        slice=tuple(hashes.values()),
        missing=funding.missing,
    )
    if funding.choice is None:
        return certificate
    return PlannedCertificate(**asdict(certificate), choice=funding.choice)


def rests_on(selective: Selective) -> dict[Seq, Hash]:
    """The transactions whose outcomes a piece of work consulted, in chain order."""
    session = selective.session
    seqs = sorted({*selective.consulted.seqs, *session.resolved, *session.cached})
    return {located.seq: located.hash for located in session.index.transactions(seqs)}
