"""Accounts: zero-cost, proven and possible balances, and incomes with what it costs to know them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import RedirectResponse, Response

from accountant.dashboard.looking import Look, Looking
from accountant.dashboard.text import account as shown
from accountant.monitoring.reads.account import INCOMES, WALKED_MOST, account_page
from accountant.monitoring.reads.search import FoundKind, NotFound, find
from accountant.primitives.addresses import parse_account
from accountant.primitives.types import Seq

LISTED = 50
"""Of genesis' accounts and contracts, those that are listed."""


def chain_account_routes(look: Look) -> APIRouter:
    """The pages of accounts, for whoever `look` lets in."""
    router = APIRouter()
    Who = Annotated[Looking, Depends(look)]

    @router.get("/accounts")
    def accounts(request: Request, who: Who, q: str = "") -> Response:
        if q.strip():
            try:
                found = find(who.index, q)
            except NotFound as error:
                return _accounts(request, who, q[:200], error.detail, 404)
            if found.kind is FoundKind.ACCOUNT:
                return RedirectResponse(f"{who.base}/accounts/{found.name}", 303)
            return _accounts(request, who, q[:200], f"That is a {found.kind}, not an account.", 404)
        return _accounts(request, who, "", "")

    @router.get("/accounts/{name}")
    def account(
        request: Request, who: Who, name: str, before: Annotated[int | None, Query(ge=0, lt=2**63)] = None
    ) -> Response:
        given = parse_account(name)
        found = account_page(who.index, who.outcomes, given, None if before is None else Seq(before))
        return who.page(request, "pages/account.html", page=found, before=before, walked=WALKED_MOST, most=INCOMES)

    return router


def _accounts(request: Request, who: Looking, query: str, error: str, status: int = 200) -> Response:
    genesis = who.index.genesis
    users = [(shown(one.address), one.zero_balance) for one in genesis.accounts[:LISTED]]
    contracts = [one.contract for one in genesis.contracts[:LISTED]]
    return who.page(
        request, "pages/accounts.html", status, query=query, error=error, users=users, contracts=contracts, most=LISTED
    )
