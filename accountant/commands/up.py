"""`accountant up`: everything on one machine, until Ctrl-C or SIGTERM."""

import signal
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from accountant.commands.beside import PORT, InvalidBeside, Joined, beside, join
from accountant.logs import configure_logs
from accountant.primitives.addresses import show
from accountant.settings import LogTo, load_settings
from accountant.supervisor.stack import Stack

app = typer.Typer()


@app.command()
def up(
    name: Annotated[str, typer.Option(help="Another accountant beside the first: its own folder and servers.")] = "",
    port: Annotated[
        int | None, typer.Option(min=0, max=65_533, help="Of its API; node and dashboard take the next two.")
    ] = None,
    follow: Annotated[str, typer.Option(help="The node that it follows; default: the first accountant's.")] = "",
    follow_data: Annotated[
        Path | None, typer.Option(help="Data folder of the accountant followed, for its faucet; default: the first's.")
    ] = None,
) -> None:
    """Start servers and all processes, print URLs and the API key, and stop cleanly on Ctrl-C or SIGTERM.

    With --name, a second accountant on this machine, which follows the first one's node.
    """
    first = load_settings()
    settings, joined = first, None
    configure_logs(settings.log_level, settings.log_format, "supervisor")
    if name:
        settings = beside(first, name, PORT if port is None else port, follow)
        joined = join(settings, first.chain_folder if follow_data is None else follow_data / "chain")
    elif not (port is None and follow == "" and follow_data is None):
        raise InvalidBeside("--port, --follow and --follow-data go with --name; the first accountant has its settings")
    stack = Stack(settings, log_to_files=settings.log_to is LogTo.FILES)

    def stop(_number: int, _frame: FrameType | None) -> None:
        stack.ask_to_stop()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    with stack:
        if not stack.is_stopping:
            print(_greeting(stack, joined), flush=True)
        stack.wait()


def _greeting(stack: Stack, joined: Joined | None) -> str:
    key = stack.api_key or f"(made earlier, not kept in {stack.settings.data_dir})"
    logs = stack.log_folder or "stderr"
    return (
        f"API        {stack.api_url}/v1\nNode       {stack.node_url}\nDashboard  {stack.dashboard_url}\n"
        f"{_first_owner(stack)}API key    {key}\nLogs       {logs}\n"
        f"{'' if joined is None else _following(stack, joined)}Ready. Stop with Ctrl-C."
    )


def _first_owner(stack: Stack) -> str:
    """Where the dashboard's first owner begins, as long as there is none."""
    link = stack.settings.dashboard_link_path
    return f"Begin at   {stack.dashboard_url}/welcome/{link.read_text().strip()}\n" if link.exists() else ""


def _following(stack: Stack, joined: Joined) -> str:
    signer, money = show(joined.signer), ""
    if joined.paid:
        money = f" (the faucet pays it {joined.paid:,} base units)"
    if joined.lacks:
        money = f"\nLacks      money to swear: accountant chain fund {signer} {joined.lacks}"
    return f"Follows    {stack.settings.node_peers}, genesis {joined.genesis_hash}\nSigner     {signer}{money}\n"
