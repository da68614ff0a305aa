"""Routes of the two questions: did a payment settle, and what does an account own at least."""

import sqlalchemy as sa
from fastapi import APIRouter, Depends
from starlette.responses import Response

from accountant.accounting.questions import LowerBoundQuestion, PaymentQuestion
from accountant.api.documented import LOCATION, POST_PROBLEMS, problems
from accountant.api.job_views import JobView
from accountant.api.posting import Digest, IdempotencyKey, answer_post, json_only
from accountant.api.resources import Key, Res, Resources
from accountant.api.schemas import LowerBoundIn, PaymentVerificationIn, PositionIn, SwearOptionsIn
from accountant.chain.block import Position
from accountant.primitives.types import Address, Hash
from accountant.services.ask import NO_WISH, OathWish, ask
from accountant.services.questions import Question
from accountant.storage.idempotency import StoredAnswer
from accountant.storage.keys_store import StoredKey

router = APIRouter(dependencies=[Depends(json_only)])


@router.post(
    "/payments/verifications",
    tags=["payments"],
    operation_id="verifyPayment",
    summary="Did a payment settle?",
    status_code=202,
    response_model=JobView,
    responses={
        202: {"headers": LOCATION},
        **problems({**POST_PROBLEMS, 404: ("unknown_transaction", "no such transaction on the chain")}),
    },
)
def verify_payment(
    resources: Res, key: Key, body: PaymentVerificationIn, digest: Digest, idempotency_key: IdempotencyKey = None
) -> Response:
    """Algorithm 4 (Pay), as a job: accepted, rejected, or undecided with the reason."""
    theta = None if body.theta is None else tuple(body.theta)
    question = PaymentQuestion(body.transaction, theta, body.gas_budget)
    return asked(resources, key, idempotency_key, digest, question, body.swear)


@router.post(
    "/balances/lower-bound",
    tags=["balances"],
    operation_id="boundBalance",
    summary="What does an account own at least?",
    status_code=202,
    response_model=JobView,
    responses={
        202: {"headers": LOCATION},
        **problems({**POST_PROBLEMS, 404: ("unknown_position", "the position's block is not on the chain")}),
    },
)
def bound_balance(
    resources: Res, key: Key, body: LowerBoundIn, digest: Digest, idempotency_key: IdempotencyKey = None
) -> Response:
    """Lemma 1, as a job: the bound itself or, with a target, whether the account owns that much."""
    position = position_of(resources, body.position)
    theta = None if body.theta is None else tuple(body.theta)
    question = LowerBoundQuestion(body.account, position, body.target, theta, body.gas_budget)
    return asked(resources, key, idempotency_key, digest, question, body.swear)


def position_of(resources: Resources, given: PositionIn | None) -> Position:
    """The position that a body names; without one the end of the chain as it is now."""
    if given is not None:
        return Position(given.previous_hash, given.index)
    return Position(resources.index().head().hash, 0)


def asked(
    resources: Resources,
    key: StoredKey,
    idempotency_key: str | None,
    digest: Hash,
    question: Question,
    swear: bool | SwearOptionsIn,
) -> Response:
    """202 and the job that will answer the question. Raises `InvalidQuestion`; then nothing is stored."""
    wish = NO_WISH
    if isinstance(swear, SwearOptionsIn):
        beneficiary = None if swear.beneficiary is None else Address(swear.beneficiary)
        wish, swear = OathWish(swear.together, beneficiary), True

    def act(connection: sa.Connection) -> StoredAnswer:
        row = ask(connection, resources.index(), key.prefix, question, bool(swear), resources.policy, wish)
        return StoredAnswer(digest, 202, f"/v1/jobs/{row.id}", JobView.of(row).model_dump_json().encode())

    return answer_post(resources, key, idempotency_key, digest, act)
