"""API keys in Postgres: only a hash of each."""

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from accountant.primitives.types import Hash
from accountant.storage.job_tables import api_keys

_FIRST_KEY_LOCK = 0x616E685F6B6579  # any number that no one else uses: "anh_key"

PUBLIC_PREFIX = "public"
"""No key that anybody could send has this prefix."""


class StoredKey(NamedTuple):
    """What is kept of a key."""

    prefix: str
    secret_sha256: Hash


class Keys:
    """The API keys, within one database transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def lock(self) -> None:
        """Waits until no other transaction creates keys, and keeps others waiting until this one ends."""
        self._connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_FIRST_KEY_LOCK)))

    def any(self) -> bool:
        """Whether a key was ever created, besides the public one."""
        made = sa.select(api_keys.c.prefix).where(api_keys.c.prefix != PUBLIC_PREFIX)
        return self._connection.scalar(sa.select(sa.exists(made))) is True

    def ensure_public(self, secret_sha256: Hash) -> None:
        """Creates the public key's row, once: jobs that nobody's key asked for are its."""
        values = {"prefix": PUBLIC_PREFIX, "secret_sha256": secret_sha256}
        self._connection.execute(insert(api_keys).values(values).on_conflict_do_nothing())

    def first(self) -> StoredKey | None:
        """The oldest valid key: whose jobs are those that the accountant itself asks."""
        query = sa.select(api_keys.c.prefix, api_keys.c.secret_sha256).where(api_keys.c.revoked_at.is_(None))
        found = self._connection.execute(
            query.order_by(api_keys.c.created_at, api_keys.c.prefix).limit(1)
        ).one_or_none()
        return None if found is None else StoredKey(found.prefix, Hash(found.secret_sha256))

    def add(self, key: StoredKey) -> None:
        """Stores a new key."""
        self._connection.execute(sa.insert(api_keys).values(**key._asdict()))

    def find(self, prefix: str) -> StoredKey | None:
        """The valid key with this prefix."""
        query = sa.select(api_keys.c.prefix, api_keys.c.secret_sha256)
        found = self._connection.execute(
            query.where(api_keys.c.prefix == prefix, api_keys.c.revoked_at.is_(None))
        ).one_or_none()
        return None if found is None else StoredKey(found.prefix, Hash(found.secret_sha256))
