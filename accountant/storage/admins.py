"""Those who may enter the dashboard, in Postgres: users, sessions, one-time links, tries, and what they did."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any, NamedTuple

import sqlalchemy as sa

from accountant.primitives.types import Hash
from accountant.storage.admin_tables import admin_actions, admin_links, admin_logins, admin_sessions, admin_users

_FIRST_OWNER_LOCK = 0x616E685F6F776E  # any number that no one else uses: "anh_own"
_SEEN_AGAIN = timedelta(seconds=60)
"""A session's last use is written down no more often."""
AGENT_MOST = 200

Json = Mapping[str, object]


class Role(IntEnum):
    """What somebody may do; who may do more may do less too."""

    VIEWER = 0
    """Reads everything."""
    OPERATOR = 1
    """Acts on jobs, audits, and what else runs."""
    OWNER = 2
    """Decides who enters."""

    @property
    def word(self) -> str:
        """As it is stored and shown."""
        return self.name.lower()


def role_of(word: str) -> Role:
    """The role that a word names. Raises `KeyError`."""
    return Role[word.upper()]


class User(NamedTuple):
    """Somebody who may enter."""

    id: int
    name: str
    role: Role
    password_hash: str
    totp_secret: str | None
    totp_step: int
    created_at: datetime
    disabled_at: datetime | None


class Session(NamedTuple):
    """Somebody who did enter."""

    number: int
    user: User
    csrf: str
    address: str
    agent: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


class Link(NamedTuple):
    """A one-time link that is still good."""

    role: Role
    user_id: int | None


class Action(NamedTuple):
    """A line of the audit log."""

    number: int
    at: datetime
    user_name: str
    action: str
    target: str
    before: Json | None
    after: Json | None
    undoes: int | None
    undone_by: int | None


class Tries(NamedTuple):
    """Failed tries since the last that succeeded, within some time."""

    failures: int
    last: datetime | None


_NOW = sa.func.clock_timestamp()
_USER = tuple(admin_users.c[name] for name in User._fields)
_USER_LABELLED = tuple(column.label(f"user_{column.name}") for column in _USER if column.name != "id")
"""Beside a session, which has `user_id` itself."""


def _user(row: sa.RowMapping | dict[str, Any]) -> User:
    return User(
        id=row["id"],
        name=row["name"],
        role=role_of(row["role"]),
        password_hash=row["password_hash"],
        totp_secret=row["totp_secret"],
        totp_step=row["totp_step"],
        created_at=row["created_at"],
        disabled_at=row["disabled_at"],
    )


def _session(row: sa.RowMapping, user: User) -> Session:
    return Session(
        number=row["number"],
        user=user,
        csrf=row["csrf"],
        address=row["address"],
        agent=row["agent"],
        created_at=row["created_at"],
        seen_at=row["seen_at"],
        expires_at=row["expires_at"],
    )


