"""Merkle proofs of what a finished job's answer rests on."""

from accountant.accounting.proof.inclusion import Inclusion, inclusions_of
from accountant.index.port import ChainIndex
from accountant.services.export import WITHOUT_PROOF, NothingToProve, answered_by
from accountant.services.questions import QuestionKind
from accountant.storage.jobs import JobRow


def inclusions(index: ChainIndex, row: JobRow, first: int, limit: int) -> tuple[list[Inclusion], bool]:
    """Proofs of up to `limit` transactions of the answer's slice, from number `first` on; whether there are more.

    Raises `NothingToProve`.
    """
    kind = QuestionKind(row.kind)
    if kind in WITHOUT_PROOF or row.certificate is None:
        raise NothingToProve(f"a {kind} that is {row.state} rests on no transactions")
    rests_on = answered_by(kind, row.certificate).slice
    return inclusions_of(index, rests_on[first : first + limit]), first + limit < len(rests_on)
