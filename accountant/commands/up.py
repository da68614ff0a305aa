"""`accountant up`: everything on one machine, until Ctrl-C or SIGTERM."""

import signal
from types import FrameType

import typer

from accountant.logs import configure_logs
from accountant.settings import LogTo, load_settings
from accountant.supervisor.stack import Stack

app = typer.Typer()


@app.command()
def up() -> None:
    """Start servers and all processes, print URLs and the API key, and stop cleanly on Ctrl-C or SIGTERM."""
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format, "supervisor")
    stack = Stack(settings, log_to_files=settings.log_to is LogTo.FILES)

    def stop(_number: int, _frame: FrameType | None) -> None:
        stack.ask_to_stop()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    with stack:
        if not stack.is_stopping:
            print(_greeting(stack), flush=True)
        stack.wait()


def _greeting(stack: Stack) -> str:
    key = stack.api_key or f"(made earlier, not kept in {stack.settings.data_dir})"
    logs = stack.log_folder or "stderr"
    return (
        f"API      {stack.api_url}/v1\nNode     {stack.node_url}\nAPI key  {key}\nLogs     {logs}\n"
        "Ready. Stop with Ctrl-C."
    )
