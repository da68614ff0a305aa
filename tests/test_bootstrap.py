"""The first start makes the schema and one API key; later starts find both."""

from pathlib import Path

import psycopg
from pydantic import SecretStr

from accountant.bootstrap import prepare
from accountant.settings import Settings
from accountant.storage.database import plain_url


def _settings(folder: Path, database_url: str) -> Settings:
    return Settings(data_dir=folder, database_url=SecretStr(database_url), redis_url=SecretStr("redis://127.0.0.1:1/0"))


def test_the_key_is_made_once_and_kept_for_its_owner(tmp_path: Path, empty_database_url: str) -> None:
    """Two starts print the same key; its file has mode 0600, and the database does not hold the key."""
    settings = _settings(tmp_path, empty_database_url)
    key = prepare(settings)
    assert key is not None
    assert prepare(settings) == key
    assert settings.api_key_path.stat().st_mode & 0o777 == 0o600
    with psycopg.connect(plain_url(empty_database_url)) as connection:
        tables = connection.execute(
            "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables WHERE table_name ~ 'key'"
        ).fetchall()
        assert tables
        for (table,) in tables:
            rows = connection.execute(f"SELECT t::text FROM {table} t".encode()).fetchall()
            assert not any(key.rsplit("_", 1)[1] in row for (row,) in rows)


def test_a_key_made_elsewhere_is_not_known(tmp_path: Path, empty_database_url: str) -> None:
    """Another machine on the same database makes no second key and does not learn the first."""
    assert prepare(_settings(tmp_path / "here", empty_database_url)) is not None
    assert prepare(_settings(tmp_path / "there", empty_database_url)) is None
