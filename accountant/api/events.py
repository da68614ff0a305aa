"""Event streams of jobs (server-sent events), resumable by `Last-Event-ID`."""

from collections.abc import AsyncIterator

import anyio
import sqlalchemy as sa
from anyio import to_thread
from fastapi.sse import format_sse_event

from accountant.api.job_views import JobEventView, TrainingEventView, TrainingView
from accountant.api.problems import InvalidParameter
from accountant.services.follow import job_events, job_trainings
from accountant.storage.jobs import JobEvent
from accountant.storage.trainings import TrainingRow

MEDIA_TYPE = "text/event-stream"
POLL_S = 0.25
KEEPALIVE_S = 10.0
TRAININGS_S = 1.0
"""How often a stream looks how far trainings are."""

_DIGITS_MAX = 18


def last_event(text: str | None) -> int:
    """The number in a `Last-Event-ID`; 0 without one. Raises `InvalidParameter`."""
    if text is None:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS_MAX):
        raise InvalidParameter("header/Last-Event-ID", "Last-Event-ID is the id of an event")
    return int(text)


async def stream(engine: sa.Engine, job_number: int, after: int) -> AsyncIterator[bytes]:
    """The events of a job after the one numbered `after`, until the job has ended."""

    def read(seen: int) -> list[JobEvent]:
        with engine.connect() as connection:
            return job_events(connection, job_number, seen)

    def look() -> list[TrainingRow]:
        with engine.connect() as connection:
            return job_trainings(connection, job_number)

    silent_s = looked_s = 0.0
    told: list[TrainingRow] = []
    while True:
        events = await to_thread.run_sync(read, after)
        for event in events:
            after = event.number
            yield _encoded(event)
            if event.state.ended:
                return
        silent_s = 0.0 if events else silent_s + POLL_S
        looked_s += POLL_S
        if looked_s >= TRAININGS_S:
            looked_s = 0.0
            trainings = await to_thread.run_sync(look)
            if trainings != told:
                told, silent_s = trainings, 0.0
                yield _of_trainings(trainings)
        if silent_s >= KEEPALIVE_S:
            silent_s = 0.0
            yield format_sse_event(comment="still there")
        await anyio.sleep(POLL_S)


def _of_trainings(trainings: list[TrainingRow]) -> bytes:
    """Without an id: who connects again is told how far they are then."""
    view = TrainingEventView(trainings=[TrainingView.of(training) for training in trainings])
    return format_sse_event(data_str=view.model_dump_json(), event="training")


def _encoded(event: JobEvent) -> bytes:
    view = JobEventView(
        status=event.state.value,
        gas_executed=str(event.gas_executed),
        executions=event.executions,
        executions_done=event.executions_done,
        why_waiting=event.why_waiting,
        at=event.at,
    )
    return format_sse_event(data_str=view.model_dump_json(), event="job", id=str(event.number))
