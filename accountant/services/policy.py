"""The numbers that a job's life depends on. None of them can change an answer."""

from typing import NamedTuple


class JobPolicy(NamedTuple):
    """Times in seconds."""

    lease_s: float = 30.0
    """A worker that is silent for so long has lost its job."""
    attempts_most: int = 5
    """After so many attempts without an answer a job is parked as failed."""
    retry_delay_s: float = 2.0
    """Before the second attempt after an unexpected error; doubled for each further one."""
    patience_s: float = 60.0
    """A queued job whose message nobody acted on for so long is published again; doubled each time."""
    answers_kept_s: float = 48 * 3600.0
    """Stored answers to POSTs with an Idempotency-Key."""
    events_kept_s: float = 7 * 86_400.0
    """Events of jobs on their way; how a job ended is kept as long as the job."""

    @property
    def heartbeat_s(self) -> float:
        """How often a lease is renewed: two renewals may fail before it is lost."""
        return self.lease_s / 3

    def delay_after(self, attempt: int) -> float:
        """How long to wait after a failed attempt, counted from 1."""
        return self.retry_delay_s * 2.0 ** min(attempt - 1, 8)
