"""The publisher's rows: signed transactions from the signature to the block, and which job each oath answers."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from accountant.oath.signing import Purpose
from accountant.primitives.types import BLACKHOLE, Address, ContractId, Hash, Seq
from accountant.storage.job_tables import jobs
from accountant.storage.jobs import JobState
from accountant.storage.oath_tables import oaths, publishing, signed_transactions

OATH_ID_PREFIX = "oath_"

_LOCK_CLASS = 0x6F617468  # "oath": one publisher at a time chooses a signer's nonce


class SignedState(StrEnum):
    """How far a signed transaction came."""

    PENDING = "pending"
    SUBMITTED = "submitted"
    INCLUDED = "included"
    DISPLACED = "displaced"


class NewSigned(NamedTuple):
    """A transaction that was just signed."""

    signer: Address
    nonce: int
    purpose: Purpose
    purse: ContractId
    units: int
    cost: int
    hash: Hash
    raw: bytes
    traceparent: str | None = None
    """What its spans belong to."""


class SignedRow(NamedTuple):
    """A signed transaction as it stands."""

    number: int
    nonce: int
    purpose: Purpose
    purse: ContractId
    units: int
    cost: int
    hash: Hash
    raw: bytes
    state: SignedState
    seq: Seq | None
    submissions: int
    refusal: str | None
    traceparent: str | None


class PurseRow(NamedTuple):
    """A purse of the signer: an epoch."""

    contract: ContractId
    nonce: int
    """The signer's nonce that deployed it."""
    deposited: bool
    """Whether its deposit is signed."""
    funded: bool
    """Whether its deposit is in a block."""


class UnswornJob(NamedTuple):
    """A finished job whose answer is to be sworn."""

    number: int
    id: str
    certificate: bytes
    together: bool
    """Whether it may be sworn together with others."""
    beneficiary: Address
    traceparent: str | None


class Answered(NamedTuple):
    """A job that an oath answers; `part`: which of several answers is the job's own."""

    job_number: int
    part: int | None = None


class OathRow(NamedTuple):
    """An oath and the job that it answers; `signed` is None where the answer is not sworn, for the reason given."""

    id: str
    job_id: str
    key_prefix: str
    """The API key that asked."""
    signed: SignedRow | None
    declined: str | None
    part: int | None
    """Where several answers are sworn together: which one is the job's own."""


class PublishingRow(NamedTuple):
    """What a publisher's latest round came to. Amounts in base units."""

    signer: Address
    at: datetime
    age_s: int
    """Whole seconds since then, by the database's clock."""
    stopped: str | None
    detail: str | None
    low: bool
    left: int
    alarm: int


_SIGNED = tuple(signed_transactions.c[name] for name in SignedRow._fields)
_OPEN = (SignedState.PENDING.value, SignedState.SUBMITTED.value)


def _signed_row(values: Sequence[object]) -> SignedRow:
    raw = dict(zip(SignedRow._fields, values, strict=True))
    raw["purpose"], raw["state"] = Purpose(str(raw["purpose"])), SignedState(str(raw["state"]))
    raw["cost"] = int(str(raw["cost"]))
    return SignedRow(**raw)  # type: ignore[arg-type]


