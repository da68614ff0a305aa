"""Bounties in Postgres: found among deployments a piece at a time, and how far this accountant's claim on each came."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from accountant.chain.transaction import TransactionKind, decode_deployment, decode_transaction
from accountant.oath.bounty_code import BOUNTY_CODE_HASH
from accountant.oath.signing import Purpose
from accountant.primitives.addresses import contract_id_of
from accountant.primitives.hashes import sha256
from accountant.primitives.types import Address, Amount, ContractId, Hash, Height, Seq
from accountant.storage import tables
from accountant.storage.bounty_tables import bounties, bounty_search
from accountant.storage.oath_tables import signed_transactions
from accountant.storage.oaths import SignedState

PIECE = 200
"""Deployments looked at by one step of the search."""

_t, _b, _s = tables.transactions, bounties, bounty_search


class BountyState(StrEnum):
    """How far this accountant came with a bounty."""

    OPEN = "open"
    """Not claimed; `reason` says why not."""
    ASKED = "asked"
    """A job finds the answer."""
    CLAIMED = "claimed"
    """The commitment is signed."""
    REVEALED = "revealed"
    """The revelation is signed."""
    COLLECTING = "collecting"
    """It has ended, and what the claim is due is being found out or collected."""
    WON = "won"
    LOST = "lost"
    """A claim that got no reward."""
    EXPIRED = "expired"
    """Commitments ended before there was a claim."""
    DECLINED = "declined"
    """Never claimed, for a reason that no later block ends."""

    @property
    def ended(self) -> bool:
        """Whether nothing more is done about it."""
        return self in (BountyState.WON, BountyState.LOST, BountyState.EXPIRED, BountyState.DECLINED)


class BountyRow(NamedTuple):
    """A bounty as this accountant has it."""

    number: int
    contract: ContractId
    seq: Seq
    reward: Amount
    state: BountyState
    reason: str | None
    detail: str | None
    looked_height: Height | None
    job: str | None
    answer: bytes | None
    salt: Hash | None
    commit_number: int | None
    reveal_number: int | None
    due_job: str | None
    due: Amount | None
    collect_number: int | None


class Step(NamedTuple):
    """A signed transaction of a claim."""

    purpose: Purpose
    hash: Hash
    state: SignedState
    seq: Seq | None


_COLUMNS = tuple(_b.c[name] for name in BountyRow._fields)
_UNDER_WAY = tuple(state.value for state in BountyState if not state.ended and state is not BountyState.OPEN)


def _row(values: sa.Row[tuple[object, ...]]) -> BountyRow:
    raw = values._asdict()
    raw["state"] = BountyState(raw["state"])
    return BountyRow(**raw)


class Bounties:
    """The bounties, within one database transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def search(self) -> bool:
        """Looks at the next deployments; whether there may be more. One search goes on at a time."""
        self._connection.execute(insert(_s).values(only=1, before=0).on_conflict_do_nothing())
        before = self._connection.scalar(sa.select(_s.c.before).with_for_update())
        assert before is not None
        deploys = sa.select(_t.c.seq, _t.c.sender, _t.c.nonce, _t.c.raw).where(
            _t.c.kind == sa.literal_column(str(int(TransactionKind.DEPLOY))), _t.c.seq >= before
        )
        rows = self._connection.execute(deploys.order_by(_t.c.seq).limit(PIECE)).all()
        for row in rows:
            transaction = decode_transaction(row.raw)
            if sha256(decode_deployment(transaction.payload).code) == BOUNTY_CODE_HASH:
                contract = contract_id_of(Address(row.sender), row.nonce)
                self.add(contract, Seq(row.seq), Amount(transaction.value))
        if rows:
            self._connection.execute(sa.update(_s).values(before=rows[-1].seq + 1))
        return len(rows) == PIECE

    def add(self, contract: ContractId, seq: Seq, reward: Amount) -> None:
        """A bounty was seen; nothing happens where it was seen before."""
        row = {"contract": contract, "seq": seq, "reward": reward}
        self._connection.execute(insert(_b).values(**row).on_conflict_do_nothing())

    def under_way(self, limit: int) -> list[ContractId]:
        """Up to `limit` bounties with a claim that has not ended, oldest first."""
        query = sa.select(_b.c.contract).where(_b.c.state.in_(_UNDER_WAY)).order_by(_b.c.number).limit(limit)
        return [ContractId(contract) for contract in self._connection.scalars(query)]

    def to_judge(self, height: Height, limit: int) -> list[ContractId]:
        """Up to `limit` open bounties that were not judged at this head, those that wait longest first."""
        waiting = sa.or_(_b.c.looked_height.is_(None), _b.c.looked_height < height)
        query = sa.select(_b.c.contract).where(_b.c.state == BountyState.OPEN, waiting)
        order = (_b.c.looked_height.asc().nulls_first(), _b.c.number)
        return [ContractId(contract) for contract in self._connection.scalars(query.order_by(*order).limit(limit))]

    def locked(self, contract: ContractId) -> BountyRow | None:
        """A bounty that nobody else changes until this transaction ends; None if it was never seen."""
        found = self._connection.execute(
            sa.select(*_COLUMNS).where(_b.c.contract == contract).with_for_update()
        ).one_or_none()
        return None if found is None else _row(found)

    def get(self, contract: ContractId) -> BountyRow | None:
        """A bounty; None if it was never seen."""
        found = self._connection.execute(sa.select(*_COLUMNS).where(_b.c.contract == contract)).one_or_none()
        return None if found is None else _row(found)

    def page(self, state: BountyState | None, before: int | None, limit: int) -> list[BountyRow]:
        """Up to `limit` bounties, latest seen first, all with number < before; of one state or of all."""
        query = sa.select(*_COLUMNS)
        if state is not None:
            query = query.where(_b.c.state == state)
        if before is not None:
            query = query.where(_b.c.number < before)
        return [_row(r) for r in self._connection.execute(query.order_by(_b.c.number.desc()).limit(limit))]

    def change(self, row: BountyRow, **changes: object) -> None:
        """Sets columns of a bounty that this transaction has locked."""
        self._connection.execute(sa.update(_b).where(_b.c.number == row.number).values(**changes))

    def steps(self, rows: Sequence[BountyRow]) -> dict[int, Step]:
        """The signed transactions of claims, by their numbers."""
        numbers = [n for row in rows for n in (row.commit_number, row.reveal_number, row.collect_number) if n]
        c = signed_transactions.c
        query = sa.select(c.number, c.purpose, c.hash, c.state, c.seq).where(c.number.in_(numbers))
        return {
            r.number: Step(Purpose(r.purpose), Hash(r.hash), SignedState(r.state), r.seq)
            for r in self._connection.execute(query)
        }

    def bonded(self, signer: Address) -> int:
        """All bonds that a signer put up, or is about to, in base units."""
        c = signed_transactions.c
        query = sa.select(sa.func.coalesce(sa.func.sum(c.units), 0)).where(
            c.signer == signer, c.purpose == Purpose.COMMIT, c.state != SignedState.DISPLACED
        )
        return int(self._connection.execute(query).scalar_one())
