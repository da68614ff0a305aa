"""`accountant contract new NAME`: a contract to begin with, and its tests, which pass."""

import keyword
import re
from pathlib import Path
from typing import Annotated

import typer

from accountant.primitives.errors import AccountantError

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)

CONTRACT = '''"""A counter: everyone counts for himself."""

from accountant.language import Account, Event, Map, caller, export, log, view

counts: Map[Account, int]


class Counted(Event):
    """Somebody counted."""

    who: Account
    count: int


@export
def count(times: int) -> int:
    """Adds to the caller's count, which it returns."""
    assert times > 0, "count at least once"
    counts[caller()] += times
    log(Counted(who=caller(), count=counts[caller()]))
    return counts[caller()]


@view
def count_of(account: Account) -> int:
    """How far an account has counted."""
    return counts[account]
'''

TEST = '''"""The counter's tests: run `accountant contract test {name}.py`, or pytest."""

from accountant.sandbox import Chain


def test_everyone_counts_for_himself(chain: Chain) -> None:
    """One account's count is not another's, and an event tells of it."""
    alice, bob = chain.account("alice"), chain.account("bob")
    {name} = chain.deploy("{name}.py", sender=alice)
    result = {name}.count(5, sender=alice)
    assert result.returned == 5
    assert result.events == [{name}.Counted(who=alice.address, count=5)]
    assert {name}.count_of(alice) == 5
    assert {name}.count_of(bob) == 0


def test_nobody_counts_backwards(chain: Chain) -> None:
    """A failed call says why, and changes nothing."""
    alice = chain.account("alice")
    {name} = chain.deploy("{name}.py", sender=alice)
    failed = {name}.count(-1, sender=alice)
    assert failed.reason == "count at least once"
    assert {name}.count_of(alice) == 0
'''


class NotNew(AccountantError):
    """A name that no new contract can have here."""

    code = "not_new"


def new(
    name: Annotated[str, typer.Argument(help="The contract's name: lower-case letters, digits and underscores.")],
    into: Annotated[Path, typer.Option(help="The folder to write to; made if it is not there.")] = Path(),
) -> None:
    """Write a small contract and its tests, to begin with."""
    taken = keyword.iskeyword(name) or name in ("chain", "alice", "bob", "result", "failed") or name.startswith("test_")
    if not _NAME.fullmatch(name) or taken:
        raise NotNew(f"{name!r} is no contract's name: take another one of lower-case letters, digits and underscores")
    files = {into / f"{name}.py": CONTRACT, into / f"test_{name}.py": TEST.format(name=name)}
    for path in files:
        if path.exists():
            raise NotNew(f"{path} is there already, and stays as it is")
    into.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
        typer.echo(path)
