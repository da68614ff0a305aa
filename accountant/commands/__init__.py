"""The subcommands of `accountant`: one module a command or group of commands, each with a typer application `app`."""
