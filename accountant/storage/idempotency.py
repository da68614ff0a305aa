"""Answers by idempotency key in Postgres, stored in the transaction that made them true."""

from typing import NamedTuple

import sqlalchemy as sa

from accountant.primitives.hashes import sha256
from accountant.primitives.types import Hash
from accountant.storage.job_tables import idempotent_answers


class StoredAnswer(NamedTuple):
    """What was answered to a POST, and the hash of what had been asked."""

    request_sha256: Hash
    status: int
    location: str | None
    body: bytes


class Answers:
    """The stored answers of one API key, within one database transaction."""

    def __init__(self, connection: sa.Connection, key_prefix: str) -> None:
        self._connection = connection
        self._key_prefix = key_prefix

    def claim(self, idempotency_key: str) -> bool:
        """Whether nobody else works on a request with this key now. The claim ends with the transaction."""
        name = sha256(self._key_prefix.encode() + b"\x00" + idempotency_key.encode())
        number = int.from_bytes(name[:8], "big", signed=True)
        return self._connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(number))) is True

    def find(self, idempotency_key: str) -> StoredAnswer | None:
        """The answer under a key."""
        table = idempotent_answers
        query = sa.select(table.c.request_sha256, table.c.status, table.c.location, table.c.body).where(
            table.c.key_prefix == self._key_prefix, table.c.idempotency_key == idempotency_key
        )
        found = self._connection.execute(query).one_or_none()
        return None if found is None else StoredAnswer(Hash(found[0]), found[1], found[2], found[3])

    def add(self, idempotency_key: str, answer: StoredAnswer) -> None:
        """Keeps an answer."""
        row = {"key_prefix": self._key_prefix, "idempotency_key": idempotency_key, **answer._asdict()}
        self._connection.execute(sa.insert(idempotent_answers).values(**row))


def forget_answers(connection: sa.Connection, older_than_s: float) -> int:
    """Drops answers older than this; their number."""
    limit = sa.func.clock_timestamp() - sa.func.make_interval(0, 0, 0, 0, 0, 0, older_than_s)
    return connection.execute(sa.delete(idempotent_answers).where(idempotent_answers.c.created_at < limit)).rowcount
