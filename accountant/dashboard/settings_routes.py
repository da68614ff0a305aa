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
    for name, field in Settings.model_fields.items():
        value = getattr(resources.settings, name)
        shown = "(secret)" if isinstance(value, SecretStr) else "" if value is None else str(value)
        default = "" if field.default is None else str(field.default)
        rows.append((variable_of(name), shown, default, field.description or "", value != field.default))
    return page(request, "settings.html", session, rows=rows)
