"""Who may enter the dashboard, and what they did there."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_NOW = sa.text("clock_timestamp()")
_ROLES = "role in ('viewer', 'operator', 'owner')"


def _moment(name: str, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=_NOW, nullable=False)


def upgrade() -> None:
    op.create_table(
        "admin_users",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="Lower case."),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False, comment="Argon2id, with its own parameters and salt."),
        sa.Column(
            "totp_secret", sa.Text(), nullable=True, comment="Base32; set once a first code was shown to be right."
        ),
        sa.Column("totp_step", sa.BigInteger(), server_default="0", nullable=False, comment="Of the last code taken."),
        _now("created_at"),
        _moment("disabled_at"),
        sa.CheckConstraint(_ROLES, name=op.f("admin_users_role_known_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("admin_users_pkey")),
        sa.UniqueConstraint("name", name=op.f("admin_users_name_key")),
        schema="accountant",
    )
    op.create_table(
        "admin_sessions",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("token_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("csrf", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        _now("created_at"),
        _now("seen_at"),
        _moment("expires_at", nullable=False),
        _moment("revoked_at"),
        sa.ForeignKeyConstraint(["user_id"], ["accountant.admin_users.id"], name=op.f("admin_sessions_user_id_fkey")),
        sa.PrimaryKeyConstraint("number", name=op.f("admin_sessions_pkey")),
        sa.UniqueConstraint("token_sha256", name=op.f("admin_sessions_token_sha256_key")),
        schema="accountant",
    )
    op.create_index("ix_admin_sessions_user_id_number", "admin_sessions", ["user_id", "number"], schema="accountant")
    op.create_index("ix_admin_sessions_expires_at", "admin_sessions", ["expires_at"], schema="accountant")
    op.create_table(
        "admin_links",
        sa.Column("token_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False, comment="Of whoever uses it."),
        sa.Column("user_id", sa.BigInteger(), nullable=True, comment="Whose new password it sets; null: a new one."),
        _now("created_at"),
        _moment("expires_at", nullable=False),
        _moment("used_at"),
        sa.CheckConstraint(_ROLES, name=op.f("admin_links_role_known_check")),
        sa.ForeignKeyConstraint(["user_id"], ["accountant.admin_users.id"], name=op.f("admin_links_user_id_fkey")),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("admin_links_pkey")),
        schema="accountant",
    )
    op.create_table(
        "admin_logins",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        _now("at"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("admin_logins_pkey")),
        schema="accountant",
    )
    op.create_index("ix_admin_logins_name_at", "admin_logins", ["name", "at"], schema="accountant")
    op.create_index("ix_admin_logins_address_at", "admin_logins", ["address", "at"], schema="accountant")
    op.create_index("ix_admin_logins_at", "admin_logins", ["at"], schema="accountant")
    op.create_table(
        "admin_actions",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        _now("at"),
        sa.Column("user_id", sa.BigInteger(), nullable=True, comment="Null: the service itself."),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("before", postgresql.JSONB(), nullable=True),
        sa.Column("after", postgresql.JSONB(), nullable=True),
        sa.Column("undoes", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["accountant.admin_users.id"], name=op.f("admin_actions_user_id_fkey")),
        sa.ForeignKeyConstraint(
            ["undoes"], ["accountant.admin_actions.number"], name=op.f("admin_actions_undoes_fkey")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("admin_actions_pkey")),
        sa.UniqueConstraint("undoes", name=op.f("admin_actions_undoes_key")),
        schema="accountant",
    )
    op.create_index("ix_admin_actions_target_number", "admin_actions", ["target", "number"], schema="accountant")


def downgrade() -> None:
    for table in ("admin_actions", "admin_logins", "admin_links", "admin_sessions", "admin_users"):
        op.drop_table(table, schema="accountant")
