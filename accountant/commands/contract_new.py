"""`accountant contract new NAME`: a contract to begin with, and its tests, which pass."""

import keyword
import re
from pathlib import Path
from typing import Annotated

import typer

from accountant.commands.contract_templates import TEMPLATES, Template
from accountant.primitives.errors import AccountantError

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)


class NotNew(AccountantError):
    """A name that no new contract can have here."""

    code = "not_new"


def new(
    name: Annotated[str, typer.Argument(help="The contract's name: lower-case letters, digits and underscores.")],
    into: Annotated[Path, typer.Option(help="The folder to write to; made if it is not there.")] = Path(),
    template: Annotated[Template, typer.Option(help="What to begin with.")] = Template.COUNTER,
) -> None:
    """Write a small contract and its tests, to begin with."""
    taken = keyword.iskeyword(name) or name in ("chain", "alice", "bob", "result", "failed") or name.startswith("test_")
    if not _NAME.fullmatch(name) or taken:
        raise NotNew(f"{name!r} is no contract's name: take another one of lower-case letters, digits and underscores")
    chosen = TEMPLATES[template]
    files = {into / f"{name}.py": chosen.contract, into / f"test_{name}.py": chosen.test.format(name=name)}
    for path in files:
        if path.exists():
            raise NotNew(f"{path} is there already, and stays as it is")
    into.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
        typer.echo(path)
