"""`accountant dashboard`: the operator's pages until SIGTERM."""

import asyncio

import typer
import uvicorn

from accountant.commands.api import EndingServer, once_there
from accountant.dashboard.app import create_dashboard
from accountant.dashboard.resources import DashboardResources
from accountant.logs import configure_logs
from accountant.settings import Settings, load_settings
from accountant.storage.database import Database, engine_of
from accountant.storage.index import PostgresIndex
from accountant.storage.outcomes import PostgresOutcomes

app = typer.Typer()

TRUSTED_S = 1.0
"""A connection that answered so short a time ago is not asked whether it lives: a page costs no round trip for it."""
_CONNECTIONS_MAX = 4
_STOP_S = 3
"""What is still open then, event streams above all, is cut."""


@app.command()
def dashboard() -> None:
    """Serve the operator's dashboard."""
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format, "dashboard")
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    engine = engine_of(settings.database, trusted_s=TRUSTED_S)
    with Database(settings.database, _CONNECTIONS_MAX) as database:
        index = once_there(lambda: PostgresIndex(database), lambda made: made.genesis)
        outcomes = once_there(lambda: PostgresOutcomes(database), lambda made: made)
        resources = DashboardResources(engine, index, settings, outcomes=lambda: outcomes().current())
        application = create_dashboard(resources)
        config = uvicorn.Config(
            application,
            host=settings.dashboard_host,
            port=settings.dashboard_port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=_STOP_S,
            server_header=False,
        )
        await EndingServer(config).serve()
        application.state.live.close()
    engine.dispose()
