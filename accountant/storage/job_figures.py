"""What certificates say, in columns: written with the answer, so that nobody decodes certificates to add them up."""

import sqlalchemy as sa

from accountant.accounting.certificate import Certificate, QueryCertificate, ViewCertificate
from accountant.accounting.outcome import OutcomeCertificate
from accountant.accounting.preparation import Prepared
from accountant.chain.query import View, decode_query
from accountant.primitives.errors import InvalidEncoding
from accountant.storage.job_parties import keep_parties
from accountant.storage.metric_tables import job_figures
from accountant.storage.tables import blocks, outcomes, transactions

_ON_CHAIN = sa.select(blocks.c.first_seq + blocks.c.count).order_by(blocks.c.height.desc()).limit(1)
_EVERYTHING = sa.select(transactions.c.gas_total).order_by(transactions.c.seq.desc()).limit(1)


def keep_figures(connection: sa.Connection, job_number: int, answered: object) -> None:
    """Notes what an answer took. What comes without a certificate has no figures, but for a simulated call."""
    if isinstance(answered, Prepared):
        _keep_simulation(connection, job_number, answered)
        return
    if not isinstance(answered, Certificate | ViewCertificate | QueryCertificate | OutcomeCertificate):
        return
    executed = len(answered.executed)
    on_chain = connection.scalar(_ON_CHAIN) or 0
    contract = _viewed(answered)
    spent = 0 if contract is None else _gas_of(connection, answered.executed)
    connection.execute(
        sa.insert(job_figures).values(
            job_number=job_number,
            executed=executed,
            skipped=max(0, on_chain - executed),
            gas_executed=answered.gas_executed,
            gas_everything=answered.gas_everything,
            cache_hits=answered.cache_hits,
            slice=len(answered.slice),
            contract=contract,
            view_gas=0 if contract is None else max(0, answered.gas_executed - spent),
        )
    )
    keep_parties(connection, job_number, answered.executed, contract, max(0, answered.gas_executed - spent))


def _keep_simulation(connection: sa.Connection, job_number: int, prepared: Prepared) -> None:
    """A preparation runs a call that is no transaction yet, on the state at the head."""
    if prepared.simulation is None:
        return
    gas = prepared.simulation.gas_used
    on_chain = connection.scalar(_ON_CHAIN) or 0
    everything = connection.scalar(_EVERYTHING) or 0
    connection.execute(
        sa.insert(job_figures).values(
            job_number=job_number,
            executed=0,
            skipped=on_chain,
            gas_executed=gas,
            gas_everything=int(everything) + gas,
            cache_hits=0,
            slice=0,
            contract=prepared.contract,
            view_gas=gas,
        )
    )


def _viewed(answered: Certificate | ViewCertificate | QueryCertificate | OutcomeCertificate) -> bytes | None:
    """The contract of a view: running its function is no transaction's doing."""
    if isinstance(answered, OutcomeCertificate) or answered.query is None:
        return None
    try:
        query = decode_query(answered.query)
    except InvalidEncoding:  # a question that no transaction can ask: a lower bound, or an exact balance
        return None
    return query.contract if isinstance(query, View) else None


def _gas_of(connection: sa.Connection, executed: tuple[bytes, ...]) -> int:
    hashes = sa.any_(sa.cast(list(executed), sa.ARRAY(sa.LargeBinary)))
    total = sa.select(sa.func.coalesce(sa.func.sum(outcomes.c.gas_used), 0)).join_from(
        outcomes, transactions, transactions.c.seq == outcomes.c.seq
    )
    return int(connection.execute(total.where(transactions.c.hash == hashes)).scalar_one())
