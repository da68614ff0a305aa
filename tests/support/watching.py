"""A process that asks for due audits over and over, to be killed at any moment."""

from accountant.services.policy import JobPolicy
from accountant.services.watch import ask_due_audits
from accountant.storage.database import engine_of


def ask_for_ever(url: str) -> None:
    """Until somebody kills it."""
    engine = engine_of(url)
    while True:
        ask_due_audits(engine, JobPolicy())
