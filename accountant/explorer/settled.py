"""Did this payment settle? A real question for a worker, without a key: a small budget, a short wait, plain words."""

import re
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from accountant.accounting.certificate import Certificate, Verdict, decode_certificate
from accountant.accounting.questions import InvalidQuestion, PaymentQuestion
from accountant.dashboard.forms import Form, read_form
from accountant.explorer import asking
from accountant.explorer.resources import BASE, ExplorerResources, Res, Visitor
from accountant.primitives.types import Hash
from accountant.services.public_questions import ask_publicly, public_job
from accountant.services.questions import QuestionKind, decode_question

router = APIRouter()

Fields = Annotated[Form, Depends(read_form)]
_HASH = re.compile(r"(?:0x)?([0-9a-fA-F]{64})", re.ASCII)


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
        job_id = await asking.asked(request, resources, ask)
    except InvalidQuestion as error:
        return _home(request, resources, who, given[:200], f"{error.detail[0].upper()}{error.detail[1:]}.", 422)
    return RedirectResponse(f"{BASE}/answers/{job_id}", 303)


@router.get("/answers/{job_id}")
def answer(request: Request, resources: Res, who: Visitor, job_id: str) -> Response:
    """The answer in words, with what it rests on."""
    with resources.engine.connect() as connection:
        job = public_job(connection, job_id)
    question = decode_question(QuestionKind(job.kind), job.request)
    if not isinstance(question, PaymentQuestion):
        return RedirectResponse(f"{BASE}/certificates/{job_id}", 303)
    certificate = None if job.certificate is None else decode_certificate(job.certificate)
    assert isinstance(certificate, Certificate | None)
    return who.page(
        request,
        "explorer/answer.html",
        job=job,
        transaction=question.transaction,
        certificate=certificate,
        decided=certificate is not None and certificate.verdict is not Verdict.UNDECIDED,
        gas=resources.public_gas,
        wait_s=int(asking.WAIT_S),
    )


def _home(
    request: Request, resources: ExplorerResources, who: Visitor, given: str, error: str, status: int = 200
) -> Response:
    head = who.index.head()
    values = {"head": head, "given": given, "error": error, "gas": resources.public_gas, "wait_s": int(asking.WAIT_S)}
    return who.page(request, "explorer/home.html", status, **values)
