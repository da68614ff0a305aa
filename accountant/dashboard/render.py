"""Pages from templates. Everything that is put into one is escaped; nothing that is stored becomes markup."""

import hashlib
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.runtime import Context, Macro
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from accountant.dashboard.forms import CSRF_FIELD
from accountant.dashboard.navigation import groups
from accountant.dashboard.text import FILTERS, share
from accountant.storage.admins import Role, Session

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"
THEMES = ("auto", "light", "dark")
THEME_COOKIE = "anh_theme"


def written(value: object) -> str:
    """A value as markup, as `escape` makes it; without what marks it as such, where it only goes into more markup."""
    if type(value) is str and not _SPECIAL(value):
        return value
    return value if type(value) is Markup else escape(value)


_SPECIAL = re.compile("[&<>'\"]").search


class _Writing(CodeGenerator):
    """Templates' code: hundreds of values on a page are escaped, and few have anything to escape."""

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is not None:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write("environment.written(")


class _Calling(Context):
    """Macros are called as they are: none of them asks for the context, and Jinja looks for that at each call."""

    def call(self, called: Callable[..., Any], /, *given: Any, **named: Any) -> Any:
        """What a template calls."""
        if type(called) is not Macro:
            return super().call(called, *given, **named)
        named.pop("_block_vars", None)
        named.pop("_loop_vars", None)
        return called(*given, **named)


class _Pages(Environment):
    code_generator_class = _Writing
    context_class = _Calling
    written = staticmethod(written)


@cache
def environment() -> Environment:
    """The templates."""
    made = _Pages(
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
