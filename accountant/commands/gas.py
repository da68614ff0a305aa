"""`accountant gas`: what operations on tensors take on this machine, and what they cost."""

import json
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from accountant.chain.tensor_prices import TensorSchedule
from accountant.chain.tensor_table import TENSOR_PRICES

app = typer.Typer(no_args_is_help=True, help="The prices of operations on tensors.")


@app.command()
def calibrate(
    device: Annotated[str, typer.Option(help="cpu, or cuda where there is a GPU.")] = "cpu",
    out: Annotated[Path | None, typer.Option(help="File for the table as JSON; default: standard output.")] = None,
    report: Annotated[Path | None, typer.Option(help="Folder for a table and a picture for people.")] = None,
    module: Annotated[Path | None, typer.Option(help="File for the table as the module that genesis takes.")] = None,
    version: Annotated[str, typer.Option(help="The table's name; default: today and this device.")] = "",
    passes: Annotated[int, typer.Option(min=1, max=20, help="Times that everything is measured.")] = 3,
) -> None:
    """Measure launch, flop and byte rates of every operation, and write a table of prices that none undercuts."""
    from accountant.calibration.calibrate import calibrate as measure_all
    from accountant.calibration.report import picture, table

    name = version or f"{datetime.now(UTC):%Y-%m-%d}-{device}"
    found = measure_all(name, device, passes=passes)
    text = json.dumps(_as_json(found.schedule), indent=1) + "\n"
    if out is None:
        print(text, end="")
    else:
        out.write_text(text)
    if module is not None:
        module.write_text(_as_module(found.schedule))
    if report is not None:
        report.mkdir(parents=True, exist_ok=True)
        (report / "gas.svg").write_text(picture(found.cases))
        (report / "gas.md").write_text(table(found))
    worst = min(found.cases, key=lambda one: one.paid)
    print(
        f"{len(found.schedule.prices)} kinds, {len(found.cases)} cases on {device} ({platform.machine()}), "
        f"{found.gas_per_second:,.0f} gas/s; least paid: {worst.kind} {worst.shapes}, {worst.paid:.2f} of its time",
        file=sys.stderr,
    )


@app.command()
def show() -> None:
    """Print the table that a new genesis takes."""
    print(json.dumps(_as_json(TENSOR_PRICES), indent=1))


def _as_json(schedule: TensorSchedule) -> dict[str, object]:
    fields = ("kind", "launch", "flop_rate", "byte_rate")
    return {
        "version": schedule.version,
        "unit": "launch: gas; rates: gas ÷ 2^20 for each flop and byte",
        "default": {name: getattr(schedule.default, name) for name in fields[1:]},
        "prices": [{name: getattr(one, name) for name in fields} for one in schedule.prices],
    }


def _as_module(schedule: TensorSchedule) -> str:
    rows = "".join(
        f'        TensorPrice("{one.kind}", {one.launch}, {one.flop_rate}, {one.byte_rate}),\n'
        for one in schedule.prices
    )
    default = schedule.default
    return (
        '"""The prices that a genesis has unless it names others; `accountant gas calibrate --module` wrote them.\n\n'
        'docs/gas.md says on what machine, and how well they fit.\n"""\n\n'
        "from accountant.chain.tensor_prices import TensorPrice, TensorSchedule\n\n"
        "TENSOR_PRICES = TensorSchedule(\n"
        f'    version="{schedule.version}",\n'
        f'    default=TensorPrice("", {default.launch}, {default.flop_rate}, {default.byte_rate}),\n'
        f"    prices=(\n{rows}    ),\n)\n"
    )
