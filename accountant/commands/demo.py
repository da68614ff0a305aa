"""`accountant demo`: the main job from nothing, in half a minute."""

from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from accountant.demo.scenario import Report, Step, run_demo
from accountant.logs import configure_logs
from accountant.settings import LogFormat, LogLevel

app = typer.Typer()


@app.command()
def demo(json: Annotated[bool, typer.Option("--json", help="End with one line of JSON.")] = False) -> None:
    """Order real transactions without executing them, then answer, swear, read, audit and slash: on this machine."""
    configure_logs(LogLevel.WARNING, LogFormat.AUTO, "demo")
    console = Console(stderr=json, highlight=False)
    table = Table(title="An accountant at work", title_justify="left")
    table.add_column("step")
    table.add_column("answer")
    table.add_column("executed", justify="right")
    table.add_column("gas", justify="right")

    def tell(step: Step) -> None:
        table.add_row(step.what, step.answer, f"{step.executed:,}", f"{step.gas:,}")
        console.print(f"  {step.what}: {step.answer}")

    console.print(
        "Starting Postgres, Redis, node, indexer, API, worker, dispatcher and publisher, and another accountant …"
    )
    report = run_demo(tell)
    console.print(table)
    console.print(_summary(report))
    if json:
        print(msgspec.json.encode(report).decode())


def _summary(report: Report) -> str:
    return (
        f"{report.transactions} transactions on the chain; {report.executed} executions answered everything, "
        f"{report.gas_share:.1%} of the gas of executing it all, with the same results. {report.seconds} s."
    )
