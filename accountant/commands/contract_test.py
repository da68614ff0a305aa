"""`accountant contract test FILE…`: a contract's own tests, on chains in memory."""

import os
from pathlib import Path
from typing import Annotated

import typer

from accountant.primitives.errors import AccountantError

_OPTIONS = (
    "-q",
    "--import-mode=importlib",
    *("--config-file", os.devnull),  # the settings of a project around the contract are for its own tests
    "--disable-plugin-autoload",  # whatever else is installed: loading it takes longer than most contracts' tests
    *("-p", "anh-sandbox"),
    *("-p", "no:cacheprovider"),  # no folder of pytest's beside contracts
)
_BAD_INPUT = 2


class MissingTests(AccountantError):
    """A contract without a test file, or a file that is not there."""

    code = "missing_tests"


def test(
    files: Annotated[list[Path], typer.Argument(help="Contracts (token.py: test_token.py is beside it) or tests.")],
) -> None:
    """Run contracts' tests with pytest and the sandbox alone.

    Exit status: 0 if all pass, 1 if one fails, 2 if they could not be run.
    """
    import pytest  # here, so that the other commands of the group start without it

    tests = [tests_of(file).absolute() for file in files]
    status = pytest.main(
        [*_OPTIONS, "--rootdir", os.path.commonpath([test.parent for test in tests]), *map(str, tests)]
    )
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise typer.Exit(_BAD_INPUT)
    raise typer.Exit(int(status))


def tests_of(file: Path) -> Path:
    """The tests of a contract, or the file itself if it is a test file. Raises `MissingTests`."""
    tests = file if file.name.startswith("test_") else file.with_name(f"test_{file.stem}.py")
    if not file.is_file() or file.suffix != ".py":
        raise MissingTests(f"{file} is no contract and no test file: name a file of Python")
    if not tests.is_file():
        raise MissingTests(f"{file} has no tests: they would be in {tests}")
    return tests
