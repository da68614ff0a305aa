"""The command line finds its commands and speaks of failures in one line."""

import os
import subprocess
import sys

from accountant.settings import describe


def _accountant(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    argv = [sys.executable, "-m", "accountant.cli", *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=False, env={**os.environ, **environment})


def test_help_lists_every_command() -> None:
    """Without a command the help names all commands and groups."""
    shown = _accountant("--help").stdout
    for name in ("api", "chain", "dispatch", "index", "node", "publish", "settings", "setup", "up"):
        assert f" {name} " in shown


def test_a_command_runs() -> None:
    """`accountant settings` prints the documented table."""
    done = _accountant("settings")
    assert (done.returncode, done.stdout) == (0, describe() + "\n")


def test_an_expected_failure_is_one_line() -> None:
    """A bad setting ends with status 2 and one line on standard error, without a traceback."""
    done = _accountant("up", ANH_API_PORT="many")
    assert done.returncode == 2
    assert done.stderr.startswith("accountant: ANH_API_PORT: ")
    assert done.stderr.count("\n") == 1


def test_an_unknown_command_is_refused() -> None:
    """A command that does not exist ends with status 2 and is named."""
    done = _accountant("fly")
    assert done.returncode == 2
    assert "fly" in done.stderr
