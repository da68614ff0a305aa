"""`accountant contract build FILE`: the module, its interface and its source map, beside the source or elsewhere."""

from pathlib import Path
from typing import Annotated

import typer

from accountant.commands.contract_files import write_file
from accountant.language.artefacts import artefact_files
from accountant.language.compiler import compile_file


def build(
    file: Annotated[Path, typer.Argument(help="The contract: a file of Python.")],
    into: Annotated[Path | None, typer.Option(help="The folder to write to, made if need be; default: FILE's.")] = None,
) -> None:
    """Compile a contract to NAME.wasm, NAME.json (interface) and NAME.map (source map).

    The same source gives the same files.
    """
    compiled = compile_file(file)
    folder = file.parent if into is None else into
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in artefact_files(compiled).items():
        write_file(folder / name, data)
        typer.echo(f"{folder / name}  {len(data):,} bytes")
    typer.echo(f"code hash 0x{compiled.interface.code_sha256}")