class Admins:
    """The tables of access, within one database transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    @property
    def connection(self) -> sa.Connection:
        """Where an action and its line in the log become true together."""
        return self._connection

    # Users

    def lock(self) -> None:
        """Waits until no other transaction creates an owner, and keeps others waiting until this one ends."""
        self._connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_FIRST_OWNER_LOCK)))

    def any(self) -> bool:
        """Whether there ever was a user."""
        return self._connection.scalar(sa.select(sa.exists(sa.select(admin_users.c.id)))) is True

    def users(self) -> list[User]:
        """All of them, by name."""
        return [_user(row) for row in self._connection.execute(_USERS).mappings()]

    def user(self, name: str) -> User | None:
        """The user of this name, if there is one, disabled or not."""
        row = self._connection.execute(sa.select(*_USER).where(admin_users.c.name == name)).mappings().one_or_none()
        return None if row is None else _user(row)

    def user_by_id(self, number: int, locked: bool = False) -> User | None:
        """The user of this number; `locked`: nobody else changes it until this transaction ends."""
        query = sa.select(*_USER).where(admin_users.c.id == number)
        row = self._connection.execute(query.with_for_update() if locked else query).mappings().one_or_none()
        return None if row is None else _user(row)

    def owners(self) -> int:
        """How many owners may enter."""
        query = sa.select(sa.func.count()).select_from(admin_users)
        return self._connection.execute(
            query.where(admin_users.c.role == Role.OWNER.word, admin_users.c.disabled_at.is_(None))
        ).scalar_one()

    def add(self, name: str, role: Role, password_hash: str) -> int:
        """A new user; its number. Raises SQLAlchemy's IntegrityError if the name is taken."""
        values = {"name": name, "role": role.word, "password_hash": password_hash}
        added = sa.insert(admin_users).values(values).returning(admin_users.c.id)
        number: int = self._connection.execute(added).scalar_one()
        return number

    def change(self, number: int, **values: object) -> None:
        """Sets columns of a user."""
        self._connection.execute(sa.update(admin_users).where(admin_users.c.id == number).values(values))

    def set_disabled(self, number: int, disabled: bool) -> None:
        """Keeps a user out, or lets it in again."""
        self.change(number, disabled_at=sa.func.clock_timestamp() if disabled else sa.null())

    def take_totp_step(self, number: int, step: int) -> bool:
        """Whether a code of this step may be taken: each is, once, and none after a later one."""
        taken = sa.update(admin_users).where(admin_users.c.id == number, admin_users.c.totp_step < step)
        return self._connection.execute(taken.values(totp_step=step)).rowcount == 1

    # Sessions

    def begin(self, token: Hash, user: int, csrf: str, address: str, agent: str, lasts: timedelta) -> None:
        """A new session."""
        self._connection.execute(
            sa.insert(admin_sessions).values(
                token_sha256=token,
                user_id=user,
                csrf=csrf,
                address=address,
                agent=agent[:AGENT_MOST],
                expires_at=sa.func.clock_timestamp() + lasts,
            )
        )

    def session(self, token: Hash, idle: timedelta) -> Session | None:
        """The session of this token, if it is still good; its last use is noted."""
        row = self._connection.execute(_SESSION, {"token": token, "idle": idle}).mappings().one_or_none()
        if row is None:
            return None
        if row["stale"]:
            ours = admin_sessions.c.number == row["number"]
            seen = sa.update(admin_sessions).where(ours, admin_sessions.c.seen_at < _NOW - _SEEN_AGAIN)
            self._connection.execute(seen.values(seen_at=_NOW))
        return _session(row, _user({name: row[f"user_{name}"] for name in User._fields}))

    def sessions(self, user: User, idle: timedelta) -> list[Session]:
        """All good sessions of a user, the latest first."""
        rows = self._connection.execute(_SESSIONS, {"user": user.id, "idle": idle}).mappings()
        return [_session(row, user) for row in rows]

    def revoke(self, user: int, number: int | None = None, but: int | None = None) -> int:
        """Ends a session of a user, or all of them but one; how many ended."""
        ended = sa.update(admin_sessions).where(admin_sessions.c.user_id == user, admin_sessions.c.revoked_at.is_(None))
        if number is not None:
            ended = ended.where(admin_sessions.c.number == number)
        if but is not None:
            ended = ended.where(admin_sessions.c.number != but)
        return self._connection.execute(ended.values(revoked_at=sa.func.clock_timestamp())).rowcount

    # Links

    def add_link(self, token: Hash, role: Role, lasts: timedelta, user: int | None = None) -> None:
        """A new one-time link. Others that are not used yet are good no more: the newest is the one that counts."""
        same = admin_links.c.user_id.is_(None) if user is None else admin_links.c.user_id == user
        expired = sa.update(admin_links).where(same, admin_links.c.role == role.word, admin_links.c.used_at.is_(None))
        now = sa.func.clock_timestamp()
        self._connection.execute(expired.values(expires_at=sa.func.least(admin_links.c.expires_at, now)))
        self._connection.execute(
            sa.insert(admin_links).values(token_sha256=token, role=role.word, user_id=user, expires_at=now + lasts)
        )

    def link(self, token: Hash, use: bool = False) -> Link | None:
        """What a link is good for, if it still is; `use`: it is not, from now on."""
        now = sa.func.clock_timestamp()
        good = admin_links.c.token_sha256 == token, admin_links.c.used_at.is_(None), admin_links.c.expires_at > now
        columns = admin_links.c.role, admin_links.c.user_id
        statement: sa.Executable = sa.select(*columns).where(*good)
        if use:
            statement = sa.update(admin_links).where(*good).values(used_at=now).returning(*columns)
        row = self._connection.execute(statement).one_or_none()
        return None if row is None else Link(role_of(row.role), row.user_id)

    # Tries to log in

    def note_try(self, name: str, address: str, succeeded: bool) -> None:
        """One try."""
        self._connection.execute(sa.insert(admin_logins).values(name=name, address=address, succeeded=succeeded))

    def tries(self, within: timedelta, *, name: str | None = None, address: str | None = None) -> Tries:
        """Failed tries with a name, or from an address, since the last that succeeded."""
        column, value = (admin_logins.c.name, name) if name is not None else (admin_logins.c.address, address)
        since = sa.func.clock_timestamp() - within
        succeeded = sa.select(sa.func.max(admin_logins.c.at)).where(
            column == value, admin_logins.c.at > since, admin_logins.c.succeeded
        )
        after = sa.func.coalesce(succeeded.scalar_subquery(), since)
        counted = sa.select(sa.func.count(), sa.func.max(admin_logins.c.at)).where(
            column == value, admin_logins.c.at > after, ~admin_logins.c.succeeded
        )
        failures, last = self._connection.execute(counted).one()
        return Tries(failures, last)

    # The audit log

    def note(
        self,
        user: User | None,
        action: str,
        target: str,
        before: Json | None = None,
        after: Json | None = None,
        undoes: int | None = None,
    ) -> int:
        """A line: who did what to what. Belongs into the database transaction of what was done."""
        values = {
            "user_id": None if user is None else user.id,
            "user_name": "service" if user is None else user.name,
            "action": action,
            "target": target,
            "before": sa.null() if before is None else before,
            "after": sa.null() if after is None else after,
            "undoes": undoes,
        }
        added = sa.insert(admin_actions).values(values).returning(admin_actions.c.number)
        number: int = self._connection.execute(added).scalar_one()
        return number

    def actions(self, before: int | None = None, limit: int = 50, target: str | None = None) -> list[Action]:
        """Lines with smaller numbers than `before`, the latest first."""
        query = _ACTIONS if target is None else _ACTIONS.where(admin_actions.c.target == target)
        rows = self._connection.execute(query, {"before": _ALL if before is None else before, "most": limit}).mappings()
        return [Action(**{name: row[name] for name in Action._fields}) for row in rows]

    def action(self, number: int) -> Action | None:
        """One line."""
        found = self.actions(before=number + 1, limit=1)
        return found[0] if found and found[0].number == number else None


