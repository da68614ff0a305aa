"""`accountant chain …`: what concerns a whole chain."""

import typer

from accountant.commands.chain_headers import headers
from accountant.commands.init import init
from accountant.commands.record import record

app = typer.Typer(no_args_is_help=True, help="Make and inspect whole chains.")
app.command()(init)
app.command()(headers)
app.command()(record)
