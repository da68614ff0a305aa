"""The settings that this service runs with. Secrets are never shown."""

from fastapi import APIRouter, Request
from pydantic import SecretStr
from starlette.responses import Response

from accountant.dashboard.render import page
from accountant.dashboard.resources import Res, Viewer
from accountant.settings import Settings, variable_of

router = APIRouter()


@router.get("/settings")
def settings(request: Request, resources: Res, session: Viewer) -> Response:
    """Every setting: its value, its default, what it means."""
    rows = []
    for name, variable, default, description in _FIELDS:
        value = getattr(resources.settings, name)
        shown = "(secret)" if isinstance(value, SecretStr) else _text(value)
        rows.append((variable, shown, _text(default), description, value != default))
    return page(request, "settings.html", session, rows=rows)


def _text(value: object) -> str:
    return "" if value is None else str(value)


_FIELDS = [
    (name, variable_of(name), field.default, field.description or "") for name, field in Settings.model_fields.items()
]
"""Of each setting: its name, its variable, its default, and what it means."""