def _good(idle: timedelta | sa.ColumnElement[timedelta], joined: bool = True) -> tuple[sa.ColumnElement[bool], ...]:
    conditions: tuple[sa.ColumnElement[bool], ...] = (
        admin_sessions.c.revoked_at.is_(None),
        admin_sessions.c.expires_at > _NOW,
        admin_sessions.c.seen_at > _NOW - idle,
    )
    return (*conditions, admin_users.c.disabled_at.is_(None)) if joined else conditions


def forget_access(connection: sa.Connection, older_than_s: float, limit: int) -> int:
    """Drops up to `limit` tries to log in, sessions and links each that ended longer ago than this; their number."""
    since = sa.func.statement_timestamp() - sa.func.make_interval(0, 0, 0, 0, 0, 0, older_than_s)
    gone = 0
    for table, ended, key in (
        (admin_logins, admin_logins.c.at, admin_logins.c.number),
        (admin_sessions, admin_sessions.c.expires_at, admin_sessions.c.number),
        (admin_links, admin_links.c.expires_at, admin_links.c.token_sha256),
    ):
        old = sa.select(key).where(ended < since).order_by(ended).limit(limit)
        gone += connection.execute(sa.delete(table).where(key.in_(old))).rowcount
    return gone


# Statements of pages are made once: SQLAlchemy takes longer to make one than Postgres takes to answer it.

_ALL = 2**63 - 1
_idle = sa.bindparam("idle", type_=sa.Interval)
_SESSION = (
    sa.select(admin_sessions, (admin_sessions.c.seen_at < _NOW - _SEEN_AGAIN).label("stale"), *_USER_LABELLED)
    .join(admin_users, admin_users.c.id == admin_sessions.c.user_id)
    .where(admin_sessions.c.token_sha256 == sa.bindparam("token"), *_good(_idle))
)
_SESSIONS = (
    sa.select(admin_sessions)
    .where(
        admin_sessions.c.user_id == sa.bindparam("user", type_=sa.BigInteger),
        *_good(_idle, joined=False),
    )
    .order_by(admin_sessions.c.number.desc())
)
_USERS = sa.select(*_USER).order_by(admin_users.c.name)
_later = admin_actions.alias("later")
_ACTIONS = (
    sa.select(admin_actions, _later.c.number.label("undone_by"))
    .outerjoin(_later, _later.c.undoes == admin_actions.c.number)
    .where(admin_actions.c.number < sa.bindparam("before", type_=sa.BigInteger))
    .order_by(admin_actions.c.number.desc())
    .limit(sa.bindparam("most", type_=sa.Integer))
)
