"""Settings come from the environment, are documented, and never repeat a secret."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from accountant.settings import InvalidSettings, Settings, describe, load_settings

DOCUMENT = Path(__file__).parents[1] / "docs" / "settings.md"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings().environment():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)


def test_the_documented_table_is_the_code() -> None:
    """docs/settings.md holds exactly the table that the code makes."""
    assert describe() in DOCUMENT.read_text()


def test_everything_has_a_default() -> None:
    """With nothing set, settings load, and ask for embedded servers on loopback."""
    settings = load_settings()
    assert settings.database_url is None
    assert settings.redis_url is None
    assert settings.node == "http://127.0.0.1:8001"


def test_environment_makes_the_same_settings_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a parent exports, a child loads as the very same settings, secrets included."""
    given = Settings(
        data_dir=Path("/somewhere"),
        database_url=SecretStr("postgresql://a:b@c/d"),
        redis_url=SecretStr("redis://:e@f/0"),
        api_port=0,
    )
    for name, value in given.environment().items():
        monkeypatch.setenv(name, value)
    assert load_settings() == given
    assert load_settings().database == "postgresql://a:b@c/d"


def test_one_server_without_the_other_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """DATABASE_URL without REDIS_URL is an error that says so and does not show the password."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://a:hidden@c/d")
    with pytest.raises(InvalidSettings, match="both DATABASE_URL and REDIS_URL") as refused:
        load_settings()
    assert "hidden" not in refused.value.detail


def test_a_bad_value_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value out of range is refused by the name of its environment variable."""
    monkeypatch.setenv("ANH_API_PORT", "70000")
    with pytest.raises(InvalidSettings, match="ANH_API_PORT"):
        load_settings()


def test_a_worker_without_room_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A memory limit under which no job could be done is an error at once, and 0 is no limit."""
    monkeypatch.setenv("ANH_WORKER_MEMORY_MIB", "200")
    with pytest.raises(InvalidSettings, match="ANH_WORKER_MEMORY_MIB is 0 or at least 768"):
        load_settings()
    monkeypatch.setenv("ANH_WORKER_MEMORY_MIB", "0")
    assert load_settings().worker_memory_mib == 0


@pytest.mark.parametrize(
    "given", ["host:4318", "ftp://host", "http://", "http://host:99999", "http://host:0", "http://[::1", "/v1/traces"]
)
def test_traces_go_by_http(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    """An endpoint that is none is refused at the start, by the name of its variable."""
    monkeypatch.setenv("ANH_TRACES", given)
    with pytest.raises(InvalidSettings, match="ANH_TRACES is an OTLP/HTTP endpoint"):
        load_settings()


def test_the_endpoint_of_traces_has_otlps_path() -> None:
    """A host is enough; a path of one's own stays."""
    urls = {
        "": None,
        "http://h:4318": "http://h:4318/v1/traces",
        "https://h/": "https://h/v1/traces",
        "http://h/x": "http://h/x",
    }
    assert {given: Settings(traces=SecretStr(given)).traces_url for given in urls} == urls


def test_settings_show_no_secret() -> None:
    """Printing settings shows neither password."""
    shown = repr(
        Settings(database_url=SecretStr("postgresql://a:hidden@c/d"), redis_url=SecretStr("redis://:hidden@f/0"))
    )
    assert "hidden" not in shown


def test_a_part_without_its_server_says_what_to_set() -> None:
    """A process that needs the database without being given one says which variable is missing."""
    with pytest.raises(InvalidSettings, match="DATABASE_URL is not set"):
        _ = load_settings().database
