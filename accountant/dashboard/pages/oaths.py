"""Oaths: this accountant's purses and what it swore; what audits found of others, and how far to trust them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from accountant.dashboard.looking import Look, Looking, of_the_dashboard
from accountant.dashboard.pages.chain import seq_named
from accountant.monitoring.reads import oaths as reads
from accountant.monitoring.reads.oath import oath_page
from accountant.monitoring.reads.slashes import oaths_by_state, own_slashes
from accountant.services.accountants import list_accountants
from accountant.storage.oaths import OathRow, Oaths

PAGE = 50
VERDICTS = 10
ACCOUNTANTS = 10

router = APIRouter()
Who = Annotated[Looking, Depends(of_the_dashboard)]
Before = Annotated[int | None, Query(ge=1, lt=2**63)]


@router.get("/oaths")
def oaths(request: Request, who: Who, before: Before = None) -> Response:
    """How publishing goes, the purses, and what was signed."""
    with who.engine.connect() as connection:
        own = reads.own_oaths(connection, who.index, who.outcomes)
        signed = reads.signed_lines(connection, before, PAGE + 1)
        lies = reads.verdict_lines(connection, None, VERDICTS, lies=True)
        slashes = own_slashes(connection, VERDICTS)
        states = oaths_by_state(connection)
    return who.page(
        request,
        "pages/oaths.html",
        own=own,
        signed=signed[:PAGE],
        more=len(signed) > PAGE,
        lies=lies,
        slashes=slashes,
        states=states,
        counted=reads.COUNTED_MOST,
    )


@router.get("/oaths/accountants")
def accountants(request: Request, who: Who, after: Annotated[int, Query(ge=0, lt=2**63)] = 0) -> Response:
    """Accountants seen on the chain, in the order in which they were seen, with trust and why."""
    with who.engine.connect() as connection:
        seen, more = list_accountants(connection, who.index, after, ACCOUNTANTS)
    return who.page(request, "pages/accountants.html", seen=seen, more=more)


@router.get("/oaths/audits")
def audits(request: Request, who: Who, before: Before = None) -> Response:
    """What audits found, the latest first."""
    with who.engine.connect() as connection:
        found = reads.audit_lines(connection, before, PAGE + 1)
        verdicts = reads.verdict_lines(connection, None, VERDICTS, lies=False)
    return who.page(request, "pages/audits.html", audits=found[:PAGE], more=len(found) > PAGE, verdicts=verdicts)


def oath_routes(look: Look) -> APIRouter:
    """The page of an oath of the chain, for whoever `look` lets in."""
    shared = APIRouter()
    Looks = Annotated[Looking, Depends(look)]

    @shared.get("/oaths/{name}")
    def oath(request: Request, who: Looks, name: str) -> Response:
        seq = seq_named(who.index, name)
        own: OathRow | None = None
        with who.engine.connect() as connection:
            found = oath_page(connection, who.index, seq)
            if who.session is not None:  # which question it answers is between the accountant and its client
                own = Oaths(connection).of_transaction(found.oath.located.hash, None)
        return who.page(request, "pages/oath.html", page=found, own=own)

    return shared
