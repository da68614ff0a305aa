"""Routes of portable certificates: making one of a job's answer, and fetching it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.responses import Response

from accountant.api.documented import LOCATION, POST_PROBLEMS, problems
from accountant.api.export_views import InclusionListView, InclusionView
from accountant.api.fields import digits
from accountant.api.job_views import JobView
from accountant.api.posting import OCTETS, Digest, IdempotencyKey, json_only
from accountant.api.question_routes import asked
from accountant.api.resources import Key, Res
from accountant.api.schemas import CertificateIn
from accountant.services.export import certificate_file, export_question
from accountant.services.follow import get_job
from accountant.services.inclusion import inclusions

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


class _Range(BaseModel):
    model_config = ConfigDict(extra="forbid")

    first: Annotated[int, BeforeValidator(digits)] = Field(0, ge=0, lt=2**31)
    limit: Annotated[int, BeforeValidator(digits)] = Field(100, ge=1, le=100)


@router.get(
    "/jobs/{id}/inclusion",
    operation_id="proveInclusion",
    summary="Read Merkle proofs of what an answer rests on",
    responses=problems(
        {
            **_UNKNOWN,
            409: ("nothing_to_prove", "a payment_verification that is running rests on no transactions"),
            422: ("invalid_request", "query/limit: Input should be less than or equal to 100"),
        }
    ),
)
def prove_inclusion(resources: Res, key: Key, id: str, page: Annotated[_Range, Query()]) -> InclusionListView:
    """Of each transaction in the answer's slice, from number `first` on, that it stands on the chain. Proofs of the
    outcome itself are in the portable certificate.
    """
    with resources.engine.connect() as connection:
        row = get_job(connection, key.prefix, id)
    proofs, has_more = inclusions(resources.index(), row, page.first, page.limit)
    return InclusionListView(items=[InclusionView.of(proof) for proof in proofs], has_more=has_more)
