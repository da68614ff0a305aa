"""The command line finds its commands and speaks of failures in one line."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"ANH_DATA_DIR": "/dev/null"}, "/dev/null cannot be the data folder: File exists"),
        ({"DATABASE_URL": "postgresql://127.0.0.1/x"}, "set both DATABASE_URL and REDIS_URL"),
        ({"DATABASE_URL": "s3cret", "REDIS_URL": "REDIS"}, "DATABASE_URL is not of the form"),
        ({"DATABASE_URL": "postgresql://u:s3cret@host:port/x", "REDIS_URL": "REDIS"}, "DATABASE_URL: its parts"),
        ({"DATABASE_URL": "postgresql://u:s3cret@127.0.0.1:1/x", "REDIS_URL": "REDIS"}, "DATABASE_URL: "),
        ({"DATABASE_URL": "postgresql://127.0.0.1/x", "REDIS_URL": "s3cret"}, "REDIS_URL is not of the form"),
        ({"DATABASE_URL": "postgresql://127.0.0.1/x", "REDIS_URL": "redis://:s3cret@127.0.0.1:1"}, "REDIS_URL: Error"),
        ({"ANH_API_PORT": "TAKEN"}, "set ANH_API_PORT to another"),
        ({"ANH_NODE_PORT": "TAKEN"}, "set ANH_NODE_PORT to another"),
    ],
)
def test_what_is_not_there_is_named(data_dir: Path, redis_url: str, environment: dict[str, str], said: str) -> None:
    """A folder, server or port that cannot be used is one line with the variable to set, and no password in it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        real = {"REDIS": redis_url, "TAKEN": str(taken.getsockname()[1])}
        defaults = {"ANH_DATA_DIR": str(data_dir), "ANH_API_PORT": "0", "ANH_NODE_PORT": "0", "ANH_DASHBOARD_PORT": "0"}
        done = _accountant(
            "up", **{**defaults, **{name: real.get(value, value) for name, value in environment.items()}}
        )
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert done.stderr.startswith("accountant: ") and done.stderr.count("\n") == 1
    assert "s3cret" not in done.stderr


def test_a_file_that_cannot_be_written_is_named() -> None:
    """So is a file in the way of a command that writes."""
    done = _accountant("chain", "init", ANH_DATA_DIR="/dev/null")
    assert done.returncode == 2
    assert done.stderr.startswith("accountant: /dev/null") and done.stderr.count("\n") == 1


def test_an_unknown_command_is_refused() -> None:
    """A command that does not exist ends with status 2 and is named."""
    done = _accountant("fly")
    assert done.returncode == 2
    assert "fly" in done.stderr
