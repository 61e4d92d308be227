"""The asset `results`."""

from firsttd_pipeline.assets.base import define_asset
from firsttd_pipeline.refresh import results as work
from firsttd_pipeline.storage import schema

DESCRIPTION = (
    "The grade of every pick that can be decided, re-derived every run; what cannot be decided stays pending "
    "with its reason in pick_status."
)

results = define_asset(
    "results",
    table=schema.results,
    refresh=work.refresh,
    description=DESCRIPTION,
    group="standings",
    deps=["touchdowns"],
)
