"""Oaths: what was sworn, what is on its way, what is at stake, and what the publisher says."""

from typing import Any

import sqlalchemy as sa

from accountant.monitoring.measures.service import seconds_ago
from accountant.monitoring.metric import Events, Kind, Metric, Now
from accountant.monitoring.presence import BALANCE, PUBLISHER
from accountant.oath.signing import Purpose
from accountant.storage.audit_tables import oath_verdicts
from accountant.storage.job_tables import jobs
from accountant.storage.metric_tables import beats
from accountant.storage.oath_tables import oaths, signed_transactions

_s = signed_transactions
OATH = _s.c.purpose == sa.literal_column(f"'{Purpose.OATH.value}'")
_DEPOSIT = _s.c.purpose == sa.literal_column(f"'{Purpose.DEPOSIT.value}'")
_INCLUDED = _s.c.state == sa.literal_column("'included'")
_STANDS = _s.c.state != sa.literal_column("'displaced'")

OWN_LIES = (
    oath_verdicts.join(_s, _s.c.hash == oath_verdicts.c.transaction),
    sa.and_(oath_verdicts.c.lied, OATH),
)
"""Where oaths of this accountant stand that were found false, and by what they are told from others."""


def slashed_since(seconds: float) -> sa.Select[Any]:
    """How many oaths of this accountant were found false in the last `seconds`."""
    joined, lied = OWN_LIES
    return sa.select(sa.func.count()).select_from(joined).where(lied, oath_verdicts.c.found_at >= seconds_ago(seconds))


METRICS = (
    Metric(
        "anh_oaths",
        "oaths",
        "Oaths that this accountant signed, by the state of their transaction.",
        Kind.GAUGE,
        Now(sa.select(_s.c.state, sa.func.count()).where(OATH).group_by(_s.c.state)),
        ("state",),
    ),
    Metric(
        "anh_oaths_signed_total",
        "oaths",
        "Oaths that this accountant signed.",
        Kind.COUNTER,
        Events(_s.c.created_at, where=(OATH,)),
    ),
    Metric(
        "anh_answers_to_swear",
        "answers",
        "Finished answers that are to be sworn and are not signed yet.",
        Kind.GAUGE,
        Now(
            sa.select(sa.func.count())
            .select_from(jobs)
            .where(
                jobs.c.state == sa.literal_column("'done'"),
                jobs.c.swear,
                jobs.c.oath.is_(None),
                jobs.c.withdrawn_at.is_(None),
                ~sa.exists().where(oaths.c.job_number == jobs.c.number),
            )
        ),
    ),
    Metric(
        "anh_oath_deposited_units",
        "units",
        "Base units that were deposited in purses.",
        Kind.GAUGE,
        Now(sa.select(sa.func.coalesce(sa.func.sum(_s.c.units), 0)).where(_DEPOSIT, _INCLUDED)),
    ),
    Metric(
        "anh_oath_outstanding_units",
        "units",
        "Penalties of all oaths that stand or are on their way: what lying in each would cost.",
        Kind.GAUGE,
        Now(sa.select(sa.func.coalesce(sa.func.sum(_s.c.units), 0)).where(OATH, _STANDS)),
    ),
    Metric(
        "anh_own_oaths_slashed_total",
        "oaths",
        "Oaths of this accountant that were found false.",
        Kind.COUNTER,
        Events(oath_verdicts.c.found_at, joined=OWN_LIES[0], where=(OWN_LIES[1],)),
    ),
    Metric(
        "anh_oath_slashed_units",
        "units",
        "Base units of the penalties of this accountant's oaths that were found false.",
        Kind.GAUGE,
        Now(sa.select(sa.func.coalesce(sa.func.sum(_s.c.units), 0)).select_from(OWN_LIES[0]).where(OWN_LIES[1])),
    ),
    Metric(
        "anh_signer_zero_balance_units",
        "units",
        "Zero-cost base units of the account that signs oaths, as the publisher last saw them.",
        Kind.GAUGE,
        Now(sa.select(sa.cast(beats.c.figures[BALANCE].astext, sa.Double)).where(beats.c.service == PUBLISHER)),
    ),
    Metric(
        "anh_audits_total",
        "oaths",
        "Oaths of anybody that were executed and found true or false.",
        Kind.COUNTER,
        Events(oath_verdicts.c.found_at, (sa.case((oath_verdicts.c.lied, "lie"), else_="true"),)),
        ("found",),
    ),
)
