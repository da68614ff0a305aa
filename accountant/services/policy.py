"""The numbers that a job's life depends on. None of them can change an answer."""

from typing import NamedTuple


class JobPolicy(NamedTuple):
    """Times in seconds."""

    lease_s: float = 30.0
    """A worker that is silent for so long has lost its job or execution."""
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
    trainings_kept_s: float = 30 * 86_400.0
    """How far trainings came, with the curves of their losses, after they were last told of."""
    logins_kept_s: float = 30 * 86_400.0
    """Tries to enter the dashboard; sessions and links, after they expired."""
    public_kept_s: float = 30 * 86_400.0
    """Questions that were asked without a key, after they ended."""

    delegate_gas: int | None = None
    """Calls with at least this gas limit are executions of their own, which workers share; None: none is."""
    gpu_gas: int = 2**63 - 1
    """Of those, calls with at least this gas limit go to the queue `gpu`."""
    parks_most: int = 16
    """After it waited so often, a piece of work executes itself what it needs: each time it begins anew."""
    abandon_s: float = 5.0
    """A process that runs on for so long after its lease was lost ends itself."""

    room_delay_s: float = 2.0
    """Before work that one worker has no room for is offered again; doubled each time, up to 32 times as long."""

    @property
    def heartbeat_s(self) -> float:
        """How often a lease is renewed: two renewals may fail before it is lost."""
        return self.lease_s / 3

    def delay_after(self, attempt: int) -> float:
        """How long to wait after a failed attempt, counted from 1."""
        return self.retry_delay_s * 2.0 ** min(attempt - 1, 8)