class Oaths:
    """Signed transactions and oaths, within one database transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def lock(self, signer: Address) -> None:
        """Waits until no other transaction signs with this key, and keeps others waiting until this one ends."""
        key = int.from_bytes(signer[:4], "big", signed=True)
        self._connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.cast(_LOCK_CLASS, sa.Integer), key)))

    def next_nonce(self, signer: Address, pending: int) -> int:
        """The nonce of the key's next transaction: after what it signed here, and at least the node's `pending` one."""
        highest = sa.select(sa.func.max(signed_transactions.c.nonce)).where(*_live(signer))
        found = self._connection.scalar(highest)
        return pending if found is None else max(pending, int(found) + 1)

    def left(self, signer: Address, zero_balance: int) -> int:
        """What of a zero-cost balance nothing on its way takes."""
        return zero_balance - sum(row.cost for row in self.open(signer))

    def purses(self, signer: Address) -> list[PurseRow]:
        """The purses that the signer deployed, included or on the way, in the order of their deployment."""
        return [
            PurseRow(ContractId(purse), nonce, funded is not None, bool(funded))
            for purse, nonce, funded in self._connection.execute(_PURSES, {"signer": signer})
        ]

    def add(self, new: NewSigned) -> int:
        """Stores a signed transaction; its number. A nonce that is taken is an integrity error."""
        statement = sa.insert(signed_transactions).values(**new._asdict())
        return int(self._connection.execute(statement.returning(signed_transactions.c.number)).scalar_one())

    def swear(self, answered: Sequence[Answered], new: NewSigned) -> list[str]:
        """Stores a signed oath and notes it on every job that it answers; an id for each."""
        signed = self.add(new)
        ids = []
        for job_number, part in answered:
            ids.append(OATH_ID_PREFIX + uuid.uuid4().hex)
            row = {"id": ids[-1], "job_number": job_number, "signed_number": signed, "part": part}
            self._connection.execute(sa.insert(oaths).values(**row))
            self._connection.execute(sa.update(jobs).where(jobs.c.number == job_number).values(oath=new.hash))
        return ids

    def decline(self, job_number: int, why: str) -> None:
        """Remembers that a job's answer is not sworn."""
        row = {"id": OATH_ID_PREFIX + uuid.uuid4().hex, "job_number": job_number, "declined": why}
        self._connection.execute(sa.insert(oaths).values(**row))

    def unsworn(self, limit: int) -> list[UnswornJob]:
        """Finished jobs whose answer is to be sworn and is neither sworn nor declined, oldest first, locked."""
        decided = sa.exists(sa.select(oaths.c.id).where(oaths.c.job_number == jobs.c.number))
        query = (
            sa.select(
                *(jobs.c.number, jobs.c.id, jobs.c.certificate, jobs.c.oath_batch, jobs.c.oath_beneficiary),
                jobs.c.traceparent,
            )
            .where(jobs.c.state == JobState.DONE, jobs.c.swear, jobs.c.oath.is_(None), ~decided)
            .where(jobs.c.withdrawn_at.is_(None))
            .order_by(jobs.c.number)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return [
            UnswornJob(number, job_id, certificate, together, Address(beneficiary or BLACKHOLE), traceparent)
            for number, job_id, certificate, together, beneficiary, traceparent in self._connection.execute(query)
        ]

    def open(self, signer: Address) -> list[SignedRow]:
        """What is signed and not known to be in a block, by nonce."""
        query = (
            sa.select(*_SIGNED)
            .where(signed_transactions.c.signer == signer, signed_transactions.c.state.in_(_OPEN))
            .order_by(signed_transactions.c.nonce)
        )
        return [_signed_row(tuple(r)) for r in self._connection.execute(query)]

    def submitted(self, number: int, refusal: str | None) -> None:
        """Counts a submission that the node took, or refused for the reason given."""
        state = {"state": SignedState.SUBMITTED} if refusal is None else {}
        changes = {"submissions": signed_transactions.c.submissions + 1, "refusal": refusal, **state}
        still = (signed_transactions.c.number == number, signed_transactions.c.state.in_(_OPEN))
        self._connection.execute(sa.update(signed_transactions).where(*still).values(**changes))

    def included(self, number: int, seq: Seq) -> None:
        """Remembers where on the chain a transaction stands."""
        changes = {"state": SignedState.INCLUDED, "seq": seq, "refusal": None}
        self._connection.execute(
            sa.update(signed_transactions).where(signed_transactions.c.number == number).values(**changes)
        )

    def displace(self, number: int) -> None:
        """Gives up a transaction whose nonce another one took; a job that it swore for is to be sworn again."""
        statement = sa.update(signed_transactions).where(signed_transactions.c.number == number)
        self._connection.execute(statement.values(state=SignedState.DISPLACED))
        freed = sa.delete(oaths).where(oaths.c.signed_number == number).returning(oaths.c.job_number)
        for job_number in self._connection.scalars(freed).all():
            self._connection.execute(sa.update(jobs).where(jobs.c.number == job_number).values(oath=None))

    def find(self, oath_id: str) -> OathRow | None:
        """An oath by its id."""
        return self._find(oaths.c.id == oath_id)

    def of_transaction(self, transaction: Hash, key_prefix: str | None) -> OathRow | None:
        """The oath that a transaction swears, if this accountant published it for this key (None: for any).

        Where it answers several jobs: as the answer to the first of them.
        """
        own = () if key_prefix is None else (jobs.c.key_prefix == key_prefix,)
        return self._find(signed_transactions.c.hash == transaction, *own)

    def _find(self, *conditions: sa.ColumnElement[bool]) -> OathRow | None:
        found = self._connection.execute(_FOUND.where(*conditions)).one_or_none()
        if found is None:
            return None
        oath_id, job_id, key_prefix, declined, part, *signed = tuple(found)
        return OathRow(oath_id, job_id, key_prefix, None if signed[0] is None else _signed_row(signed), declined, part)

    def told(self, signer: Address, stopped: str | None, detail: str | None, low: bool, left: int, alarm: int) -> None:
        """Remembers what a publisher's round came to."""
        values = {"stopped": stopped, "detail": detail, "low": low, "left": left, "alarm": alarm}
        new = insert(publishing).values(signer=signer, **values)
        again = new.on_conflict_do_update(
            index_elements=[publishing.c.signer], set_={**values, "at": sa.func.clock_timestamp()}
        )
        self._connection.execute(again)

    def stopped(self, stopped: str, detail: str) -> None:
        """Remembers of the publisher that was here last what stops it, where nobody tells whom it signs for."""
        last = sa.select(publishing.c.signer).order_by(publishing.c.at.desc()).limit(1).scalar_subquery()
        changes = {"stopped": stopped, "detail": detail, "at": sa.func.clock_timestamp()}
        self._connection.execute(sa.update(publishing).where(publishing.c.signer == last).values(**changes))

    def publishing(self) -> PublishingRow | None:
        """How publishing goes, of the signer whose publisher was here last; None if none ever was."""
        found = self._connection.execute(_PUBLISHING).one_or_none()
        if found is None:
            return None
        return PublishingRow(**{**found._asdict(), "signer": Address(found.signer), "left": int(found.left)})


def _live(signer: Address | sa.ColumnElement[bytes]) -> tuple[sa.ColumnElement[bool], ...]:
    return (signed_transactions.c.signer == signer, signed_transactions.c.state != SignedState.DISPLACED)


# Statements of pages are made once: SQLAlchemy takes longer to make one than Postgres takes to answer it.

_signer = sa.bindparam("signer", type_=sa.LargeBinary)
_deposits = signed_transactions.alias("deposits")
_funding = (
    sa.select(sa.func.bool_or(_deposits.c.state == SignedState.INCLUDED))
    .where(
        _deposits.c.signer == _signer,
        _deposits.c.state != SignedState.DISPLACED,
        _deposits.c.purpose == Purpose.DEPOSIT,
        _deposits.c.purse == signed_transactions.c.purse,
    )
    .scalar_subquery()
)
_PURSES = (
    sa.select(signed_transactions.c.purse, signed_transactions.c.nonce, _funding)
    .where(*_live(_signer), signed_transactions.c.purpose == Purpose.DEPLOY)
    .order_by(signed_transactions.c.number)
)

_FOUND = (
    sa.select(oaths.c.id, jobs.c.id, jobs.c.key_prefix, oaths.c.declined, oaths.c.part, *_SIGNED)
    .join(jobs, jobs.c.number == oaths.c.job_number)
    .outerjoin(signed_transactions, signed_transactions.c.number == oaths.c.signed_number)
    .order_by(jobs.c.number)
    .limit(1)
)

_since = sa.func.clock_timestamp() - publishing.c.at
_age = sa.func.floor(sa.extract("epoch", _since)).cast(sa.BigInteger).label("age_s")
_PUBLISHING = (
    sa.select(*(_age if name == "age_s" else publishing.c[name] for name in PublishingRow._fields))
    .order_by(publishing.c.at.desc())
    .limit(1)
)
