"""The pictures of how good the markets' prices were, the same for the assets' metadata and for the command line.

Frames in, a picture out; None where nothing is judged, for a picture of nothing tells nothing.
"""

from __future__ import annotations

import polars as pl

from firsttd_pipeline.domain.calibration import LONGSHOT_SCHEMA, longshot_bias, reliability
from firsttd_pipeline.domain.markets import NAMES
from firsttd_pipeline.reports.plots import HorizontalBars, Reliability


def reliability_picture(season: int, judged: pl.DataFrame) -> Reliability | None:
    """How often closing lines came true, by venue: fair probabilities where any is known, else the prices themselves.

    A venue without a fair probability, where others have some, shows its prices and says so in its name.

    Args:
        season: said in the title, as is which of the two it is.
        judged: source, probability, fair_probability, won.
    """
    fair = judged["fair_probability"].count() > 0
    series = {}
    for (source,), legs in judged.sort("source").group_by("source", maintain_order=True):
        of_fair = legs["fair_probability"].count() > 0
        bins = reliability(legs["fair_probability" if of_fair else "probability"], legs["won"])
        if bins.height:
            rows = bins.select("mean_probability", "share_won", "n", "share_low", "share_high").rows()
            series[NAMES.get(str(source), str(source)) + (" (prices)" if fair and not of_fair else "")] = rows
    if not series:
        return None
    what = "Fair closing probabilities of {} (no overround)" if fair else "Closing prices of {} (with overround)"
    return Reliability(f"{what.format(season)} against outcomes", series)


def longshot_bands(judged: pl.DataFrame) -> pl.DataFrame:
    """`calibration.longshot_bias` of each venue, with its name as `venue`: judged as in `reliability_picture`."""
    parts = [
        longshot_bias(legs["probability"], legs["won"]).select(
            pl.lit(NAMES.get(str(source), str(source))).alias("venue"), pl.all()
        )
        for (source,), legs in judged.sort("source").group_by("source", maintain_order=True)
    ]
    return pl.concat(parts) if parts else pl.DataFrame(schema={"venue": pl.String(), **LONGSHOT_SCHEMA})


def longshot_picture(season: int, bands: pl.DataFrame) -> HorizontalBars | None:
    """What backing every leg of a price band brought, from `longshot_bands`."""
    if bands.is_empty():
        return None
    names = [f"{venue} {band} (n {n:,})" for venue, band, n in bands.select("venue", "band", "n").rows()]
    title = f"Mean profit on a stake of 1 at the closing price, by price band, {season}"
    return HorizontalBars(title, names, bands["return"].to_list(), "mean profit on a stake of 1")


def members_picture(season: int, members: pl.DataFrame) -> HorizontalBars | None:
    """Luck as bars, best closing-line value first: skill orders them, luck is how far they reach.

    Args:
        season: said in the title.
        members: member, closing_line_value, luck, judged; in any order.
    """
    priced = members.filter(pl.col("closing_line_value").is_not_null()).sort(
        "closing_line_value", "member", descending=[True, False]
    )
    if not priced["luck"].count():
        return None
    names = [  # the value first: a long name is cut
        f"{value:+.1%} (n {judged}) {member}"
        for member, value, judged in priced.select("member", "closing_line_value", "judged").iter_rows()
    ]
    title = f"Members of {season} by closing-line value (n judged picks), and their luck"
    return HorizontalBars(title, names, priced["luck"].to_list(), "points beyond the expected ones")
