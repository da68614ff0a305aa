"""Proposing Θ, and how long it took."""

import time
from collections.abc import Callable

from accountant.accounting.propose import Proposal


def timed(propose: Callable[[], Proposal]) -> tuple[Proposal, float]:
    """The proposal, and seconds. Raises `InvalidQuestion`; executes nothing, stores nothing."""
    begin = time.perf_counter()
    return propose(), time.perf_counter() - begin
