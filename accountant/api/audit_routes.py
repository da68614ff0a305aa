"""Routes of audits: have an oath contract audited, read its oaths page by page, and the history of audits."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from accountant.api.audit_views import (
    AuditedOathListView,
    AuditedOathView,
    PastAuditListView,
    PastAuditView,
    VerdictName,
)
from accountant.api.cursors import make_cursor, read_cursor
from accountant.api.documented import LOCATION, POST_PROBLEMS, problems
from accountant.api.fields import AccountIn, GasIn, HashIn, hex_of
from accountant.api.job_views import JobView
from accountant.api.paging import PAGE_RESPONSES, PageIn
from accountant.api.posting import Digest, IdempotencyKey, json_only
from accountant.api.question_routes import asked, position_of
from accountant.api.resources import Key, Res
from accountant.api.schemas import PositionOrHeadIn, RequestIn, SwearIn
from accountant.oath.audit_report import AuditQuestion, OathVerdict
from accountant.services.audits import list_audits, read_audited

router = APIRouter(tags=["audits"])


class AuditIn(RequestIn):
    """What is the deposit of an oath contract worth, and which of its oaths are true?"""

    contract: HashIn
    position: PositionOrHeadIn = Field(default=None, description="`head`, the default, is the end of the chain now.")
    gas_budget: Annotated[
        GasIn, Field(description="The most gas to execute oaths for, the riskiest first; 0, the default: none.")
    ] = 0
    swear: SwearIn = False


class AuditedOathsIn(PageIn):
    """The parameters of a list of audited oaths."""

    verdict: VerdictName | None = Field(None, description="Only oaths with this verdict.")


class PastAuditsIn(PageIn):
    """The parameters of a list of past audits."""

    contract: HashIn | None = Field(None, description="Only audits of this contract.")
    owner: AccountIn | None = Field(None, description="Only audits of what this accountant deployed.")


@router.post(
    "/audits",
    operation_id="auditContract",
    summary="Audit an oath contract",
    status_code=202,
    response_model=JobView,
    dependencies=[Depends(json_only)],
    responses={
        202: {"headers": LOCATION},
        **problems({**POST_PROBLEMS, 404: ("unknown_position", "the position's block is not on the chain")}),
    },
)
def audit_contract(
    resources: Res, key: Key, body: AuditIn, digest: Digest, idempotency_key: IdempotencyKey = None
) -> Response:
    """Proves the deposit from below by the chain's bytes, then executes oaths as far as the budget reaches: which ones
    first is chosen by chance and by what earlier verdicts taught. What can be sworn is that the deposit is there.
    """
    question = AuditQuestion(body.contract, position_of(resources, body.position), body.gas_budget)
    return asked(resources, key, idempotency_key, digest, question, body.swear)


@router.get(
    "/audits",
    operation_id="listAudits",
    summary="List past audits, latest first",
    response_model=PastAuditListView,
    responses={
        **PAGE_RESPONSES,
        **problems({422: ("invalid_request", "query/contract: a hash is 0x and 64 hex digits")}),
    },
)
def list_past_audits(
    resources: Res, key: Key, page: Annotated[PastAuditsIn, Query()], response: Response
) -> PastAuditListView:
    """The audits that this key asked for, or its watch list: how deposit, outstanding penalties, coverage and lies of a
    contract or an accountant developed.
    """
    asked_for = {"contract": page.contract, "owner": page.owner}
    wanted = "".join(f"&{name}={hex_of(value)}" for name, value in asked_for.items() if value is not None)
    of = f"audits{wanted}".encode()
    before = None if page.cursor is None else read_cursor(key, page.cursor, of)
    with resources.engine.connect() as connection:
        found, has_more = list_audits(connection, key.prefix, page.contract, page.owner, before, page.limit)
    cursor = make_cursor(key, found[-1].number, of) if has_more else None
    if cursor is not None:
        response.headers["Link"] = f'</v1/audits?limit={page.limit}&cursor={cursor}{wanted}>; rel="next"'
    return PastAuditListView(items=[PastAuditView.of(one) for one in found], has_more=has_more, next_cursor=cursor)


@router.get(
    "/audits/{id}/oaths",
    operation_id="listAuditedOaths",
    summary="List the oaths of an audit, latest first",
    response_model=AuditedOathListView,
    responses={
        **PAGE_RESPONSES,
        **problems(
            {
                404: ("unknown_job", "there is no job job_7f0d3c3f0f6c4b0d9a4f1b6f0c9f8e21"),
                422: ("invalid_request", "query/limit: Input should be less than or equal to 100"),
            }
        ),
    },
)
def list_audited_oaths(
    resources: Res, key: Key, id: str, page: Annotated[AuditedOathsIn, Query()], response: Response
) -> AuditedOathListView:
    """Each with its verdict, and with what was thought of it before; `id`: the audit's job."""
    of = f"audit {id} {page.verdict}".encode(errors="replace")
    before = None if page.cursor is None else read_cursor(key, page.cursor, of)
    verdict = None if page.verdict is None else OathVerdict(page.verdict)
    with resources.engine.connect() as connection:
        found = read_audited(connection, key.prefix, id, verdict, before, page.limit)
    cursor = make_cursor(key, found.oaths[-1][0], of) if found.has_more else None
    if cursor is not None:
        which = "" if page.verdict is None else f"&verdict={page.verdict}"
        path = f"/v1/audits/{id}/oaths?limit={page.limit}&cursor={cursor}{which}"
        response.headers["Link"] = f'<{path}>; rel="next"'
    return AuditedOathListView(
        items=[AuditedOathView.of(oath) for _, oath in found.oaths], has_more=found.has_more, next_cursor=cursor
    )
