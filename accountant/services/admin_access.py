"""Entering the dashboard: passwords (argon2id), one-time codes (RFC 6238), sessions, and links for whoever is new.

Whatever is wrong with a try, it is told in the same words and takes the same work, so that nobody learns names from it.
"""

import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pyotp
import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from accountant.primitives.errors import AccountantError
from accountant.primitives.hashes import sha256
from accountant.primitives.types import Hash
from accountant.storage.admins import Admins, Role, Session, Tries, User

SESSION_IDLE = timedelta(hours=12)
SESSION_LASTS = timedelta(days=7)
FIRST_LINK_LASTS = timedelta(hours=24)
INVITATION_LASTS = timedelta(days=3)

PASSWORD_LEAST, PASSWORD_MOST = 12, 1_024
"""Characters. Long ones are hashed like short ones; nobody needs a book."""

TRIES_WITHIN = timedelta(minutes=15)
NAME_TRIES, ADDRESS_TRIES = 5, 20
"""Failed tries, with a name and from an address, after which every further one has to wait, twice as long each time."""

TOTP_STEP_S = 30
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}", re.ASCII)
_hasher = PasswordHasher()
_NOBODYS_HASH = _hasher.hash(secrets.token_urlsafe(32))


class LoginFailed(AccountantError):
    """Name, password or code is wrong; which of them is not said."""

    code = "login_failed"

    def __init__(self) -> None:
        super().__init__("The name, the password or the code is wrong.")


class TooManyTries(AccountantError):
    """Too many failed tries: this one was not looked at."""

    code = "too_many_tries"

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"Too many failed tries. Try again in {wait_s} s.")
        self.wait_s = wait_s


class InvalidAccount(AccountantError):
    """A name, password or code that cannot be taken; the detail says why."""

    code = "invalid_account"


class LinkGone(AccountantError):
    """The link was used, replaced, or is too old."""

    code = "link_gone"

    def __init__(self) -> None:
        super().__init__("This link was used already, replaced by a newer one, or is too old.")


class Entered(NamedTuple):
    """A session that has begun. `token` is for the cookie; only its hash is kept."""

    token: str
    user: User


def token_hash(token: str) -> Hash:
    """What is kept of a session's or a link's token."""
    return sha256(token.encode())


def first_link(engine: sa.Engine) -> str | None:
    """The token of a one-time link that makes the first owner; None where there is a user already."""
    with engine.begin() as connection:
        admins = Admins(connection)
        admins.lock()
        if admins.any():
            return None
        token = secrets.token_urlsafe(32)
        admins.add_link(token_hash(token), Role.OWNER, FIRST_LINK_LASTS)
        return token


def invite(admins: Admins, by: User, role: Role, user: User | None = None) -> str:
    """The token of a link for a new user with a role, or for a user's new password."""
    token = secrets.token_urlsafe(32)
    admins.add_link(token_hash(token), role, INVITATION_LASTS, None if user is None else user.id)
    admins.note(
        by, "user.invite" if user is None else "user.new_password_link", role.word if user is None else user.name
    )
    return token


def welcome(engine: sa.Engine, token: str, name: str, password: str) -> User:
    """Uses a link: makes a user, or sets the password of the one it is for, whose sessions all end.

    Raises `LinkGone`, `InvalidAccount`; the link is good as before then.
    """
    with engine.begin() as connection:
        admins = Admins(connection)
        link = admins.link(token_hash(token), use=True)
        if link is None:
            raise LinkGone
        if link.user_id is not None:
            user = admins.user_by_id(link.user_id)
            assert user is not None
            hashed = hashed_password(password, user.name)
            admins.change(user.id, password_hash=hashed, totp_secret=None)
            admins.revoke(user.id)
            admins.note(user, "user.set_password", user.name)
            return user
        checked = checked_name(name)
        if admins.user(checked) is not None:
            raise InvalidAccount(f"There is a user {checked} already.")
        number = admins.add(checked, link.role, hashed_password(password, checked))
        user = admins.user_by_id(number)
        assert user is not None
        admins.note(user, "user.create", checked, after={"role": link.role.word})
        return user


