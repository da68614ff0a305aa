"""`accountant contract …`: write contracts in Python, test them, and bring them onto a chain."""

import typer

from accountant.commands.contract_new import new
from accountant.commands.contract_test import test

app = typer.Typer(no_args_is_help=True, help="Write, test and use contracts.")
app.command()(new)
app.command()(test)
