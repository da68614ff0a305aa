"""What may be wrong with a proof, on either side."""

from accountant.primitives.cid import show_cid
from accountant.primitives.errors import AccountantError
from accountant.primitives.types import Cid


class NotProvable(AccountantError):
    """An answer of which no certificate can be made. `kind` is stable and machine readable."""

    code = "not_provable"

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


class CertificateRefused(AccountantError):
    """A certificate that does not prove what it says. `part` names what is at fault."""

    code = "certificate_refused"

    def __init__(self, part: str, detail: str) -> None:
        super().__init__(f"{part}: {detail}")
        self.part = part


class NotCarried(CertificateRefused):
    """The answer rests on something that the certificate does not carry."""

    code = "evidence_missing"


class BlobMissing(AccountantError):
    """A published file that the answer rests on, and whoever checks does not have: it is neither proved nor refused."""

    code = "blob_unavailable"

    def __init__(self, cid: Cid) -> None:
        super().__init__(f"{self.code}: the answer rests on {show_cid(cid)}, and whoever checks has to have that file")
        self.cid = cid
