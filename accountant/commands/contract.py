"""`accountant contract …`: write contracts in Python, test them, and bring them onto a chain."""

import typer

from accountant.commands.contract_build import build
from accountant.commands.contract_call import call
from accountant.commands.contract_check import check
from accountant.commands.contract_deploy import deploy
from accountant.commands.contract_footprint import footprint
from accountant.commands.contract_new import new
from accountant.commands.contract_outcome import outcome
from accountant.commands.contract_service import ARGUMENTS_MAY_BE_NEGATIVE
from accountant.commands.contract_test import test
from accountant.commands.contract_view import view

app = typer.Typer(no_args_is_help=True, help="Write, test and use contracts.")
app.command()(new)
app.command()(check)
app.command()(build)
app.command()(test)
app.command(context_settings=ARGUMENTS_MAY_BE_NEGATIVE)(footprint)
app.command(context_settings=ARGUMENTS_MAY_BE_NEGATIVE)(deploy)
app.command(context_settings=ARGUMENTS_MAY_BE_NEGATIVE)(call)
app.command(context_settings=ARGUMENTS_MAY_BE_NEGATIVE)(view)
app.command()(outcome)
