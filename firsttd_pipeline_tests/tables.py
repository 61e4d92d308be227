"""How wide a table is drawn in Dagster's UI, which breaks no head and no word: about what Chromium draws."""

from __future__ import annotations

import re

import polars as pl

from firsttd_pipeline.assets.base import preview_table

ROOM = 640
"""Pixels that the metadata of a partition have for a value in a window of 1500; what is wider leaves its frame."""
_HEAD, _CELL, _PADDING = 7.2, 8.4, 16


def drawn_width(frame: pl.DataFrame) -> float:
    """The least pixels that the table of this frame takes."""
    table = preview_table(frame)
    width = 0.0
    for column in table.schema.columns:
        words = [word for record in table.records for word in re.split(r"[ -]", str(record.data[column.name]))]
        longest = max((len(word) for word in words), default=0)
        width += max(len(column.name) * _HEAD, longest * _CELL) + _PADDING
    return width
