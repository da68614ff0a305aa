"""First start: the schema, the API key that guards every route, and the link that makes the dashboard's owner."""

import os
from pathlib import Path

import redis

from accountant.blobs.location import open_location
from accountant.primitives.errors import AccountantError
from accountant.processes.tokens import keep_token
from accountant.services.admin_access import first_link
from accountant.services.api_keys import ensure_first_key
from accountant.settings import Settings
from accountant.storage.database import engine_of, migrate

_BROKER_TIMEOUT_S = 5.0


class BrokerUnreachable(AccountantError):
    """REDIS_URL is no address of a Redis, or nobody lets us in there."""

    code = "broker_unreachable"


def prepare(settings: Settings) -> str | None:
    """Brings the database's schema up to date and returns the first API key, made now if there was none.

    The database keeps only a hash of the key; the key itself is kept in a file in the data folder that its owner
    alone may read. None if the key was made elsewhere and is not in that file.
    Raises `DatabaseUnreachable`, `InvalidBlobsUrl`.
    """
    open_location(settings.blobs_url, settings.blobs_folder)  # what is wrong with it is said once, and now
    migrate(settings.database)
    engine = engine_of(settings.database)
    try:
        made = ensure_first_key(engine)
        _keep_link(settings.dashboard_link_path, first_link(engine))
        keep_token(settings.metrics_token_path)
    finally:
        engine.dispose()
    kept = settings.api_key_path
    if made is not None:
        _write_private(kept, made)
        return made
    return kept.read_text().strip() if kept.exists() else None


def _keep_link(path: Path, token: str | None) -> None:
    """Keeps the newest one-time link for the dashboard's first owner; once there is one, it is gone."""
    if token is None:
        path.unlink(missing_ok=True)
    else:
        _write_private(path, token)


def reach_broker(url: str) -> None:
    """Raises `BrokerUnreachable`: without a broker everything would start, and no job ever end."""
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=_BROKER_TIMEOUT_S) as broker:
            broker.ping()
    except ValueError:
        raise BrokerUnreachable("REDIS_URL is not of the form redis://:password@host:port/number") from None
    except redis.RedisError as error:
        raise BrokerUnreachable(f"REDIS_URL: {error}") from None


def _write_private(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
