"""The old application's facts that are plainly wrong are mended, each as a named step (`storage/mending.py`)."""

from alembic import context, op

from firsttd_pipeline.storage.mending import mend

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    found = mend(op.get_bind(), default_stake=float(context.config.attributes.get("default_stake", 1.0)))
    context.config.attributes.setdefault("mended", []).extend(found)
