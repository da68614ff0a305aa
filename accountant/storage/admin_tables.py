"""Tables of the dashboard's access: who may enter, sessions, one-time links, tries to log in, and what was done."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from accountant.storage.tables import metadata

_NOW = sa.text("clock_timestamp()")

admin_users = sa.Table(
    "admin_users",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True, comment="Lower case."),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("password_hash", sa.Text, nullable=False, comment="Argon2id, with its own parameters and salt."),
    sa.Column("totp_secret", sa.Text, comment="Base32; set once a first code was shown to be right."),
    sa.Column("totp_step", sa.BigInteger, nullable=False, server_default="0", comment="Of the last code taken."),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
    sa.Column("disabled_at", sa.DateTime(timezone=True)),
    sa.CheckConstraint("role in ('viewer', 'operator', 'owner')", name="role_known"),
)

admin_sessions = sa.Table(
    "admin_sessions",
    metadata,
    sa.Column("number", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("token_sha256", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("user_id", sa.BigInteger, sa.ForeignKey("admin_users.id"), nullable=False),
    sa.Column("csrf", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("agent", sa.Text, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
    sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("revoked_at", sa.DateTime(timezone=True)),
    sa.Index("ix_admin_sessions_user_id_number", "user_id", "number"),
    sa.Index("ix_admin_sessions_expires_at", "expires_at"),
)

admin_links = sa.Table(
    "admin_links",
    metadata,
    sa.Column("token_sha256", sa.LargeBinary, primary_key=True),
    sa.Column("role", sa.Text, nullable=False, comment="Of whoever uses it."),
    sa.Column(
        "user_id",
        sa.BigInteger,
        sa.ForeignKey("admin_users.id"),
        comment="Whose new password it sets; null: a new one.",
    ),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("used_at", sa.DateTime(timezone=True)),
    sa.CheckConstraint("role in ('viewer', 'operator', 'owner')", name="role_known"),
)

admin_logins = sa.Table(
    "admin_logins",
    metadata,
    sa.Column("number", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("succeeded", sa.Boolean, nullable=False),
    sa.Index("ix_admin_logins_name_at", "name", "at"),
    sa.Index("ix_admin_logins_address_at", "address", "at"),
    sa.Index("ix_admin_logins_at", "at"),
)

admin_actions = sa.Table(
    "admin_actions",
    metadata,
    sa.Column("number", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
    sa.Column("user_id", sa.BigInteger, sa.ForeignKey("admin_users.id"), comment="Null: the service itself."),
    sa.Column("user_name", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("before", JSONB),
    sa.Column("after", JSONB),
    sa.Column("undoes", sa.BigInteger, sa.ForeignKey("admin_actions.number"), unique=True),
    sa.Index("ix_admin_actions_target_number", "target", "number"),
)
"""The audit log. Rows are only ever added."""
