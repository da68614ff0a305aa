"""`accountant blob …`: bytes that contracts load, by their CIDs."""

import typer

from accountant.commands.blob_publish import publish

app = typer.Typer(no_args_is_help=True, help="Bytes that contracts load, by their CIDs.")
app.command()(publish)


@app.callback()
def describe() -> None:
    """A group of one command is still a group."""
