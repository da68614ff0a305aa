"""An accountant with a real database that audits the purse of another one: a chain with truths and one lie on it."""

from contextlib import ExitStack
from functools import cache
from typing import NamedTuple

import sqlalchemy as sa

from accountant.chain.block import Position
from accountant.index.port import ChainIndex
from accountant.oath.audit_report import Audit, AuditQuestion, decode_audit
from accountant.primitives.types import ContractId, Seq
from accountant.services.api_keys import ensure_first_key
from accountant.services.ask import ask
from accountant.services.attempt import Attempt
from accountant.services.audits import learning
from accountant.services.policy import JobPolicy
from accountant.services.questions import answering_with
from accountant.services.work import work
from accountant.storage.database import Database, engine_of
from accountant.storage.hot import redis_of
from accountant.storage.index import PostgresIndex
from accountant.storage.jobs import JobRow, Jobs
from accountant.storage.outcomes import PostgresOutcomes
from accountant.storage.world_states import current_stores
from tests.support.index_chain import RecordedIndex, imported
from tests.support.oath_chain import TOKEN, OathChain, genesis_with, terms

POLICY = JobPolicy(lease_s=30.0, attempts_most=2, retry_delay_s=0.0)
PLENTY = 10**12


class Sworn(NamedTuple):
    """A purse of 10 tokens with three oaths of a token each on it: two truths, then a lie, then a withdrawal."""

    recorded: RecordedIndex
    purse: ContractId
    truths: tuple[Seq, Seq]
    lie: Seq


@cache
def sworn_chain() -> Sworn:
    """The chain, the same each time."""
    oaths = OathChain()
    oaths.index = index = RecordedIndex(genesis_with())
    purse = oaths.deploy()
    oaths.deposit(purse, 10 * TOKEN)
    first, second = (oaths.swear(purse, terms(oaths.rich_has(TOKEN), True)) for _ in range(2))
    lie = oaths.swear(purse, terms(oaths.rich_has(TOKEN), False))
    oaths.withdraw(purse, TOKEN)
    return Sworn(index, purse, (first, second), lie)


class Auditor:
    """The accountant, with workers in this process."""

    def __init__(self, url: str, redis_url: str, stack: ExitStack) -> None:
        self.sworn = sworn_chain()
        self.database = stack.enter_context(Database(url))
        imported(self.database, self.sworn.recorded.genesis, self.sworn.recorded.blocks)
        self.engine = engine_of(url)
        stack.callback(self.engine.dispose)
        key = ensure_first_key(self.engine)
        assert key is not None
        self.api_key = key
        self.key_prefix = key.split("_")[1]
        self.index: ChainIndex = PostgresIndex(self.database)
        self.store = PostgresOutcomes(self.database, redis_of(redis_url))
        stack.callback(self.store.close)
        self.answer = answering_with(self.index, current_stores(self.database, self.store), learning(self.engine))

    def question(self, budget: int = PLENTY) -> AuditQuestion:
        """The audit of the purse at the head."""
        return AuditQuestion(self.sworn.purse, Position(self.index.head().hash, 0), budget)

    def ask(self, budget: int = PLENTY, swear: bool = False) -> str:
        """An audit that waits for a worker; its job's id."""
        with self.engine.begin() as connection:
            return ask(connection, self.index, self.key_prefix, self.question(budget), swear, POLICY).id

    def done(self, budget: int = PLENTY) -> str:
        """An audit that a worker finished."""
        job_id = self.ask(budget)
        self.work(job_id)
        return job_id

    def work(self, job_id: str) -> None:
        """A worker finishes a job."""
        assert work(self.engine, self.answer, job_id, "worker", POLICY) is Attempt.DONE

    def job(self, job_id: str) -> JobRow:
        """A job as it stands."""
        with self.engine.connect() as connection:
            row = Jobs(connection).get(job_id)
        assert row is not None
        return row

    def found(self, job_id: str) -> Audit:
        """What an audit found."""
        row = self.job(job_id)
        assert row.certificate is not None
        return decode_audit(row.certificate)

    def verdicts(self) -> dict[Seq, bool]:
        """The stored verdicts: whether each oath was a lie."""
        with self.engine.connect() as connection:
            rows = connection.execute(sa.text("select seq, lied from accountant.oath_verdicts order by seq"))
            return {Seq(seq): lied for seq, lied in rows}
