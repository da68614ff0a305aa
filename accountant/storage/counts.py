"""What a process counts in memory, where writing each time would cost more than what is counted."""

import threading
from collections import Counter
from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from accountant.storage.metric_tables import tallies

LOOKUPS = {layer: f"outcome_lookups_{layer}" for layer in ("hot", "database", "missing")}
"""Outcomes that were looked up, by where they were found: in Redis, in Postgres, nowhere."""
FLIGHT_WAITS = "flight_waits"
FLIGHT_WAIT_MS = "flight_wait_ms"


class Tally:
    """Counts, from any thread."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._guard = threading.Lock()

    def add(self, name: str, more: int = 1) -> None:
        """Counts."""
        if more:
            with self._guard:
                self._counts[name] += more

    def taken(self) -> dict[str, int]:
        """What was counted since the last call: whoever asks keeps it, or gives it back."""
        with self._guard:
            found, self._counts = dict(self._counts), Counter()
        return found


TALLY = Tally()
"""This process's counts."""


def add_tallies(connection: sa.Connection, counted: Mapping[str, int]) -> None:
    """Adds what a process counted, in the order of the names: processes that add at once never wait in a circle."""
    if counted:
        new = insert(tallies).values([{"name": name, "value": value} for name, value in sorted(counted.items())])
        more = {"value": tallies.c.value + new.excluded.value}
        connection.execute(new.on_conflict_do_update(index_elements=[tallies.c.name], set_=more))
