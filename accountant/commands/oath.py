"""`accountant oath …`: does an oath count, and what is the deposit behind oaths worth?"""

import typer

from accountant.commands.oath_audit import audit
from accountant.commands.oath_check import check
from accountant.commands.oath_prosecute import convict, prosecute
from accountant.commands.oath_prove import prove
from accountant.commands.oath_withdraw import withdraw

app = typer.Typer(no_args_is_help=True, help="Read oaths, and audit those who swear.")
app.command()(check)
app.command()(prove)
app.command()(audit)
app.command()(prosecute)
app.command()(convict)
app.command()(withdraw)
