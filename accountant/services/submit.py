"""Submitting: a transaction's form is checked here; everything else is the node's to judge."""

from collections.abc import Callable

from accountant.chain.transaction import decode_transaction, sender_of
from accountant.primitives.errors import AccountantError
from accountant.primitives.types import Hash

Forward = Callable[[bytes], Hash]
"""Hands canonical bytes to a node. Raises `Refused` or `NodeDown`."""


class Refused(AccountantError):
    """The node does not take the transaction. `reason` is the code of its typed error, `status` its HTTP status."""

    code = "refused"

    def __init__(self, reason: str, status: int, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.status = status


class NodeDown(AccountantError):
    """The node cannot be reached or has no room: the same transaction may be sent again."""

    code = "node_unavailable"


def submit(forward: Forward, raw: bytes) -> Hash:
    """The hash of a transaction that the node has taken.

    Raises `InvalidEncoding` or `InvalidSignature` (the node never hears of it), `Refused`, `NodeDown`.
    """
    sender_of(raw, decode_transaction(raw))
    return forward(raw)
