"""An accountant with a real database that audits the purse of another one: a chain with truths and one lie on it."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from itertools import count
from typing import NamedTuple

import sqlalchemy as sa

from accountant.chain.block import Position
from accountant.chain.query import BalanceAtLeast
from accountant.chain.transaction import Transaction, sign_transaction
from accountant.index.port import ChainIndex
from accountant.oath.audit_report import Audit, AuditQuestion, decode_audit
from accountant.oath.swear import (
    Stamp,
    deploy_transaction,
    deposit_transaction,
    swear_transaction,
    withdraw_transaction,
)
from accountant.primitives.addresses import contract_id_of
from accountant.primitives.types import Amount, ContractId, Seq
from accountant.services.api_keys import ensure_first_key
from accountant.services.ask import ask
from accountant.services.attempt import Attempt
from accountant.services.audits import learning
from accountant.services.judging import judging
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
from tests.support.oath_chain import TOKEN, terms
from tests.support.oath_node import ACCOUNTANT, CUSTOMER, ChainNode, oath_genesis

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
    """The chain, the same each time: signed blocks of one transaction each."""
    node = ChainNode(oath_genesis())
    node.index = index = RecordedIndex(oath_genesis())
    schedule, nonces = index.genesis.gas, count()

    def add(build: Callable[[Stamp], Transaction]) -> Seq:
        node.make_block(sign_transaction(build(Stamp(7, next(nonces))), ACCOUNTANT))
        return node.seqs()[-1]

    def swear(answer: bool) -> Seq:
        query = BalanceAtLeast(CUSTOMER.address, TOKEN, Position(index.head().hash, 0))
        return add(lambda stamp: swear_transaction(stamp, purse, terms(query, answer)))

    purse = contract_id_of(ACCOUNTANT.address, 0)
    add(lambda stamp: deploy_transaction(stamp, schedule))
    add(lambda stamp: deposit_transaction(stamp, purse, Amount(10 * TOKEN)))
    first, second, lie = swear(True), swear(True), swear(False)
    add(lambda stamp: withdraw_transaction(stamp, purse, ACCOUNTANT.address, Amount(TOKEN)))
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
        self.store = PostgresOutcomes(self.database, redis_of(redis_url), judge=judging(self.index, self.engine))
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
