"""Routes of accountants: who swears on this chain, whom to trust how far, and how this one's publishing goes."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from accountant.api.audit_views import ReasonView
from accountant.api.cursors import make_cursor, read_cursor
from accountant.api.documented import problems
from accountant.api.fields import AccountOut, AmountOut, HashOut, account_of, hex_of
from accountant.api.paging import PAGE_RESPONSES, PageIn
from accountant.api.problems import NotFound
from accountant.api.query_views import IntegerOut
from accountant.api.resources import Key, Res
from accountant.services.accountants import AccountantSeen, Floor, Trust, list_accountants
from accountant.storage.oaths import Oaths, PublishingRow

router = APIRouter(tags=["audits"])

_OF = b"accountants"


class PurseOfAccountantView(BaseModel):
    """A purse, and what it surely holds at the head."""

    contract: AccountOut
    deposit: Annotated[AmountOut, Field(description="Proved by bytes alone: all penalties count as lost.")]
    debits: Annotated[int, Field(description="Oaths and withdrawals on it; counted up to 100,000.")]


class TrustView(BaseModel):
    """What the model thinks of the latest oath, and why."""

    per_mille: Annotated[int, Field(description="1,000 for what is surely true.")]
    reasons: Annotated[list[ReasonView], Field(description="The weightiest first; none while too little is known.")]
    oath: Annotated[HashOut, Field(description="The latest oath.")]
    learned_from: Annotated[int, Field(description="Verdicts; 0: too few, the score is the rate of lies alone.")]

    @classmethod
    def of(cls, trust: Trust) -> "TrustView":
        """The view of a score."""
        reasons = [ReasonView.of(reason) for reason in trust.reasons]
        return cls(per_mille=trust.per_mille, reasons=reasons, oath=hex_of(trust.oath), learned_from=trust.learned_from)


class FloorView(BaseModel):
    """Lying does not pay while (1 − p) · G ≤ p · P: p the chance of a check, G a lie's gain, P its penalty."""

    penalty: Annotated[AmountOut, Field(description="P: the middle one of the latest oaths.")]
    gain: Annotated[AmountOut, Field(description="G: what a lie is taken to be worth, the middle one.")]
    needed_per_mille: Annotated[int, Field(description="The least p at which lying does not pay.")]
    chance_per_mille: Annotated[int, Field(description="p: the share of its oaths that were checked.")]
    gain_most: Annotated[AmountOut | None, Field(description="The largest G that does not pay; null: none does.")]
    holds: bool

    @classmethod
    def of(cls, floor: Floor) -> "FloorView":
        """The view of an inequality."""
        return cls(
            penalty=str(floor.penalty),
            gain=str(floor.gain),
            needed_per_mille=floor.needed_per_mille,
            chance_per_mille=floor.chance_per_mille,
            gain_most=None if floor.gain_most is None else str(floor.gain_most),
            holds=floor.holds,
        )


class AccountantView(BaseModel):
    """An accountant that was seen on the chain."""

    address: AccountOut
    purses: Annotated[list[PurseOfAccountantView], Field(description="The latest 16.")]
    purses_in_all: int
    oaths: Annotated[int, Field(description="Oaths and withdrawals on the purses shown.")]
    checked: Annotated[int, Field(description="Oaths that audits had verdicts on.")]
    lies: int
    checked_since_lie: int
    trust: Annotated[TrustView | None, Field(description="Null while nothing was sworn.")]
    floor: Annotated[FloorView | None, Field(description="Null while nothing was sworn.")]

    @classmethod
    def of(cls, seen: AccountantSeen) -> "AccountantView":
        """The view of an accountant."""
        return cls(
            address=account_of(seen.address),
            purses=[
                PurseOfAccountantView(contract=account_of(p.contract), deposit=str(p.deposit), debits=p.debits)
                for p in seen.purses
            ],
            purses_in_all=seen.purses_in_all,
            oaths=seen.oaths,
            checked=seen.history.checked,
            lies=seen.history.lies,
            checked_since_lie=seen.history.since_lie,
            trust=None if seen.trust is None else TrustView.of(seen.trust),
            floor=None if seen.floor is None else FloorView.of(seen.floor),
        )


class AccountantListView(BaseModel):
    """A page of accountants, in the order in which they were seen."""

    items: list[AccountantView]
    has_more: bool
    next_cursor: str | None


class PublishingView(BaseModel):
    """What the latest round of this accountant's publisher came to."""

    address: Annotated[AccountOut, Field(description="The key that it swears with.")]
    at: datetime
    age_s: Annotated[int, Field(description="Seconds since that round: one follows the other within seconds.")]
    stopped: Annotated[
        str | None,
        Field(description="What keeps answers from being sworn, if anything does.", examples=["purse_exhausted"]),
    ]
    detail: Annotated[str | None, Field(description="The same for people.")]
    low: Annotated[bool, Field(description="Whether less zero-cost money is left than the alarm.")]
    left: Annotated[IntegerOut, Field(description="Zero-cost base units that nothing on its way takes.")]
    alarm: AmountOut

    @classmethod
    def of(cls, row: PublishingRow) -> "PublishingView":
        """The view of a round."""
        return cls(
            address=account_of(row.signer),
            at=row.at,
            age_s=row.age_s,
            stopped=row.stopped,
            detail=row.detail,
            low=row.low,
            left=str(row.left),
            alarm=str(row.alarm),
        )


@router.get(
    "/accountants/self",
    operation_id="getPublishing",
    summary="Read how this accountant's publishing goes",
    responses=problems({404: ("no_publisher", "this accountant has published nothing yet")}),
)
def get_publishing(resources: Res) -> PublishingView:
    """Whether answers are sworn, and what stops them: money or deposits that are used up, a signer or a node that is
    away.
    """
    with resources.engine.connect() as connection:
        row = Oaths(connection).publishing()
    if row is None:
        raise NotFound("no_publisher", "this accountant has published nothing yet")
    return PublishingView.of(row)


@router.get(
    "/accountants",
    operation_id="listAccountants",
    summary="List the accountants seen on the chain",
    response_model=AccountantListView,
    responses={
        **PAGE_RESPONSES,
        **problems({422: ("invalid_request", "query/limit: Input should be less than or equal to 100")}),
    },
)
def list_seen(resources: Res, key: Key, page: Annotated[PageIn, Query()], response: Response) -> AccountantListView:
    """Owners of purses: what their purses surely hold, what audits found, how far to trust the latest oath and why, and
    whether a lie would pay. Nothing is executed.
    """
    after = 0 if page.cursor is None else read_cursor(key, page.cursor, _OF)
    with resources.engine.connect() as connection:
        seen, has_more = list_accountants(connection, resources.index(), after, page.limit)
    cursor = make_cursor(key, seen[-1].number, _OF) if has_more else None
    if cursor is not None:
        response.headers["Link"] = f'</v1/accountants?limit={page.limit}&cursor={cursor}>; rel="next"'
    return AccountantListView(items=[AccountantView.of(one) for one in seen], has_more=has_more, next_cursor=cursor)
