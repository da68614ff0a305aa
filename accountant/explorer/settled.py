"""Did this payment settle? A real question for a worker, without a key: a small budget, a short wait, plain words."""

import re
from collections.abc import Callable
from typing import Annotated, TypeVar

import sqlalchemy as sa
from anyio import to_thread
from fastapi import APIRouter, Depends, FastAPI, Request
from starlette.responses import RedirectResponse, Response

from accountant.accounting.certificate import Certificate, Verdict, decode_certificate
from accountant.accounting.questions import InvalidQuestion, PaymentQuestion
from accountant.api.waiting import Waiters
from accountant.dashboard.forms import Form, read_form
from accountant.explorer.resources import BASE, ExplorerResources, Res, Visitor
from accountant.primitives.types import Hash
from accountant.services.export import certificate_file
from accountant.services.follow import ended_jobs
from accountant.services.public_questions import ask_publicly, export_publicly, public_job
from accountant.services.questions import QuestionKind, decode_question
from accountant.storage.keys_store import PUBLIC_PREFIX

WAIT_S = 20.0
"""How long a visitor waits for an answer before it is told that it takes longer."""

router = APIRouter()

T = TypeVar("T")
Fields = Annotated[Form, Depends(read_form)]
_HASH = re.compile(r"(?:0x)?([0-9a-fA-F]{64})", re.ASCII)


def prepare(app: FastAPI) -> None:
    """Everybody who waits for an answer waits with the others: one statement asks for all of them."""
    resources: ExplorerResources = app.state.resources

    def ended(job_ids: list[str]) -> set[str]:
        with resources.engine.connect() as connection:
            return ended_jobs(connection, job_ids)

    app.state.waiters = Waiters(ended)


@router.get("/")
def home(request: Request, resources: Res, who: Visitor, transaction: str = "") -> Response:
    """The form, and the ways into the chain."""
    return _home(request, resources, who, transaction[:200], "")


@router.post("/settled")
async def settled(request: Request, resources: Res, who: Visitor, form: Fields) -> Response:
    """Asks, waits for a while, and leads to the answer as it stands then."""
    given = form["transaction"].strip()
    named = _HASH.fullmatch(given)
    if named is None:
        why = "A transaction is named by its hash: 0x and 64 hex digits."
        return _home(request, resources, who, given[:200], why, 422)
    transaction = Hash(bytes.fromhex(named[1]))

    def ask(connection: sa.Connection) -> str:
        return ask_publicly(connection, who.index, transaction, resources.public_gas, resources.policy).id

    try:
        job_id = await _in_database(resources, ask)
    except InvalidQuestion as error:
        return _home(request, resources, who, given[:200], f"{error.detail[0].upper()}{error.detail[1:]}.", 422)
    await _wait(request, job_id)
    return RedirectResponse(f"{BASE}/answers/{job_id}", 303)


@router.get("/answers/{job_id}")
def answer(request: Request, resources: Res, who: Visitor, job_id: str) -> Response:
    """The answer in words, with what it rests on."""
    with resources.engine.connect() as connection:
        job = public_job(connection, job_id)
    question = decode_question(QuestionKind(job.kind), job.request)
    certificate = None if job.certificate is None else decode_certificate(job.certificate)
    if not isinstance(question, PaymentQuestion) or not isinstance(certificate, Certificate | None):
        return RedirectResponse(f"{BASE}/", 303)  # a certificate's own job: its page is the answer's
    return who.page(
        request,
        "explorer/answer.html",
        job=job,
        transaction=question.transaction,
        certificate=certificate,
        decided=certificate is not None and certificate.verdict is not Verdict.UNDECIDED,
        gas=resources.public_gas,
    )


@router.post("/answers/{job_id}/certificate")
async def certificate(request: Request, resources: Res, job_id: str) -> Response:
    """A file that proves the answer to whoever has the chain's headers."""

    def ask(connection: sa.Connection) -> str:
        index = resources.index()
        return export_publicly(connection, index, job_id, resources.public_gas, resources.policy).id

    export_id = await _in_database(resources, ask)
    await _wait(request, export_id)
    made = await _in_database(resources, lambda connection: certificate_file(public_job(connection, export_id)))
    headers = {"Content-Disposition": f'attachment; filename="{job_id}.anh-certificate"'}
    return Response(made, media_type="application/octet-stream", headers=headers)


async def _wait(request: Request, job_id: str) -> None:
    waiters: Waiters = request.app.state.waiters
    await waiters.wait(PUBLIC_PREFIX, job_id, WAIT_S)


async def _in_database(resources: ExplorerResources, act: Callable[[sa.Connection], T]) -> T:
    def run() -> T:
        with resources.engine.begin() as connection:
            return act(connection)

    return await to_thread.run_sync(run)


def _home(
    request: Request, resources: ExplorerResources, who: Visitor, given: str, error: str, status: int = 200
) -> Response:
    head = who.index.head()
    values = {"head": head, "given": given, "error": error, "gas": resources.public_gas, "wait_s": int(WAIT_S)}
    return who.page(request, "explorer/home.html", status, **values)
