"""`accountant bounty …`: pay for the answer to a question, and only for the right one."""

import typer

from accountant.commands.bounty_open import open_bounty
from accountant.commands.bounty_refund import refund
from accountant.commands.bounty_show import list_bounties, show_bounty

app = typer.Typer(no_args_is_help=True, help="Pay for the answer to a question, and only for the right one.")
app.command("open")(open_bounty)
app.command("list")(list_bounties)
app.command("show")(show_bounty)
app.command("refund")(refund)
