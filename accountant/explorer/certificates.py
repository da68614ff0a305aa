"""Portable certificates of public answers: what one says and carries, and the file for whoever checks it alone."""

import sqlalchemy as sa
from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from accountant.explorer.asking import asked
from accountant.explorer.resources import BASE, Res, Visitor
from accountant.monitoring.reads.certificate import certificate_page
from accountant.services.export import certificate_file
from accountant.services.follow import UnknownJob
from accountant.services.public_questions import export_publicly, public_job
from accountant.services.questions import QuestionKind
from accountant.storage.jobs import JobRow

router = APIRouter()


@router.post("/answers/{job_id}/certificate")
async def certify(request: Request, resources: Res, job_id: str) -> Response:
    """Asks for the certificate of an answer, waits for a while, and leads to it as it stands then."""

    def ask(connection: sa.Connection) -> str:
        index = resources.index()
        return export_publicly(connection, index, job_id, resources.public_gas, resources.policy).id

    export_id = await asked(request, resources, ask)
    return RedirectResponse(f"{BASE}/certificates/{export_id}", 303)


@router.get("/certificates/{job_id}")
def certificate(request: Request, resources: Res, who: Visitor, job_id: str) -> Response:
    """What the certificate says. Nothing of it is checked here: that is for whoever takes the file."""
    with resources.engine.connect() as connection:
        job = _export(connection, job_id)
    made = None if job.certificate is None else certificate_page(certificate_file(job))
    return who.page(request, "explorer/certificate.html", job=job, made=made)


@router.get("/certificates/{job_id}/file")
def file(resources: Res, job_id: str) -> Response:
    """A file that proves the answer to whoever has the chain's headers. Raises `NoCertificate`."""
    with resources.engine.connect() as connection:
        made = certificate_file(_export(connection, job_id))
    headers = {"Content-Disposition": f'attachment; filename="{job_id}.anh-certificate"'}
    return Response(made, media_type="application/octet-stream", headers=headers)


def _export(connection: sa.Connection, job_id: str) -> JobRow:
    job = public_job(connection, job_id)
    if job.kind != QuestionKind.CERTIFICATE_EXPORT:
        raise UnknownJob("that is an answer, and no certificate")
    return job