def log_in(engine: sa.Engine, name: str, password: str, code: str, address: str, agent: str) -> Entered:
    """Begins a session. Raises `LoginFailed`, `TooManyTries`."""
    name = name.strip().lower()[:64]
    with engine.begin() as connection:
        admins = Admins(connection)
        wait = max(
            _wait_s(admins.tries(TRIES_WITHIN, name=name), NAME_TRIES),
            _wait_s(admins.tries(TRIES_WITHIN, address=address), ADDRESS_TRIES),
        )
        user = admins.user(name)
    if wait > 0:
        raise TooManyTries(wait)
    right = _is_password(user.password_hash if user is not None else _NOBODYS_HASH, password)
    with engine.begin() as connection:
        admins = Admins(connection)
        entered = user is not None and right and user.disabled_at is None and _is_code(admins, user, code)
        admins.note_try(name, address, entered)
        if entered:
            assert user is not None
            if _hasher.check_needs_rehash(user.password_hash):
                admins.change(user.id, password_hash=_hasher.hash(password))
            token = secrets.token_urlsafe(32)
            admins.begin(token_hash(token), user.id, secrets.token_urlsafe(24), address, agent, SESSION_LASTS)
            return Entered(token, user)
    raise LoginFailed


def session_of(engine: sa.Engine, token: str) -> Session | None:
    """The session of a cookie, if it is still good."""
    with engine.begin() as connection:
        return Admins(connection).session(token_hash(token), SESSION_IDLE)


def checked_name(name: str) -> str:
    """A name as it is kept. Raises `InvalidAccount`."""
    lowered = name.strip().lower()
    if not _NAME.fullmatch(lowered):
        raise InvalidAccount("A name has 1 to 63 letters a to z, digits, dots, hyphens or underscores.")
    return lowered


def hashed_password(password: str, name: str) -> str:
    """Argon2id of a password. Raises `InvalidAccount` if it cannot be taken."""
    if not PASSWORD_LEAST <= len(password) <= PASSWORD_MOST:
        raise InvalidAccount(f"A password has {PASSWORD_LEAST} to {PASSWORD_MOST} characters.")
    if name in password.lower() and len(password) < 2 * PASSWORD_LEAST:
        raise InvalidAccount("The password holds the name.")
    return _hasher.hash(password)


def change_password(admins: Admins, session: Session, old: str, new: str) -> None:
    """A user's own new password; all its other sessions end. Raises `LoginFailed`, `InvalidAccount`."""
    user = session.user
    if not _is_password(user.password_hash, old):
        raise LoginFailed
    admins.change(user.id, password_hash=hashed_password(new, user.name))
    admins.revoke(user.id, but=session.number)
    admins.note(user, "user.set_password", user.name)


def new_totp_secret() -> str:
    """A secret for an authenticator, base32; it counts once `set_totp` saw a code of it."""
    return pyotp.random_base32()


def totp_uri(secret: str, name: str) -> str:
    """What an authenticator reads from a QR code."""
    return pyotp.TOTP(secret, interval=TOTP_STEP_S).provisioning_uri(name=name, issuer_name="ANH accountant")


def set_totp(admins: Admins, user: User, secret: str, code: str) -> None:
    """Wants a code at each login from now on. Raises `InvalidAccount` if this one does not fit."""
    step = _step_of(secret, code)
    if step is None:
        raise InvalidAccount("That code does not fit the secret: look whether the clock of the device is right.")
    admins.change(user.id, totp_secret=secret, totp_step=step)
    admins.note(user, "user.totp_on", user.name)


def drop_totp(admins: Admins, by: User, user: User) -> None:
    """Wants no code any more."""
    admins.change(user.id, totp_secret=None)
    admins.note(by, "user.totp_off", user.name)


def _wait_s(tries: Tries, free: int) -> int:
    """Seconds until the next try may be made: none for the first, then 1, 2, 4, … up to 15 minutes."""
    if tries.failures < free or tries.last is None:
        return 0
    wait = min(timedelta(seconds=2 ** min(tries.failures - free, 20)), TRIES_WITHIN)
    left = tries.last + wait - datetime.now(UTC)
    return max(0, -int(-left.total_seconds() // 1))


def _is_password(hashed: str, password: str) -> bool:
    try:
        return _hasher.verify(hashed, password[:PASSWORD_MOST])
    except VerificationError:
        return False


def _is_code(admins: Admins, user: User, code: str) -> bool:
    if user.totp_secret is None:
        return True
    step = _step_of(user.totp_secret, code)
    return step is not None and admins.take_totp_step(user.id, step)


def _step_of(secret: str, code: str) -> int | None:
    """The step that a code belongs to: now, the one before or the next, since clocks differ."""
    text = code.replace(" ", "")
    totp = pyotp.TOTP(secret, interval=TOTP_STEP_S)
    now = int(datetime.now(UTC).timestamp()) // TOTP_STEP_S
    if re.fullmatch(r"[0-9]{6}", text, re.ASCII) is None:
        return None
    found = [step for step in (now - 1, now, now + 1) if secrets.compare_digest(totp.at(step * TOTP_STEP_S), text)]
    return found[0] if found else None
