"""API keys: made once, stored as a hash, compared whole."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from accountant.services.api_keys import authenticate, ensure_first_key, is_signature, signature
from accountant.storage.database import engine_of, migrate


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    migrate(database_url)
    engine = engine_of(database_url)
    yield engine
    engine.dispose()


def test_the_first_key_is_made_once(engine: sa.Engine) -> None:
    """However many processes start at once, one of them gets the key and the others get nothing."""
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: ensure_first_key(engine), range(16)))
    keys = [key for key in made if key is not None]
    assert len(keys) == 1
    with engine.connect() as connection:
        found = authenticate(connection, keys[0])
    assert found is not None
    assert keys[0].startswith(f"anh_{found.prefix}_")


def test_the_database_does_not_hold_the_secret(engine: sa.Engine) -> None:
    """No column of the stored key holds any part of the secret."""
    key = ensure_first_key(engine)
    assert key is not None
    with engine.connect() as connection:
        row = connection.execute(sa.text("select * from accountant.api_keys")).one()
    secret = key.split("_", 2)[2].encode()
    assert all(secret[:8] not in bytes(value) for value in row if isinstance(value, bytes))
    assert all(secret[:8].decode() not in value for value in row if isinstance(value, str))


@pytest.mark.parametrize("change", [slice(0, -1), slice(1, None), slice(0, 0)])
def test_other_texts_are_no_keys(engine: sa.Engine, change: slice) -> None:
    """A part of the key, or a revoked key, opens nothing."""
    key = ensure_first_key(engine)
    assert key is not None
    with engine.begin() as connection:
        assert authenticate(connection, key[change]) is None
        assert authenticate(connection, key + "A") is None
        connection.execute(sa.text("update accountant.api_keys set revoked_at = now()"))
        assert authenticate(connection, key) is None


def test_signatures_are_bound_to_key_and_message(engine: sa.Engine) -> None:
    """A cursor's MAC holds for its message under its key alone."""
    key = ensure_first_key(engine)
    assert key is not None
    with engine.connect() as connection:
        stored = authenticate(connection, key)
    assert stored is not None
    other = stored._replace(secret_sha256=type(stored.secret_sha256)(bytes(32)))
    assert is_signature(stored, b"7", signature(stored, b"7"))
    assert not is_signature(stored, b"8", signature(stored, b"7"))
    assert not is_signature(other, b"7", signature(stored, b"7"))
