"""The database that a command works on."""

from accountant.settings import load_settings
from accountant.storage.embedded import last_database_url


def database_url() -> str:
    """The database of the settings, else that of the servers in the data folder. Raises `InvalidSettings`."""
    settings = load_settings()
    if settings.database_url is None:
        found = last_database_url(settings.data_dir / "servers")
        if found is not None:
            return found
    return settings.database
