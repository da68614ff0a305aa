"""`accountant blob …`: large objects by the hash of their bytes."""

import typer

from accountant.commands.blob_files import get, list_, put
from accountant.commands.blob_publish import publish
from accountant.commands.blob_store import gc, unpin

app = typer.Typer(no_args_is_help=True, help="Bytes that contracts load, by their CIDs.")
app.command()(put)
app.command()(get)
app.command(name="list")(list_)
app.command()(publish)
app.command()(gc)
app.command()(unpin)
