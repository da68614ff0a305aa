"""The route of Θ alone: which incomes show that an account can pay, before anything is executed."""

from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from accountant.accounting.propose import Proposal, propose_for_amount, propose_for_payment
from accountant.api.documented import AT_ONCE
from accountant.api.fields import (
    AccountIn,
    AccountOut,
    AmountIn,
    AmountOut,
    GasOut,
    HashIn,
    HashOut,
    account_of,
    hex_of,
)
from accountant.api.posting import json_only
from accountant.api.question_routes import position_of
from accountant.api.resources import Res
from accountant.api.schemas import PositionOrHeadIn, RequestIn
from accountant.primitives.types import AMOUNT_MAX
from accountant.services.propose import timed

router = APIRouter(dependencies=[Depends(json_only)])


class PaymentThetaIn(RequestIn):
    """A payment on the chain: its general value, right before it."""

    kind: Literal["payment"]
    transaction: HashIn


class AmountThetaIn(RequestIn):
    """A payment to be made: so much general money at the position."""

    kind: Literal["amount"]
    account: AccountIn
    amount: Annotated[AmountIn, Field(description="Base units of general money: the payment's general_value.")]
    position: Annotated[PositionOrHeadIn, Field(description="`head` is the end of the chain as it is now.")]


ProposalIn = Annotated[PaymentThetaIn | AmountThetaIn, Field(discriminator="kind")]


class MemberView(BaseModel):
    """An income of Θ."""

    transaction: HashOut
    low: Annotated[AmountOut, Field(description="It brings at least this.")]
    high: Annotated[AmountOut, Field(description="It brings at most this.")]


class ProposalView(BaseModel):
    """The cheapest Θ by what is known now. All gas is estimated; the bounds of the balance are certain."""

    status: Annotated[
        Literal["covered", "chosen", "impossible", "open"],
        Field(
            description="`covered`: for certain, with an empty Θ. `impossible`: proved, since `upper` is below the "
            "amount. `open`: no Θ of what was looked at shows it, and nothing forbids it; ask for the verdict."
        ),
    ]
    account: AccountOut
    amount: AmountOut
    lower: Annotated[AmountOut, Field(description="The general balance is at least this, with nothing executed.")]
    upper: Annotated[AmountOut, Field(description="The general balance is at most this.")]
    theta: Annotated[list[MemberView], Field(description="In chain order. Name these in a payment's verification.")]
    candidates: Annotated[int, Field(description="Incomes that Θ was chosen from.")]
    cost: Annotated[GasOut, Field(description="Gas of finding out what Θ brings, each shared ancestor paid for once.")]
    lower_bound: Annotated[GasOut, Field(description="No Θ of the candidates costs less, under the same estimates.")]
    gap: Annotated[
        float, Field(ge=0, le=1, description="By which part of its cost Θ may lie above the cheapest; 0: proved.")
    ]
    saved: Annotated[
        GasOut, Field(description="Against the Θ that looks cheapest to whoever does not see what is shared.")
    ]
    cut_off: Annotated[
        int, Field(description="Candidates whose provenance was not looked at to its end; they are estimated roughly.")
    ]
    seconds: Annotated[float, Field(description="That choosing took.")]

    @classmethod
    def of(cls, found: Proposal, seconds: float) -> "ProposalView":
        """The view of a proposal."""
        choice = found.choice
        return cls(
            status=found.status.value,
            account=account_of(found.account),
            amount=str(found.amount),
            lower=str(found.lower),
            upper=str(min(found.upper, AMOUNT_MAX)),
            theta=[
                MemberView(transaction=hex_of(member.transaction), low=str(member.low), high=str(member.high))
                for member in found.theta
            ],
            candidates=found.candidates,
            cost=str(choice.cost if choice else 0),
            lower_bound=str(choice.lower_bound if choice else 0),
            gap=float(choice.gap) if choice else 0.0,
            saved=str(choice.saved if choice else 0),
            cut_off=found.cut_off,
            seconds=seconds,
        )


@router.post(
    "/payments/theta",
    tags=["payments"],
    operation_id="proposeTheta",
    summary="Which incomes show that a payment is covered?",
    responses=AT_ONCE,
)
def propose_theta(resources: Res, body: ProposalIn) -> ProposalView:
    """Θ of least cost (Section II-C), with what it may lie above the optimum. Answered at once by bounded work on the
    index and known outcomes: nothing is executed, nothing is stored.
    """
    index, outcomes = resources.index(), resources.outcomes()
    if isinstance(body, PaymentThetaIn):
        return ProposalView.of(*timed(partial(propose_for_payment, index, outcomes, body.transaction)))
    position = position_of(resources, body.position)
    return ProposalView.of(*timed(partial(propose_for_amount, index, outcomes, body.account, body.amount, position)))
