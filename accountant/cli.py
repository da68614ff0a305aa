"""The `accountant` command, put together from the modules of `accountant.commands`.

Each of them has a typer application `app`. If its only command has the module's own name, that is the command
(`commands/up.py`, function `up`: `accountant up`); else the module is a group (`commands/node.py`, function `run`:
`accountant node run`). A module without `app` is part of another group. Only the module that was asked for is imported.
"""

import sys
from importlib import import_module
from pkgutil import iter_modules

import typer

import accountant.commands
from accountant.primitives.errors import AccountantError

_EXIT_EXPECTED = 2


def build(asked: str | None) -> typer.Typer:
    """The application with the command `asked`, or with all of them if there is no such command."""
    root = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)

    @root.callback()
    def describe() -> None:
        """An on-chain accountant for A New Hope: a chain that orders transactions without executing them."""

    modules = sorted(module.name for module in iter_modules(accountant.commands.__path__))
    for name in [asked] if asked in modules else modules:
        group: typer.Typer | None = getattr(import_module(f"accountant.commands.{name}"), "app", None)
        if group is None:  # a part of another group
            continue
        commands = group.registered_commands
        if len(commands) == 1 and commands[0].callback is not None and commands[0].callback.__name__ == name:
            root.command(name, help=commands[0].help)(commands[0].callback)
        else:
            root.add_typer(group, name=name)
    return root


def main() -> None:
    """Runs the command line. An expected failure is one line on standard error and exit status 2."""
    try:
        build(sys.argv[1] if len(sys.argv) > 1 else None)()
    except AccountantError as error:
        print(f"accountant: {error.detail}", file=sys.stderr)
        sys.exit(_EXIT_EXPECTED)
    except OSError as error:
        if error.filename is None:  # no file that somebody named, or could repair
            raise
        print(f"accountant: {error.filename}: {error.strerror}", file=sys.stderr)
        sys.exit(_EXIT_EXPECTED)


if __name__ == "__main__":
    main()
