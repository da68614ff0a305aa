"""The dashboard's application: pages, static files, and one handler of errors."""

from http import HTTPStatus
from urllib.parse import quote

import sqlalchemy as sa
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from accountant.dashboard import (
    account_routes,
    actions_routes,
    login_routes,
    metrics_routes,
    settings_routes,
    users_routes,
)
from accountant.dashboard.files import Files
from accountant.dashboard.forms import ForgedForm, InvalidForm
from accountant.dashboard.live import Live
from accountant.dashboard.looking import of_the_dashboard
from accountant.dashboard.one_thread import add_routes
from accountant.dashboard.pages import execution, home, job, jobs, networks, oaths, reliability, workers
from accountant.dashboard.pages.accounts import chain_account_routes
from accountant.dashboard.pages.chain import chain_routes
from accountant.dashboard.pages.execution import InvalidParty
from accountant.dashboard.pages.oaths import oath_routes
from accountant.dashboard.render import STATIC, page
from accountant.dashboard.resources import DashboardResources, NotAllowed, NotSignedIn, session_or_none
from accountant.dashboard.security import Secured
from accountant.dashboard.users_routes import CannotChange
from accountant.monitoring.catalogue import UnknownMetric
from accountant.monitoring.reads.search import NotFound
from accountant.monitoring.series import UnknownSpan
from accountant.oath.oath import NotAnOath
from accountant.primitives.errors import AccountantError, InvalidAddress
from accountant.services.admin_access import LinkGone
from accountant.services.follow import UnknownJob
from accountant.storage.index import NoChain

_log = structlog.get_logger(__name__)

_STATUS: dict[type[Exception], int] = {
    NotAllowed: 403,
    ForgedForm: 403,
    InvalidForm: 400,
    LinkGone: 410,
    CannotChange: 422,
    RequestValidationError: 404,
    NoChain: 503,
    sa.exc.OperationalError: 503,
    InvalidAddress: 404,
    NotAnOath: 404,
    NotFound: 404,
    UnknownMetric: 404,
    UnknownSpan: 404,
    UnknownJob: 404,
    InvalidParty: 404,
}


def create_dashboard(resources: DashboardResources) -> FastAPI:
    """The ASGI application over these resources. Whoever made them closes them."""
    app = FastAPI(title="ANH accountant", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.resources = resources
    app.state.live = Live(resources)
    for routes in (
        home,
        jobs,
        job,
        workers,
        execution,
        reliability,
        oaths,
        networks,
        metrics_routes,
        login_routes,
        account_routes,
        users_routes,
        actions_routes,
        settings_routes,
    ):
        add_routes(app, routes.router)
    for shared in (chain_routes, chain_account_routes, oath_routes):
        add_routes(app, shared(of_the_dashboard))
    app.mount("/static", Files(directory=STATIC))
    for expected in (AccountantError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(expected, _failed)
    app.add_middleware(Secured)
    return app


def _failed(request: Request, error: Exception) -> Response:
    """What went wrong, as a page; whoever is not signed in is sent to sign in and comes back."""
    session = getattr(request.state, "session", None)
    if session is None and isinstance(error, RequestValidationError):  # it was looked at before who asks
        session = _who(request)
    if isinstance(error, NotSignedIn) or (session is None and isinstance(error, RequestValidationError)):
        to = f"/login?next={quote(request.url.path, safe='/')}"
        if "hx-request" in request.headers:  # the whole page goes there, not the part that htmx asked for
            return Response(status_code=401, headers={"HX-Redirect": to})
        return RedirectResponse(to, 303)
    status = error.status_code if isinstance(error, HTTPException) else 500
    status = next((number for kind, number in _STATUS.items() if isinstance(error, kind)), status)
    known = isinstance(error, AccountantError) and status != HTTPStatus.INTERNAL_SERVER_ERROR
    detail = error.detail if isinstance(error, AccountantError) and known else _DETAILS.get(status, "")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("page_failed", path=request.url.path, error=f"{type(error).__name__}: {error}")
    if session is None and status == HTTPStatus.NOT_FOUND:
        session = _who(request)
    title = HTTPStatus(status).phrase
    return page(request, "error.html", session, status, title=title, detail=detail)


_DETAILS = {
    404: "There is nothing here.",
    405: "That cannot be done here.",
    503: "The database, or the chain in it, cannot be reached now.",
}


def _who(request: Request) -> object:
    try:
        return session_or_none(request, request.app.state.resources)
    except sa.exc.SQLAlchemyError:
        return None
