"""Execution: what was executed and what was not, what was known already, and who makes answers dear."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from accountant.dashboard.pages.cost_picture import picture
from accountant.dashboard.render import page
from accountant.dashboard.resources import Res, Viewer
from accountant.monitoring.reads.execution import (
    LENGTHS,
    WALKED,
    answers,
    costs,
    dear_jobs,
    dear_transactions,
    dearest,
    everything,
    flights,
    hours_of,
    lookups,
    observed,
    of_party,
    repeated,
)
from accountant.monitoring.series import SPANS
from accountant.primitives.errors import AccountantError
from accountant.primitives.types import ADDRESS_BYTES, HASH_BYTES
from accountant.storage.job_parties import ACCOUNT, CONTRACT

router = APIRouter()

POINTS = 20
"""Heights at which the cost of outstanding money is shown."""

_Word = Annotated[str, Query(max_length=80)]


class InvalidParty(AccountantError):
    """Neither a contract's id nor an account's address."""

    code = "invalid_party"


@router.get("/execution")
def execution(
    request: Request, resources: Res, session: Viewer, span: _Word = "day", contract: _Word = "", account: _Word = ""
) -> Response:
    """The page, or what lies behind one contract's or account's share of it."""
    span = span if span in LENGTHS else "day"
    if contract or account:
        party = CONTRACT if contract else ACCOUNT
        key = _key(contract or account, HASH_BYTES if contract else ADDRESS_BYTES)
        with resources.reads.connect() as connection:
            hours = hours_of(connection, span)
            return page(
                request,
                "pages/execution_party.html",
                session,
                party=party,
                key=key,
                took=of_party(connection, party, key, hours),
                everything=everything(connection, hours),
                transactions=dear_transactions(connection, party, key, hours),
                jobs=dear_jobs(connection, party, key, hours),
                walked=WALKED,
                hours=hours,
                span=span,
                spans=LENGTHS,
            )
    with resources.reads.connect() as connection:
        cost = costs(connection, POINTS)
        hours = hours_of(connection, span)
        count, most = repeated(connection)
        return page(
            request,
            "pages/execution.html",
            session,
            answers=answers(connection, span),
            observed=observed(connection),
            lookups=lookups(connection),
            flights=flights(connection),
            repeated_count=count,
            repeated=most,
            everything=everything(connection, hours),
            contracts=dearest(connection, CONTRACT, hours),
            accounts=dearest(connection, ACCOUNT, hours),
            cost=cost,
            picture=picture(cost),
            charted=span in SPANS,
            hours=hours,
            span=span,
            spans=LENGTHS,
        )


def _key(text: str, length: int) -> bytes:
    """The bytes that an address names. Raises `InvalidParty`."""
    digits = text.removeprefix("0x")
    if len(digits) != 2 * length or not set(digits) <= set("0123456789abcdefABCDEF"):
        raise InvalidParty(f"A contract or an account is named by 0x and {2 * length} hexadecimal digits.")
    return bytes.fromhex(digits)
