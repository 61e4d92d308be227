"""The old application's facts that are plainly wrong are mended, each as a named step."""

from alembic import context, op

from firsttd_pipeline.storage.mending import mend

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    given = context.config.attributes
    found = mend(
        op.get_bind(),
        default_stake=float(given.get("default_stake", 1.0)),
        merged_weeks=given.get("merged_weeks", ()),
        from_old_app=bool(given.get("from_old_app", False)),
        now=given.get("now"),
    )
    given.setdefault("mended", []).extend(found)
