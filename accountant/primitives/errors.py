"""The base of every expected failure.

Expected failures (bad input, a refused block, a failed execution) are exceptions with a stable
`code` and a `detail` that says what was wrong and what would be right. A bug is an assertion.
"""

from typing import ClassVar


class AccountantError(Exception):
    """An expected failure. `code` is stable and machine readable; `detail` is one sentence."""

    code: ClassVar[str] = "error"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class InvalidEncoding(AccountantError):
    """Bytes that do not decode, or that do not re-encode to themselves."""

    code = "invalid_encoding"


class InvalidKey(AccountantError):
    """A private or public key that is not one."""

    code = "invalid_key"


class InvalidSignature(AccountantError):
    """A signature with a wrong length, recovery byte, range or a high s; or one that recovers no key."""

    code = "invalid_signature"


class InvalidAddress(AccountantError):
    """Text or bytes that name no account."""

    code = "invalid_address"


class InvalidCid(AccountantError):
    """Text that names no CIDv1 of raw bytes under SHA-256."""

    code = "invalid_cid"


class InvalidAmount(AccountantError):
    """A number outside 0 ≤ v < 2^63."""

    code = "invalid_amount"
