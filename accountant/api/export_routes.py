"""Routes of portable certificates: making one of a job's answer, and fetching it."""

from fastapi import APIRouter, Depends
from starlette.responses import Response

from accountant.api.documented import LOCATION, POST_PROBLEMS, problems
from accountant.api.job_views import JobView
from accountant.api.posting import OCTETS, Digest, IdempotencyKey, json_only
from accountant.api.question_routes import asked
from accountant.api.resources import Key, Res
from accountant.api.schemas import CertificateIn
from accountant.services.export import certificate_file, export_question
from accountant.services.follow import get_job

router = APIRouter(tags=["certificates"])

_UNKNOWN = {404: ("unknown_job", "there is no job job_7f0d3c3f0f6c4b0d9a4f1b6f0c9f8e21")}


@router.post(
    "/jobs/{id}/certificate",
    operation_id="exportCertificate",
    summary="Make a portable certificate of a job's answer",
    status_code=202,
    response_model=JobView,
    dependencies=[Depends(json_only)],
    responses={
        202: {"headers": LOCATION},
        **problems({**POST_PROBLEMS, **_UNKNOWN, 409: ("nothing_to_prove", "the answer is undecided")}),
    },
)
def export_certificate(
    resources: Res, key: Key, id: str, body: CertificateIn, digest: Digest, idempotency_key: IdempotencyKey = None
) -> Response:
    """A job whose result is a file that anybody can verify with block headers alone. What the answer rests on is found
    again from recorded outcomes; only what nobody recorded is executed.
    """
    with resources.engine.connect() as connection:
        question = export_question(get_job(connection, key.prefix, id), body.gas_budget)
    return asked(resources, key, idempotency_key, digest, question, swear=False)


@router.get(
    "/jobs/{id}/certificate",
    operation_id="getCertificate",
    summary="Fetch a portable certificate",
    response_class=Response,
    responses={
        200: {
            "description": "The file, for `accountant certificate verify`.",
            "content": {OCTETS: {"schema": {"type": "string", "format": "binary"}}},
        },
        **problems({**_UNKNOWN, 409: ("no_certificate", "the job is running")}),
    },
)
def get_certificate(resources: Res, key: Key, id: str) -> Response:
    """The bytes that the export job `id` made."""
    with resources.engine.connect() as connection:
        return Response(certificate_file(get_job(connection, key.prefix, id)), media_type=OCTETS)
