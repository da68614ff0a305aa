"""`accountant settings`: the table of all settings."""

import typer

from accountant.settings import describe

app = typer.Typer()


@app.command()
def settings() -> None:
    """Print every setting: variable, default, meaning."""
    print(describe())
