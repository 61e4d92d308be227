"""What the old application keeps for itself: its sync marks and its version numbers."""

from sqlalchemy import Column, Integer, Table, Text

from firsttd_pipeline.storage.migrations.support import create, frozen, rebuild, record, stamp

revision = "0016"
down_revision = "0015"

metadata = frozen()

sync_metadata = Table(
    "sync_metadata",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text),
    stamp("updated_at"),
    comment="kept for the old application",
)

schema_version = Table(
    "schema_version",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    stamp("applied_at"),
    Column("description", Text),
    comment="kept for the old application, which migrates whatever is above its highest number",
)


def upgrade() -> None:
    create(sync_metadata)
    rebuild(schema_version, key=("version",))
    record(16, "sync_metadata")
