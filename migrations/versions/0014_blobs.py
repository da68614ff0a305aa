"""Blobs, what refers to them, and uploads that take several requests."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    op.create_table(
        "blobs",
        sa.Column("cid", sa.LargeBinary(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="Order added."),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("pieces", sa.LargeBinary(), nullable=False, comment="SHA-256 of each MiB, where there are several."),
        sa.Column("added_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False, comment="To an hour."),
        sa.Column("kept_until", sa.DateTime(timezone=True), nullable=False, comment="Whatever refers to it."),
        sa.Column(
            "missing_since",
            sa.DateTime(timezone=True),
            server_default=_NOW,
            nullable=True,
            comment="Null while the bytes are in the store: a row comes before its bytes.",
        ),
        sa.CheckConstraint("size >= 0", name=op.f("blobs_size_not_negative_check")),
        sa.PrimaryKeyConstraint("cid", name=op.f("blobs_pkey")),
        sa.UniqueConstraint("number", name=op.f("blobs_number_key")),
        schema="accountant",
    )
    op.create_index("ix_blobs_kept_until", "blobs", ["kept_until"], schema="accountant")
    op.create_table(
        "blob_references",
        sa.Column("cid", sa.LargeBinary(), nullable=False),
        sa.Column(
            "kind", sa.SmallInteger(), nullable=False, comment="1 uploaded, 2 saved by an outcome, 3 checkpoint."
        ),
        sa.Column(
            "holder", sa.LargeBinary(), nullable=False, comment="The API key, the transaction's number, the run."
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True, comment="Null: never."),
        sa.PrimaryKeyConstraint("cid", "kind", "holder", name=op.f("blob_references_pkey")),
        schema="accountant",
    )
    op.create_index("ix_blob_references_kind_holder", "blob_references", ["kind", "holder"], schema="accountant")
    op.create_index("ix_blob_references_expires_at", "blob_references", ["expires_at"], schema="accountant")
    op.create_index(
        "ix_blob_references_checkpoint",
        "blob_references",
        ["holder"],
        unique=True,
        schema="accountant",
        postgresql_where=sa.text("kind = 3"),
    )
    op.create_table(
        "blob_uploads",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="Names its file."),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key_prefix", sa.Text(), nullable=False, comment="Whose."),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("wanted", sa.LargeBinary(), nullable=True, comment="The CID that was announced."),
        sa.Column("cid", sa.LargeBinary(), nullable=True, comment="The blob, once all of it is there."),
        sa.Column("touched_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.CheckConstraint("length >= 0", name=op.f("blob_uploads_length_not_negative_check")),
        sa.ForeignKeyConstraint(
            ["key_prefix"], ["accountant.api_keys.prefix"], name=op.f("blob_uploads_key_prefix_fkey")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("blob_uploads_pkey")),
        sa.UniqueConstraint("id", name=op.f("blob_uploads_id_key")),
        schema="accountant",
    )
    op.create_index("ix_blob_uploads_touched_at", "blob_uploads", ["touched_at"], schema="accountant")
    op.create_index("ix_blob_uploads_key_prefix", "blob_uploads", ["key_prefix"], schema="accountant")


def downgrade() -> None:
    for table in ("blob_uploads", "blob_references", "blobs"):
        op.drop_table(table, schema="accountant")
