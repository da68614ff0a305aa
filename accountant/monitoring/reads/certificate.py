"""A portable certificate as a page shows it. Nothing of it is checked, and nothing executed."""

from typing import NamedTuple

from accountant.accounting.proof.file import Statement, TransactionItem, decode_certificate_file
from accountant.chain.query import decode_answer, decode_query
from accountant.monitoring.reads.oath import answer_text, question_text
from accountant.monitoring.reads.transaction import Shown, cut
from accountant.primitives.hashes import sha256

LISTED = 50


class CertificatePage(NamedTuple):
    """A certificate: what is said, and what the file carries to show it."""

    said: Statement
    question: Shown
    answer: Shown
    size: int
    sha256: bytes
    pieces: int
    transactions: int
    """Carried whole, among the pieces of evidence."""

    @property
    def rests_on(self) -> list[bytes]:
        """The first transactions whose outcomes the answer rests on."""
        return [one.transaction for one in self.said.outcomes[:LISTED]]


def certificate_page(raw: bytes) -> CertificatePage:
    """The page of a file that this accountant made. Raises `CertificateRefused` for another one."""
    found = decode_certificate_file(raw)
    said = found.statement
    return CertificatePage(
        said,
        cut(question_text(decode_query(said.query))),
        cut(answer_text(decode_answer(said.answer))),
        len(raw),
        sha256(raw),
        len(found.items),
        sum(isinstance(item, TransactionItem) for item in found.items),
    )
