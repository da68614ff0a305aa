"""`accountant chain …`: what concerns a whole chain."""

import typer

from accountant.commands.chain_compare import compare
from accountant.commands.chain_headers import headers
from accountant.commands.chain_observe import observe
from accountant.commands.chain_send import fund, send
from accountant.commands.chain_withdraw import withdraw
from accountant.commands.init import init
from accountant.commands.record import record

app = typer.Typer(no_args_is_help=True, help="Make, inspect and repair whole chains; transfer money.")
app.command()(init)
app.command()(headers)
app.command()(record)
app.command()(compare)
app.command()(withdraw)
app.command()(observe)
app.command()(send)
app.command()(fund)
