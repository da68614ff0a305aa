"""`accountant setup`: what must be there before processes start one by one (`accountant up` does it itself)."""

import typer

from accountant.bootstrap import prepare
from accountant.logs import configure_logs
from accountant.settings import load_settings

app = typer.Typer()


@app.command()
def setup() -> None:
    """Migrate the database at DATABASE_URL, make the first API key if there is none, and print it."""
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format, "setup")
    key = prepare(settings)
    print(f"API key  {key}" if key else f"API key  (made earlier, not kept in {settings.data_dir})")
