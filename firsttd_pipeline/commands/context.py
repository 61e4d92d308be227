"""What every command starts with: settings, the open league, errors as one clear message and the right exit code."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

import typer
from rich.console import Console

from firsttd_pipeline.refresh.base import League, RefreshError
from firsttd_pipeline.settings import Settings, SettingsError, load_settings
from firsttd_pipeline.sources.http import SourceError
from firsttd_pipeline.storage.engine import StorageError

DONE, FAILED, WRONG_USE = 0, 1, 2

stderr = Console(stderr=True, highlight=False, soft_wrap=True)

P = ParamSpec("P")
R = TypeVar("R")


def fail(message: str, code: int) -> typer.Exit:
    """Say what is wrong on stderr (as plain text: nothing in it is markup) and give the exit to raise."""
    stderr.print(message, style="red" if code else "", markup=False)
    return typer.Exit(code)


def explained(command: Callable[P, R]) -> Callable[P, R]:
    """Turn the product's own errors into one message and an exit code: 2 for settings, 1 for what failed."""

    @wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except SettingsError as error:
            raise fail(str(error), WRONG_USE) from None
        except (StorageError, SourceError, RefreshError) as error:
            raise fail(str(error), FAILED) from None

    return wrapper


def settings_or_exit(**overrides: object) -> Settings:
    """The settings, or exit code 2 with every mistake named."""
    try:
        return load_settings(**overrides)
    except SettingsError as error:
        raise fail(str(error), WRONG_USE) from None


def login_name() -> str:
    """Who sits at the terminal, empty where the system has no name for him."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no name for this user id (a container)
        return ""


@contextmanager
def open_league() -> Iterator[League]:
    """The open league with a database at this version.

    Raises:
        typer.Exit: 2 for wrong settings, 1 for a database that cannot be used (told on stderr).
    """
    settings = settings_or_exit()
    try:
        with League.open(settings) as league:
            league.db.require_current()
            yield league
    except SettingsError as error:
        raise fail(str(error), WRONG_USE) from None
    except (StorageError, SourceError, RefreshError) as error:
        raise fail(str(error), FAILED) from None
