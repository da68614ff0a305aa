"""`accountant contract check FILE…`: does it compile, and what does each function's footprint leave open?"""

from pathlib import Path
from typing import Annotated

import typer

from accountant.language.compiler import Compiled, compile_file
from accountant.language.errors import ContractError

_BAD_INPUT = 2


def check(files: Annotated[list[Path], typer.Argument(help="Contracts: files of Python.")]) -> None:
    """Compile contracts and write nothing. Exit status: 0, or 2 with the first error of each file that has one."""
    refused = False
    for file in files:
        try:
            typer.echo(summary(file, compile_file(file)))
        except ContractError as error:
            refused = True
            typer.echo(error.detail, err=True)
    if refused:
        raise typer.Exit(_BAD_INPUT)


def summary(file: Path, compiled: Compiled) -> str:
    """One line: functions, those whose footprint is not complete, and the module's size."""
    functions = compiled.interface.functions
    constructor = compiled.interface.constructor
    names = [f"{one.name} (view)" if one.view else one.name for one in functions]
    calls = [*([] if constructor is None else [constructor]), *(one for one in functions if not one.view)]
    open_ones = [one.name for one in calls if not one.complete]
    footprints = f"simulation needed for {', '.join(open_ones)}" if open_ones else "footprints complete"
    return f"{file}: {', '.join(names) or 'no functions'}; {footprints}; {len(compiled.code):,} bytes"
