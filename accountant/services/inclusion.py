"""Merkle proofs of what a finished job's answer rests on."""

from accountant.accounting.certificate import decode_certificate
from accountant.accounting.outcome import decode_outcome_certificate
from accountant.accounting.proof.inclusion import Inclusion, inclusions_of
from accountant.index.port import ChainIndex
from accountant.services.export import OUTCOMES, WITHOUT_PROOF, NothingToProve
from accountant.services.questions import QuestionKind
from accountant.storage.jobs import JobRow


def inclusions(index: ChainIndex, row: JobRow, first: int, limit: int) -> tuple[list[Inclusion], bool]:
    """Proofs of up to `limit` transactions of the answer's slice, from number `first` on; whether there are more.

    Raises `NothingToProve`.
    """
    kind = QuestionKind(row.kind)
    if kind in WITHOUT_PROOF or row.certificate is None:
        raise NothingToProve(f"a {kind} that is {row.state} rests on no transactions")
    outcome = kind in OUTCOMES
    answered = decode_outcome_certificate(row.certificate) if outcome else decode_certificate(row.certificate)
    chosen = answered.slice[first : first + limit]
    return inclusions_of(index, chosen), first + limit < len(answered.slice)
