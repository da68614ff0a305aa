"""Idempotent POSTs: the answer is stored in the transaction that made it true, so both exist or neither.

What is still running holds an advisory lock until its transaction ends, so a crash leaves nothing behind.
"""

import re
from collections.abc import Callable

import sqlalchemy as sa

from accountant.primitives.errors import AccountantError
from accountant.primitives.types import Hash
from accountant.storage.idempotency import Answers, StoredAnswer

_FORM = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)


class InvalidIdempotencyKey(AccountantError):
    """An Idempotency-Key that is empty, too long, or has characters besides visible ASCII."""

    code = "invalid_idempotency_key"


class IdempotencyKeyReused(AccountantError):
    """The key came with another request before."""

    code = "idempotency_key_reused"


class StillRunning(AccountantError):
    """A request with the key is being worked on right now."""

    code = "still_running"


def once(
    connection: sa.Connection,
    key_prefix: str,
    idempotency_key: str | None,
    request: Hash,
    act: Callable[[], StoredAnswer],
) -> tuple[StoredAnswer, bool]:
    """The answer to a request, and whether it was given before. Without a key the request is always acted on.

    `request` is the hash of everything that makes the request what it is. If `act` raises, nothing is
    kept and the same request may be made again. Raises the three errors above.
    """
    if idempotency_key is None:
        return act(), False
    if not _FORM.fullmatch(idempotency_key):
        raise InvalidIdempotencyKey("an Idempotency-Key is 1 to 255 visible ASCII characters")
    answers = Answers(connection, key_prefix)
    if not answers.claim(idempotency_key):
        raise StillRunning("a request with this Idempotency-Key is still running: ask again later")
    known = answers.find(idempotency_key)
    if known is not None:
        if known.request_sha256 != request:
            raise IdempotencyKeyReused("this Idempotency-Key came with another request before: use a new one")
        return known, True
    answer = act()
    answers.add(idempotency_key, answer)
    return answer, False
