"""One job: its steps, its slice, its answer; cancelling and retrying it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import sqlalchemy as sa
from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from accountant.accounting.certificate import decode_certificate
from accountant.accounting.observe import decode_observation
from accountant.accounting.outcome import decode_outcome_certificate
from accountant.accounting.preparation import decode_prepared
from accountant.accounting.proof.export import decode_exported
from accountant.dashboard.actions_routes import UNDO, CannotUndo, Undo
from accountant.dashboard.forms import Fields, check_csrf
from accountant.dashboard.pages.job_picture import picture, shares
from accountant.dashboard.records import facts
from accountant.dashboard.render import page
from accountant.dashboard.resources import DashboardResources, Operator, Res, Viewer
from accountant.monitoring.reads.job import (
    STEPS_MOST,
    WAITS_MOST,
    Job,
    events,
    figures,
    job,
    members,
    parties,
    question_and_answer,
    steps,
    waits,
)
from accountant.oath.audit_report import decode_audit
from accountant.primitives.errors import AccountantError, InvalidEncoding
from accountant.primitives.hashes import sha256
from accountant.services import job_actions
from accountant.services.follow import UnknownJob
from accountant.services.job_actions import JobUnchanged
from accountant.services.questions import QuestionKind, decode_question
from accountant.storage.admins import Action, Admins, Role, Session, User
from accountant.storage.jobs import JobState

router = APIRouter()

MEMBERS = 100
"""Of the slice, on a page."""
EVENTS = 50

_LISTS = frozenset({"executed", "slice"})
_OTHER: dict[QuestionKind, Callable[[bytes], msgspec.Struct]] = {
    QuestionKind.OUTCOME: decode_outcome_certificate,
    QuestionKind.OUTCOME_RECHECK: decode_outcome_certificate,
    QuestionKind.TRANSACTION_PREPARATION: decode_prepared,
    QuestionKind.CERTIFICATE_EXPORT: decode_exported,
    QuestionKind.OATH_PROOF: decode_exported,
    QuestionKind.OBSERVATION: decode_observation,
    QuestionKind.AUDIT: decode_audit,
}

_Number = Annotated[int, Query(ge=0, lt=2**63)]


@router.get("/jobs/{job_id}")
def one_job(
    request: Request, resources: Res, session: Viewer, job_id: str, first: _Number = 0, after: _Number = 0
) -> Response:
    """The job. `first`: where the shown part of its slice begins; `after`: the event before the shown ones."""
    return _page(request, resources, session, job_id, first, after)


@router.post("/jobs/{job_id}/{do}")
def act(request: Request, resources: Res, session: Operator, job_id: str, do: str, form: Fields) -> Response:
    """Cancels the job, or tries it again."""
    check_csrf(request, form, session)
    if do not in _ACTIONS:
        raise UnknownJob("There is nothing of the kind to do to a job.")
    try:
        with resources.engine.begin() as connection:
            _ACTIONS[do](Admins(connection), session.user, job_id)
    except JobUnchanged as error:
        return _page(request, resources, session, job_id, error=error.detail)
    return RedirectResponse(f"/jobs/{job_id}", 303)


_ACTIONS: dict[str, Callable[[Admins, User, str], None]] = {"cancel": job_actions.cancel, "retry": job_actions.retry}


def _undoing(undo: Undo) -> Undo:
    def undone(admins: Admins, by: User, action: Action) -> None:
        try:
            undo(admins, by, action)
        except (UnknownJob, JobUnchanged) as error:
            raise CannotUndo(error.detail) from None

    return undone


UNDO[job_actions.CANCEL] = (Role.OPERATOR, _undoing(job_actions.undo_cancel))
UNDO[job_actions.RETRY] = (Role.OPERATOR, _undoing(job_actions.undo_retry))


def _page(
    request: Request,
    resources: DashboardResources,
    session: Session,
    job_id: str,
    first: int = 0,
    after: int = 0,
    error: str = "",
) -> Response:
    with resources.reads.connect() as connection:
        found = job(connection, job_id) if "\x00" not in job_id else None
        if found is None:
            raise UnknownJob("There is no such job.")
        path = steps(connection, found.number)
        happened = events(connection, found.number, after, EVENTS + 1)
        values: dict[str, Any] = {
            **_answer(connection, found, first),
            "steps": path,
            "steps_most": STEPS_MOST,
            "shares": shares(path, None if found.ended else datetime.now(UTC)),
            "waits": waits(connection, found.number),
            "waits_most": WAITS_MOST,
            "figures": figures(connection, found.number),
            "parties": parties(connection, found.number),
            "events": happened[:EVENTS],
            "more_events": len(happened) > EVENTS,
            "after": after,
        }
    may = session.user.role >= Role.OPERATOR
    return page(
        request,
        "pages/job.html",
        session,
        422 if error else 200,
        job=found,
        error=error,
        ended=found.ended,
        may_cancel=may and not found.ended,
        may_retry=may and found.state in (JobState.FAILED, JobState.CANCELLED),
        **values,
    )


def _answer(connection: sa.Connection, found: Job, first: int) -> dict[str, Any]:
    """The question, the answer, and a part of the slice; what cannot be read is left out."""
    request, raw = question_and_answer(connection, found.number)
    answer = None if raw is None else _read(lambda: _decoded(QuestionKind(found.kind), raw))
    slice_: tuple[bytes, ...] = getattr(answer, "slice", ())
    executed = frozenset(getattr(answer, "executed", ()))
    shown = members(connection, slice_[first : first + MEMBERS]) if slice_[first:] else []
    question = _read(lambda: decode_question(QuestionKind(found.kind), request))
    return {
        "question": [] if question is None else facts(question),
        "answer": [] if answer is None else facts(answer, _LISTS),
        "answer_sha256": None if raw is None else sha256(raw),
        "slice_length": len(slice_),
        "members": shown,
        "executed": executed,
        "picture": picture(shown, executed),
        "first": first,
        "page_length": MEMBERS,
    }


def _decoded(kind: QuestionKind, raw: bytes) -> msgspec.Struct:
    return _OTHER.get(kind, decode_certificate)(raw)


def _read(decode: Callable[[], msgspec.Struct]) -> msgspec.Struct | None:
    """What an older version wrote, or nobody should have, hides no other part of the page."""
    try:
        return decode()
    except (InvalidEncoding, AccountantError, ValueError):
        return None
