"""First start: the schema, and the API key that guards every route."""

import os
from pathlib import Path

from accountant.services.api_keys import ensure_first_key
from accountant.settings import Settings
from accountant.storage.database import engine_of, migrate

API_KEY_FILE = "api-key"


def prepare(settings: Settings) -> str | None:
    """Brings the database's schema up to date and returns the first API key, made now if there was none.

    The database keeps only a hash of the key; the key itself is kept in a file in the data folder that its owner
    alone may read. None if the key was made elsewhere and is not in that file.
    """
    migrate(settings.database)
    engine = engine_of(settings.database)
    try:
        made = ensure_first_key(engine)
    finally:
        engine.dispose()
    kept = settings.data_dir / API_KEY_FILE
    if made is not None:
        _write_private(kept, made)
        return made
    return kept.read_text().strip() if kept.exists() else None


def _write_private(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
