"""What may be wrong with a proof, on either side."""

from accountant.primitives.errors import AccountantError


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
