"""Routes of agreement: what accountants ask each other to find out on what they differ. Nothing here executes."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from accountant.api.agreement_views import AgreementView, DigestsIn, DigestsView, StoredOutcomeView
from accountant.api.documented import POST_PROBLEMS, problems
from accountant.api.fields import digits
from accountant.api.posting import json_only
from accountant.api.problems import InvalidParameter, NotFound
from accountant.api.resources import Res
from accountant.primitives.types import AMOUNT_MAX, Height, Seq
from accountant.services.agreement import digests_of, stored_outcome, summary_at

router = APIRouter(tags=["agreement"])


class _At(BaseModel):
    model_config = ConfigDict(extra="forbid")

    height: Annotated[int | None, BeforeValidator(digits)] = Field(
        None, ge=0, le=AMOUNT_MAX, description="A block; by default the head."
    )


@router.get(
    "/agreement",
    operation_id="getAgreement",
    summary="Read what outcomes are observed, and their running hash",
    responses=problems(
        {
            404: ("unknown_block", "no such block is on the chain"),
            422: ("invalid_request", "query/height: a number is written in decimal digits alone"),
        }
    ),
)
def get_agreement(resources: Res, at: Annotated[_At, Query()]) -> AgreementView:
    """Two accountants with the same block and the same running hash at a height agree on everything up to it."""
    index = resources.index()
    block = index.block(index.head().height if at.height is None else Height(at.height))
    if block is None:
        raise NotFound("unknown_block", "no such block is on the chain")
    with resources.engine.begin() as connection:
        return AgreementView.of(summary_at(connection, index, block))


@router.post(
    "/agreement/digests",
    operation_id="digestOutcomes",
    summary="Digest the outcomes of a range of transactions",
    dependencies=[Depends(json_only)],
    responses=problems({**POST_PROBLEMS, 422: ("invalid_encoding", "Numbers: 8 bits are 1 bytes, compressed")}),
)
def digest_outcomes(resources: Res, body: DigestsIn) -> DigestsView:
    """Which outcomes of the range are observed, and a digest of each of its parts over those alone: with the numbers
    that two accountants both observed, the first part whose digests differ has the first outcome that differs.
    """
    numbers = body.numbers()
    with resources.engine.connect() as connection:
        return DigestsView.of(digests_of(connection, Seq(body.first), body.span, body.parts, numbers))


@router.get(
    "/agreement/outcomes/{seq}",
    operation_id="getStoredOutcome",
    summary="Read a stored outcome in short",
    responses=problems(
        {
            404: ("not_observed", "no outcome of this transaction is stored"),
            422: ("invalid_request", "path/seq: a number is written in decimal digits alone"),
        }
    ),
)
def get_stored_outcome(resources: Res, seq: str) -> StoredOutcomeView:
    """The outcome of the transaction with this number, if somebody observed it."""
    try:
        number = min(int(str(digits(seq[:20]))), AMOUNT_MAX)  # there is no such transaction
    except ValueError as error:
        raise InvalidParameter("path/seq", str(error)) from None
    index = resources.index()
    with resources.engine.connect() as connection:
        found = stored_outcome(connection, Seq(number))
    if found is None:
        raise NotFound("not_observed", "no outcome of this transaction is stored")
    digest, outcome = found
    return StoredOutcomeView.of(index.transaction(Seq(number)), digest, outcome)
