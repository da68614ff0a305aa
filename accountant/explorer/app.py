"""The explorer's application, which the REST API mounts: shared pages, the public question, static files."""

from http import HTTPStatus
from typing import Annotated

import sqlalchemy as sa
import structlog
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from accountant.dashboard.files import Files
from accountant.dashboard.forms import Form, InvalidForm, read_form
from accountant.dashboard.one_thread import add_routes
from accountant.dashboard.pages.accounts import chain_account_routes
from accountant.dashboard.pages.chain import chain_routes
from accountant.dashboard.pages.oaths import oath_routes
from accountant.dashboard.render import STATIC, THEME_COOKIE, THEMES, page
from accountant.dashboard.security import Secured
from accountant.explorer import asking, certificates, settled
from accountant.explorer.limiting import Limited, Limits
from accountant.explorer.resources import BASE, LAYOUT, ExplorerResources, of_everybody
from accountant.monitoring.reads.search import NotFound
from accountant.oath.oath import NotAnOath
from accountant.primitives.errors import AccountantError, InvalidAddress
from accountant.services.export import NoCertificate, NothingToProve
from accountant.services.follow import UnknownJob
from accountant.services.public_questions import Busy
from accountant.storage.index import NoChain

_log = structlog.get_logger(__name__)

_STATUS: dict[type[Exception], int] = {
    InvalidForm: 400,
    RequestValidationError: 404,
    InvalidAddress: 404,
    NotAnOath: 404,
    NotFound: 404,
    UnknownJob: 404,
    NoCertificate: 409,
    NothingToProve: 409,
    Busy: 503,
    NoChain: 503,
    sa.exc.OperationalError: 503,
}
_WORDS: dict[type[Exception], str] = {
    RequestValidationError: "The address of this page holds something that is no number of the chain.",
    UnknownJob: "There is no such answer here. Each has an address of its own, to which its question led.",
    NoCertificate: "There is no such file yet: its certificate is not made.",
}
"""Instead of what the error says to those who have a key."""
_DETAILS = {
    404: "There is nothing here.",
    405: "That cannot be done here.",
    503: "The accountant, or the chain, cannot be reached now. Try again in a while.",
}
_YEAR_S = 365 * 86_400
_RETRY_S = 5


def create_explorer(resources: ExplorerResources) -> FastAPI:
    """The ASGI application over these resources. Whoever made them closes them."""
    app = FastAPI(title="ANH explorer", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.resources = resources
    asking.prepare(app)
    app.include_router(settled.router)
    app.include_router(certificates.router)
    for shared in (chain_routes, chain_account_routes, oath_routes):
        add_routes(app, shared(of_everybody))
    app.add_api_route("/theme", _theme, methods=["POST"])
    app.mount("/static", Files(directory=STATIC))
    for expected in (AccountantError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(expected, _failed)
    app.add_middleware(Limited, limits=Limits(resources.redis_url))
    app.add_middleware(Secured)
    return app


def _theme(form: Annotated[Form, Depends(read_form)]) -> Response:
    """Light, dark, or as the system says."""
    chosen = form["theme"] if form["theme"] in THEMES else THEMES[0]
    to = form["next"]
    inside = to.startswith(BASE + "/") and to.isascii() and to.isprintable() and "\\" not in to
    answer = RedirectResponse(to if inside else BASE + "/", 303)
    answer.set_cookie(THEME_COOKIE, chosen, max_age=_YEAR_S, httponly=True, samesite="strict")
    return answer


def _failed(request: Request, error: Exception) -> Response:
    """What went wrong, as a page: of a bug no more than that there is one."""
    status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR
    status = next((number for kind, number in _STATUS.items() if isinstance(error, kind)), status)
    told = isinstance(error, AccountantError) and not isinstance(error, NoChain)
    told = told and status != HTTPStatus.INTERNAL_SERVER_ERROR
    detail = error.detail if isinstance(error, AccountantError) and told else _DETAILS.get(status, "")
    detail = next((words for kind, words in _WORDS.items() if isinstance(error, kind)), detail)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("explorer_failed", path=request.url.path, error=f"{type(error).__name__}: {error}")
    title = HTTPStatus(status).phrase
    answer = page(request, "error.html", None, status, title=title, detail=detail, base=BASE, layout=LAYOUT)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        answer.headers["Retry-After"] = str(_RETRY_S)
    return answer
