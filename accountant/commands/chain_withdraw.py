"""`accountant chain withdraw TRANSACTION`: a wrong outcome goes, with everything that was computed from it."""

from contextlib import ExitStack
from typing import Annotated

import typer

from accountant.api.fields import parse_hash
from accountant.commands.database import database_url
from accountant.primitives.errors import AccountantError
from accountant.primitives.types import Hash
from accountant.services.withdraw import Withdrawn
from accountant.services.withdraw import withdraw as withdraw_outcome
from accountant.storage.database import Database, engine_of
from accountant.storage.index import PostgresIndex

_SHOWN = 20
"""Jobs named one by one."""


class InvalidHash(AccountantError):
    """No transaction is named so."""

    code = "invalid_hash"


def withdraw(
    transaction: Annotated[str, typer.Argument(help="The hash of the transaction whose stored outcome is wrong.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
) -> None:
    """Withdraw a wrong outcome from this accountant's database, with everything computed from it.

    Finished jobs whose answers rest on it are marked, and asked again. Nothing is executed here.
    """
    try:
        name = Hash(parse_hash(transaction))
    except ValueError as error:
        raise InvalidHash(str(error)) from None
    url = database_url()
    with ExitStack() as opened:
        database = opened.enter_context(Database(url))
        engine = engine_of(url)
        opened.callback(engine.dispose)
        withdrawn = withdraw_outcome(engine, PostgresIndex(database), name, dry_run)
    _print(withdrawn, dry_run)


def _print(withdrawn: Withdrawn, dry_run: bool) -> None:
    would = "would be " if dry_run else ""
    outcomes, jobs = len(withdrawn.seqs), withdrawn.jobs
    typer.echo(
        f"{outcomes} outcome{'s' * (outcomes != 1)} {would}withdrawn, numbers {withdrawn.seqs[0]} to "
        f"{withdrawn.seqs[-1]}; {withdrawn.checkpoints} checkpoint{'s' * (withdrawn.checkpoints != 1)} with them"
    )
    for job in jobs[:_SHOWN]:
        again = "would be asked again" if dry_run else f"asked again as {job.again}"
        typer.echo(f"{job.job_id} {again}{', although its answer is sworn' * job.sworn}")
    if len(jobs) > _SHOWN:
        typer.echo(f"and {len(jobs) - _SHOWN} further jobs")
