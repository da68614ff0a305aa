"""Workers: which processes live, what each does now, which were restarted; and the services of which one runs."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from accountant.dashboard.render import page
from accountant.dashboard.resources import Res, Viewer
from accountant.monitoring.reads.workers import PROCESSES_MOST, pools, processes, services
from accountant.monitoring.verdict import SILENT_SERVICE_S

router = APIRouter()


@router.get("/workers")
def workers(request: Request, resources: Res, session: Viewer) -> Response:
    """All that beat in the last day; the page asks again every two seconds."""
    with resources.reads.connect() as connection:
        return page(
            request,
            "pages/workers.html",
            session,
            pools=pools(connection),
            processes=processes(connection),
            most=PROCESSES_MOST,
            services=services(connection, SILENT_SERVICE_S),
        )
