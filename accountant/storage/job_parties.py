"""Whom a job's gas was spent for: contracts that ran and accounts that signed, the dearest of each."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from accountant.primitives.types import HASH_BYTES
from accountant.storage.metric_tables import job_parties
from accountant.storage.tables import outcomes, transactions

CONTRACT, ACCOUNT = "contract", "account"
PARTIES_MOST = 8
"""Of each kind, for a job: who is not among them did not make it dear."""


def keep_parties(
    connection: sa.Connection, job_number: int, executed: tuple[bytes, ...], viewed: bytes | None, view_gas: int
) -> None:
    """Notes whose transactions were executed for an answer, and the contract whose function was viewed."""
    if executed:
        hashes = sa.any_(sa.cast(list(executed), sa.ARRAY(sa.LargeBinary)))
        ran = sa.func.octet_length(transactions.c.to) == HASH_BYTES
        for party, key, which in ((CONTRACT, transactions.c.to, ran), (ACCOUNT, transactions.c.sender, sa.true())):
            gas = sa.func.sum(outcomes.c.gas_used)
            found = (
                sa.select(sa.literal(job_number, sa.BigInteger), sa.literal(party), key, gas, sa.func.count())
                .join_from(transactions, outcomes, outcomes.c.seq == transactions.c.seq)
                .where(transactions.c.hash == hashes, which)
                .group_by(key)
                .order_by(gas.desc(), key)
                .limit(PARTIES_MOST)
            )
            names = ["job_number", "party", "key", "gas", "runs"]
            connection.execute(sa.insert(job_parties).from_select(names, found))
    if viewed is not None:
        new = insert(job_parties).values(job_number=job_number, party=CONTRACT, key=viewed, gas=view_gas, runs=1)
        more = {name: job_parties.c[name] + new.excluded[name] for name in ("gas", "runs")}
        keys = [job_parties.c.job_number, job_parties.c.party, job_parties.c.key]
        connection.execute(new.on_conflict_do_update(index_elements=keys, set_=more))
