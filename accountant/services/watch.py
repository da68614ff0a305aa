"""The watch list: contracts that are audited again and again. An audit that is due is a job like any other."""

import uuid

import sqlalchemy as sa

from accountant.chain.block import Position
from accountant.oath.audit_report import AuditQuestion
from accountant.primitives.encoding import encode
from accountant.primitives.errors import AccountantError
from accountant.primitives.types import ContractId
from accountant.services.ask import JOB_ID_PREFIX, accept
from accountant.services.policy import JobPolicy
from accountant.services.questions import QuestionKind
from accountant.storage.jobs import Jobs, NewJob
from accountant.storage.watch_list import Watch, WatchList, WatchRow

INTERVAL_LEAST_S = 10
INTERVAL_MOST_S = 366 * 86_400
WATCHED_MOST = 1_000
"""Contracts on one key's list."""
BATCH = 100


class NotWatched(AccountantError):
    """A contract that is not on this key's list."""

    code = "not_watched"


class WatchListFull(AccountantError):
    """A key's list that takes no more contracts."""

    code = "watch_list_full"


def watch(connection: sa.Connection, key_prefix: str, wanted: Watch) -> WatchRow:
    """Puts a contract on a key's list, or changes how it is watched. Raises `WatchListFull`."""
    listed = WatchList(connection)
    if listed.get(key_prefix, wanted.contract) is None and listed.count(key_prefix) >= WATCHED_MOST:
        raise WatchListFull(f"{WATCHED_MOST} contracts are watched: take one off first")
    return listed.put(key_prefix, wanted)


def unwatch(connection: sa.Connection, key_prefix: str, contract: ContractId) -> None:
    """Takes a contract off a key's list. Raises `NotWatched`."""
    if not WatchList(connection).remove(key_prefix, contract):
        raise NotWatched("this contract is not on your watch list")


def watched(connection: sa.Connection, key_prefix: str, contract: ContractId) -> WatchRow:
    """A contract on a key's list. Raises `NotWatched`."""
    row = WatchList(connection).get(key_prefix, contract)
    if row is None:
        raise NotWatched("this contract is not on your watch list")
    return row


def ask_due_audits(engine: sa.Engine, policy: JobPolicy) -> int:
    """Asks for the audits that are due, at the head as it is now; how many.

    Job, message and next date are one database transaction, and a row that somebody else asks for is skipped: whoever
    dies when, no audit is asked for twice, and none is forgotten. One whose last audit has not ended waits for it.
    """
    with engine.begin() as connection:
        listed = WatchList(connection)
        due = listed.due(BATCH)
        head = listed.head() if due else None
        if head is None:
            return 0
        jobs = Jobs(connection)
        for row in due:
            question = AuditQuestion(row.contract, Position(head, 0), row.gas_budget)
            new = NewJob(
                id=JOB_ID_PREFIX + uuid.uuid4().hex,
                key_prefix=row.key_prefix,
                kind=QuestionKind.AUDIT,
                request=encode(question),
                swear=row.swear,
                attempts_most=policy.attempts_most,
            )
            listed.asked(row, accept(jobs, new).id)
    return len(due)
