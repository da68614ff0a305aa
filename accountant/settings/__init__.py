"""Every setting, from the environment: `ANH_NAME`, and plain `DATABASE_URL` and `REDIS_URL`.

With none set, one machine runs everything under `./data`. `docs/settings.md` holds the table that `describe` makes.
"""

from accountant.settings.choices import BOUNTIES_ALL, BOUNTIES_OFF, LogFormat, LogLevel, LogTo, Sandbox, WorkerDevice
from accountant.settings.settings import InvalidSettings, Settings, describe, load_settings, variable_of

__all__ = [
    "BOUNTIES_ALL",
    "BOUNTIES_OFF",
    "InvalidSettings",
    "LogFormat",
    "LogLevel",
    "LogTo",
    "Sandbox",
    "Settings",
    "WorkerDevice",
    "describe",
    "load_settings",
    "variable_of",
]
