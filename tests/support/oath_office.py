"""An accountant's office: a real database, a chain on demand, a publisher between them, and finished jobs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import sqlalchemy as sa

from accountant.accounting.certificate import AnyCertificate, Certificate, UndecidedReason, Verdict
from accountant.chain.block import Position
from accountant.chain.genesis import Genesis
from accountant.chain.query import AccountingQuery, BalanceAtLeast
from accountant.oath.audit_report import Audit
from accountant.oath.oath import NotAnOath, Oath, oath_of
from accountant.oath.signing import SigningLimits
from accountant.primitives.encoding import encode
from accountant.primitives.types import UNITS_PER_TOKEN, Amount
from accountant.services.api_keys import ensure_first_key
from accountant.services.ask import NO_WISH, OathWish
from accountant.services.publish import Publisher, PublisherPolicy
from accountant.services.signing import KeySigner, Signature
from accountant.storage.database import engine_of
from accountant.storage.jobs import JobRow, Jobs, NewJob
from tests.support.oath_node import ACCOUNTANT, CUSTOMER, ChainNode

TOKEN = UNITS_PER_TOKEN
POLICY = PublisherPolicy(Amount(TOKEN), Amount(10 * TOKEN), Amount(20 * TOKEN))


def finish_job(
    engine: sa.Engine,
    key_prefix: str,
    verdict: Verdict,
    query: AccountingQuery | bytes | None,
    answer: object,
    swear: bool = True,
    wish: OathWish = NO_WISH,
) -> str:
    """A job that a worker finished with this answer; its id."""
    raw = query if isinstance(query, bytes) or query is None else encode(query)
    undecided = verdict is Verdict.UNDECIDED
    certificate = Certificate(
        verdict=verdict,
        reason=UndecidedReason.BUDGET_SPENT if undecided else None,
        query=raw,
        answer=None if undecided or raw is None else encode(answer),
        account=CUSTOMER.address,
        previous_hash=bytes(32),
        index=0,
        required=None,
        lower=0,
        upper=0,
        zero_balance=0,
        theta=(),
        executed=(),
        gas_executed=0,
        gas_everything=0,
        cache_hits=0,
        slice=(),
    )
    return store_job(engine, key_prefix, certificate, swear, wish)


def store_job(
    engine: sa.Engine,
    key_prefix: str,
    certificate: AnyCertificate | Audit,
    swear: bool = True,
    wish: OathWish = NO_WISH,
) -> str:
    """A job that ended with this certificate; its id."""
    with engine.begin() as connection:
        jobs = Jobs(connection)
        job_id = f"job_{connection.scalar(sa.text('select count(*) from accountant.jobs'))}"
        wished = {"oath_batch": wish.together, "oath_beneficiary": wish.beneficiary}
        jobs.add(NewJob(job_id, key_prefix, "test", b"", swear, 3, **wished))  # type: ignore[arg-type]
        lease = jobs.take(job_id, "worker", 60.0)
        assert lease is not None and jobs.finish(lease, encode(certificate), 0)
    return job_id


class Office(NamedTuple):
    """A database, a node, and a publisher between them."""

    engine: sa.Engine
    node: ChainNode
    api_key: str
    signatures: list[Signature]
    """What the key signed, in order."""

    @property
    def key_prefix(self) -> str:
        """The public part of the API key."""
        return self.api_key.split("_")[1]

    def publisher(self, policy: PublisherPolicy = POLICY) -> Publisher:
        """A new process of the publisher."""
        limits = SigningLimits(policy.penalty, policy.deposit)
        signer = KeySigner(ACCOUNTANT, self.node.index.genesis, limits, self.signatures.append)
        return Publisher(self.engine, self.node.index, self.node, signer, policy)

    def settled(self, policy: PublisherPolicy = POLICY) -> Publisher:
        """A publisher whose purse is deployed and filled."""
        publisher = self.publisher(policy)
        for _ in range(2):
            publisher.round()
            self.node.make_block()
        publisher.round()
        return publisher

    def finish_job(
        self,
        verdict: Verdict = Verdict.ACCEPTED,
        query: AccountingQuery | bytes | None = None,
        answer: object = True,
        swear: bool = True,
        wish: OathWish = NO_WISH,
    ) -> str:
        """A job that a worker finished with this answer; its id."""
        return finish_job(self.engine, self.key_prefix, verdict, query, answer, swear, wish)

    def job(self, job_id: str) -> JobRow:
        """The job's row."""
        with self.engine.connect() as connection:
            row = Jobs(connection).get(job_id)
        assert row is not None
        return row

    def declined(self, job_id: str) -> str | None:
        """Why a job's answer was declined; None if it was not."""
        query = "select declined from accountant.oaths join accountant.jobs on number = job_number where jobs.id = :id"
        with self.engine.connect() as connection:
            found: str | None = connection.scalar(sa.text(query), {"id": job_id})
        return found

    def oaths(self) -> list[Oath]:
        """All oaths on the chain, as the index sees them."""
        found = []
        for seq in self.node.seqs():
            try:
                found.append(oath_of(self.node.index, seq))
            except NotAnOath:
                continue
        return found

    def question(self) -> AccountingQuery:
        """Does the customer own at least a token at the end of the last block?"""
        last = self.node.index.block(self.node.index.head().height)
        assert last is not None
        return BalanceAtLeast(CUSTOMER.address, TOKEN, Position(last.previous_hash, last.count))


@contextmanager
def opened_office(url: str, genesis: Genesis) -> Iterator[Office]:
    """An office with a database without rows and a chain that only has its genesis."""
    engine = engine_of(url)
    text = ensure_first_key(engine)
    assert text is not None
    yield Office(engine, ChainNode(genesis), text, [])
    engine.dispose()
