"""Routes of bounties: what clients pay for answers, and how far this accountant's claims came. Nothing is executed."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from accountant.api.bounty_views import BountyListView, BountyResourceView, BountyView
from accountant.api.cursors import make_cursor, read_cursor
from accountant.api.documented import problems
from accountant.api.fields import parse_hash
from accountant.api.paging import PAGE_RESPONSES, PageIn
from accountant.api.problems import InvalidParameter, NotFound
from accountant.api.resources import Key, Res
from accountant.oath.bounty import NotABounty
from accountant.primitives.types import ContractId
from accountant.services.bounties import list_bounties, read_bounty
from accountant.storage.bounties import BountyState

router = APIRouter(tags=["bounties"])


class BountyPageIn(PageIn):
    """The parameters of the list of bounties."""

    state: BountyState | None = None


@router.get(
    "/bounties",
    operation_id="listBounties",
    summary="List the bounties seen on the chain",
    responses={
        **PAGE_RESPONSES,
        **problems({422: ("invalid_request", "query/limit: Input should be less than or equal to 100")}),
    },
)
def get_bounties(
    resources: Res, key: Key, page: Annotated[BountyPageIn, Query()], response: Response
) -> BountyListView:
    """Latest seen first, of one state or of all: what is asked, for how much, and this accountant's claim on each with
    the reason where there is none. Empty where bounties are not answered (`ANH_BOUNTIES`).
    """
    of = f"bounties/{page.state or ''}"
    before = None if page.cursor is None else read_cursor(key, page.cursor, of.encode())
    with resources.engine.connect() as connection:
        found = list_bounties(connection, resources.index(), page.state, before, page.limit)
    cursor = None
    if found.has_more:
        last = found.bounties[-1].row
        assert last is not None
        cursor = make_cursor(key, last.number, of.encode())
        wanted = f"&state={page.state}" if page.state else ""
        response.headers["Link"] = f'</v1/bounties?limit={page.limit}{wanted}&cursor={cursor}>; rel="next"'
    return BountyListView(
        items=[BountyView.of(seen) for seen in found.bounties], has_more=found.has_more, next_cursor=cursor
    )


@router.get(
    "/bounties/{contract}",
    operation_id="getBounty",
    summary="Read a bounty, and whether a right answer is paid",
    responses=problems(
        {
            404: ("not_a_bounty", "the contract's code is not the audited bounty's"),
            422: ("invalid_request", "path/contract: a hash is 0x and 64 hex digits"),
        }
    ),
)
def get_bounty(resources: Res, key: Key, contract: str) -> BountyResourceView:
    """Anybody's bounty on the chain, also one that was not looked at: every reason why a right answer might not be paid
    for certain, and how many claims there surely are.
    """
    try:
        name = ContractId(parse_hash(contract))
    except ValueError as error:
        raise InvalidParameter("path/contract", str(error)) from None
    with resources.engine.connect() as connection:
        try:
            return BountyResourceView.read(read_bounty(connection, resources.index(), name))
        except NotABounty as error:
            raise NotFound(error.code, error.detail) from None
