"""The command line in the test's own process: what a user would see, without a second of start for each command."""

import sys
from typing import NamedTuple

import pytest

from accountant.cli import main


class Said(NamedTuple):
    """Exit status and what was printed."""

    status: int
    out: str
    err: str

    def value(self, name: str) -> str:
        """What stands beside a name in the output's column."""
        return next(line for line in self.out.splitlines() if line.startswith(name + " ")).removeprefix(name).strip()


class CommandLine:
    """`accountant …`, with a test's environment and folder."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Said:
        """Runs one command."""
        self._monkeypatch.setattr(sys, "argv", ["accountant", *arguments])
        self._capsys.readouterr()
        status: object = 0
        try:
            main()
        except SystemExit as ended:
            status = ended.code or 0
        assert isinstance(status, int)
        return Said(status, *self._capsys.readouterr())
