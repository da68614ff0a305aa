"""Pages from templates. Everything that is put into one is escaped; nothing that is stored becomes markup."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from accountant.dashboard.forms import CSRF_FIELD
from accountant.dashboard.navigation import groups
from accountant.dashboard.text import FILTERS, share
from accountant.storage.admins import Role, Session

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"
THEMES = ("auto", "light", "dark")
THEME_COOKIE = "anh_theme"


@cache
def environment() -> Environment:
    """The templates."""
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(FILTERS)
    made.globals.update(static=static_url, share=share, Role=Role)
    return made


@cache
def static_url(name: str) -> str:
    """Where a file of `static/` is, with its hash: browsers may keep it for ever."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?{digest}"


def page(
    request: Request, template: str, session: Session | None = None, status: int = 200, **values: Any
) -> HTMLResponse:
    """The markup of a template as an answer."""
    return HTMLResponse(text_of(request, template, session, **values), status)


def part(template: str, **values: Any) -> str:
    """The markup of a part of a page that is the same for everybody."""
    return environment().get_template(template).render(**values)


def text_of(request: Request, template: str, session: Session | None = None, **values: Any) -> str:
    """The markup of a template."""
    theme = request.cookies.get(THEME_COOKIE, THEMES[0])
    token = "" if session is None else session.csrf
    hidden = Markup('<input type="hidden" name="{}" value="{}">').format(CSRF_FIELD, token)
    return (
        environment()
        .get_template(template)
        .render(
            session=session,
            csrf=lambda: hidden,
            places=[] if session is None else groups(session.user.role),
            path=request.url.path,
            theme=theme if theme in THEMES else THEMES[0],
            themes=THEMES,
            **{"base": "", "layout": "layout.html", **values},
        )
    )
