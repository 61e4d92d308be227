"""The league's home folder: the Dagster home beside the database, prepared by every door in the same way."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

from firsttd_pipeline.settings import Settings, SettingsError

_MARK = "# Installed by firsttd"


def prepare_home(settings: Settings) -> Path:
    """Create FIRSTTD_HOME, install `dagster.yaml` there and point Dagster at it; returns the absolute folder.

    A `dagster.yaml` whose first line was removed belongs to the operator and is left alone.

    Raises:
        SettingsError: the folder cannot be created or written.
    """
    home = settings.home
    try:
        home.mkdir(parents=True, exist_ok=True)
        target = home / "dagster.yaml"
        wanted = files("firsttd_pipeline").joinpath("dagster.yaml").read_text(encoding="utf-8")
        current = target.read_text(encoding="utf-8") if target.exists() else _MARK
        if current.startswith(_MARK) and current != wanted:
            partial = target.with_suffix(".yaml.new")
            partial.write_text(wanted, encoding="utf-8")
            partial.replace(target)
    except OSError as error:
        raise SettingsError(
            f"FIRSTTD_HOME is {str(home)!r}: the folder cannot be used ({error.strerror}). "
            "Name a folder that can be created and written."
        ) from None
    os.environ["DAGSTER_HOME"] = str(home)
    return home
