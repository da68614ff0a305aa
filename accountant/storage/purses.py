"""The purses on the chain in Postgres: found among deployments, a piece at a time."""

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from accountant.chain.footprint import account_key
from accountant.chain.genesis import decode_genesis
from accountant.chain.rows import RowKind
from accountant.chain.transaction import TransactionKind, decode_deployment, decode_transaction
from accountant.oath.code import OATH_CODE_HASH
from accountant.primitives.addresses import contract_id_of
from accountant.primitives.hashes import sha256
from accountant.primitives.types import GENESIS_SEQ, Address, ContractId, Seq
from accountant.storage import tables
from accountant.storage.audit_tables import purse_search, purses
from accountant.storage.headers import genesis_bytes

PIECE = 200
"""Deployments looked at by one step of the search."""
PURSES_MOST = 16
"""Purses of one accountant that are shown: the latest."""
COUNTED_MOST = 100_000

_t, _p, _s = tables.transactions, purses, purse_search


class PurseOfChain(NamedTuple):
    """A contract with the audited code, and who deployed it. `seq`: of the deployment; −1 where genesis sets it."""

    contract: ContractId
    owner: Address
    seq: Seq


class Owner(NamedTuple):
    """Somebody who deployed purses. `number`: of the first one seen."""

    number: int
    address: Address
    purses: int


class Purses:
    """The purses, within one database transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def search(self) -> bool:
        """Looks at the next deployments; whether there may be more. One search goes on at a time."""
        first = insert(_s).values(only=1, before=GENESIS_SEQ).on_conflict_do_nothing()
        self._connection.execute(first)
        before = self._connection.scalar(sa.select(_s.c.before).with_for_update())
        assert before is not None
        if before == GENESIS_SEQ:
            return self._search_genesis()
        deploys = sa.select(_t.c.seq, _t.c.sender, _t.c.nonce, _t.c.raw).where(
            _t.c.kind == sa.literal_column(str(int(TransactionKind.DEPLOY))), _t.c.seq >= before
        )
        rows = self._connection.execute(deploys.order_by(_t.c.seq).limit(PIECE)).all()
        found = [
            PurseOfChain(contract_id_of(Address(row.sender), row.nonce), Address(row.sender), Seq(row.seq))
            for row in rows
            if sha256(decode_deployment(decode_transaction(row.raw).payload).code) == OATH_CODE_HASH
        ]
        if found:
            self._connection.execute(insert(_p).on_conflict_do_nothing(), [purse._asdict() for purse in found])
        if rows:
            self._connection.execute(sa.update(_s).values(before=rows[-1].seq + 1))
        return len(rows) == PIECE

    def _search_genesis(self) -> bool:
        """Looks at the contracts that genesis sets; whether there is a chain."""
        raw = genesis_bytes(self._connection)
        if raw is None:
            return False
        found = [
            PurseOfChain(ContractId(listed.contract), Address(listed.deployer), GENESIS_SEQ)
            for listed in decode_genesis(raw).contracts
            if sha256(listed.code) == OATH_CODE_HASH
        ]
        if found:
            self._connection.execute(insert(_p).on_conflict_do_nothing(), [purse._asdict() for purse in found])
        self._connection.execute(sa.update(_s).values(before=0))
        return True

    def owners(self, after: int, limit: int) -> list[Owner]:
        """Up to `limit` owners in the order in which their first purses were seen, all with number > after."""
        rows = self._connection.execute(_OWNERS, {"after": after, "most": limit})
        return [Owner(number, Address(owner), count) for number, owner, count in rows]

    def of(self, owner: Address) -> list[PurseOfChain]:
        """An owner's latest purses, latest first."""
        rows = self._connection.execute(_OF_OWNER, {"owner": owner})
        return [PurseOfChain(ContractId(row.contract), Address(row.owner), Seq(row.seq)) for row in rows]

    def debits(self, contract: ContractId) -> int:
        """How many transactions declare to debit a contract, counted up to `COUNTED_MOST`."""
        return int(self._connection.execute(_DEBITS, {"key": account_key(contract)}).scalar_one())


# Statements of pages are made once: SQLAlchemy takes longer to make one than Postgres takes to answer it.

_first = sa.func.min(_p.c.number).label("number")
_OWNERS = (
    sa.select(_first, _p.c.owner, sa.func.count())
    .group_by(_p.c.owner)
    .having(_first > sa.bindparam("after", type_=sa.BigInteger))
    .order_by(_first)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_OF_OWNER = (
    sa.select(*(_p.c[name] for name in PurseOfChain._fields))
    .where(_p.c.owner == sa.bindparam("owner", type_=sa.LargeBinary))
    .order_by(_p.c.seq.desc())
    .limit(PURSES_MOST)
)
_rows = tables.postings
_debits = sa.select(_rows.c.seq).where(
    _rows.c.key == sa.bindparam("key", type_=sa.LargeBinary), _rows.c.kind == int(RowKind.DEBIT)
)
_DEBITS = sa.select(sa.func.count()).select_from(_debits.limit(COUNTED_MOST).subquery())
