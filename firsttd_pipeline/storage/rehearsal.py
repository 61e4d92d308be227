"""What makes an upgrade of an SQLite file safe to try: a digest of its rows, a verified backup, a copy to rehearse on.

Files beside the database, in `backups/`: `NAME-v8-TIME.db` (the backup), `….db.partial` (one being made), `….rehearsal`
(the copy being upgraded) and `….md` (the report). What a killed upgrade left of the middle two, the next one removes.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from firsttd_pipeline.storage.engine import (
    DatabaseDamaged,
    DatabaseFull,
    DatabaseLocked,
    DatabaseReadOnly,
    DatabaseUnavailable,
    StorageError,
)

FOLDER = "backups"
_PARTIAL, _REHEARSAL = ".partial", ".rehearsal"
_SIDE_FILES = ("", "-journal", "-wal", "-shm")
_FULL = (28, 122)  # ENOSPC, EDQUOT
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Backup:
    """A verified copy of the database as it was, and the digest that both have."""

    path: Path
    digest: str

    @property
    def rehearsal(self) -> Path:
        """Where the upgrade is rehearsed."""
        return self.path.with_name(self.path.name + _REHEARSAL)

    @property
    def report(self) -> Path:
        """The report beside it."""
        return self.path.with_suffix(".md")


def digest(raw: sqlite3.Connection) -> str:
    """SHA-256 over the schema and every row of every table, as the connection's open transaction sees them.

    Two files with equal rows have equal digests, however their pages lie. Nothing is decoded: damaged text counts too.
    """
    seen = hashlib.sha256()
    kept = raw.text_factory
    raw.text_factory = bytearray  # keeps TEXT and BLOB apart
    try:
        schema = raw.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name").fetchall()
        seen.update(repr(schema).encode())
        for kind, name, _, sql in schema:
            if bytes(kind) != b"table" or (sql is not None and bytes(sql)[:14].upper() == b"CREATE VIRTUAL"):
                continue
            table = '"' + bytes(name).decode().replace('"', '""') + '"'
            seen.update(table.encode())
            try:
                rows = raw.execute(f"SELECT rowid, * FROM {table} ORDER BY rowid")  # noqa: S608
            except sqlite3.OperationalError:  # WITHOUT ROWID: in the order of its key
                rows = raw.execute(f"SELECT * FROM {table}")  # noqa: S608
            for row in rows:
                seen.update(repr(row).encode())
    finally:
        raw.text_factory = kept
    return seen.hexdigest()


def back_up(path: Path, mark: str, now: datetime, busy_timeout_s: float) -> Backup:
    """A verified backup of the file, in `backups/` beside it; whoever uses the file may go on.

    Args:
        path: the database.
        mark: what the file's name says of its version, e.g. `v8`.
        now: an aware instant, for the file's name.
        busy_timeout_s: how long to wait for a writer.

    Raises:
        StorageError: it could not be made, or is not equal to the database.
    """
    with _told(path, "The backup could not be made"):
        target = _free_name(path, mark, now)
        partial = target.with_name(target.name + _PARTIAL)
        with (
            closing(sqlite3.connect(path.as_uri() + "?mode=rw", uri=True, timeout=busy_timeout_s)) as source,
            closing(sqlite3.connect(partial)) as copy,
        ):
            source.isolation_level = copy.isolation_level = None
            source.execute("BEGIN")
            taken = digest(source)  # this read and the copy see one state of the file
            source.backup(copy)
            source.execute("ROLLBACK")
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, whatever the original uses
            said = [row[0] for row in copy.execute("PRAGMA integrity_check")]
            if said != ["ok"]:
                raise DatabaseDamaged(
                    f"The file {path} is damaged ({said[0]}): nothing was changed. Restore a backup of it, or let "
                    "`sqlite3 FILE .recover` save what can be read."
                )
            if digest(copy) != taken:
                raise DatabaseDamaged(
                    f"The backup of {path} is not equal to it: nothing was changed. Is the disk sound?"
                )
        with partial.open("rb+") as made:
            os.fsync(made.fileno())
        partial.replace(target)
        _fsync_folder(target.parent)
        return Backup(target, taken)


def copy_to_rehearse(backup: Backup, path: Path) -> None:
    """Put a copy of the backup where the upgrade is rehearsed. `path` is the database, for messages."""
    with _told(path, "The copy to rehearse on could not be made"):
        shutil.copyfile(backup.path, backup.rehearsal)


def remove(*paths: Path) -> None:
    """Remove files, and what SQLite puts beside them."""
    for path in paths:
        for suffix in _SIDE_FILES:
            with suppress(OSError):
                path.with_name(path.name + suffix).unlink(missing_ok=True)


@contextmanager
def alone(path: Path, busy_timeout_s: float) -> Iterator[None]:
    """No two upgrades of files in one folder at a time; and what killed ones left of this file is removed.

    Raises:
        DatabaseLocked: another one has not ended within the timeout.
        DatabaseReadOnly: `backups/` cannot be made or written.
    """
    folder = path.parent / FOLDER
    handle = _locked_folder(folder, path, busy_timeout_s)
    try:
        for left in folder.iterdir():
            unfinished = any(f".db{end}" in left.name for end in (_PARTIAL, _REHEARSAL))
            if left.name.startswith(f"{path.stem}-") and (unfinished or left.name.endswith(f".md{_PARTIAL}")):
                left.unlink(missing_ok=True)
        yield
    finally:
        with suppress(OSError):  # not empty: backups are in it
            folder.rmdir()
        os.close(handle)


def _locked_folder(folder: Path, path: Path, busy_timeout_s: float) -> int:
    until = time.monotonic() + busy_timeout_s
    while True:
        with _told(path, "Its upgrade needs a folder for the backup, which cannot be used"):
            folder.mkdir(exist_ok=True)
            handle = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            if time.monotonic() > until:
                raise DatabaseLocked(
                    f"Another upgrade of {path} is at work and has not ended within {busy_timeout_s:g} s: nothing was "
                    "changed. Wait for it, then look with `firsttd status`."
                ) from None
            time.sleep(_POLL_S)
            continue
        if folder.exists() and folder.stat().st_ino == os.fstat(handle).st_ino:
            return handle
        os.close(handle)  # another upgrade ended and took the empty folder with it


def require_room(path: Path) -> None:
    """Refuse before anything is written where the disk cannot hold backup, rehearsal and journal.

    Raises:
        DatabaseFull: it cannot.
    """
    with _told(path, "The disk could not be looked at"):
        size = sum(p.stat().st_size for p in (path, path.with_name(path.name + "-wal")) if p.exists())
        needed = 4 * size + 4 * 2**20
        free = shutil.disk_usage(path.parent).free
    if free < needed:
        raise DatabaseFull(
            f"The disk of {path} has {_mb(free)} free, its upgrade needs {_mb(needed)} (a backup, and a copy to "
            "rehearse on): nothing was changed. Make room and try again."
        )


def _mb(size: int) -> str:
    return f"{size / 2**20:.1f} MB"


def _free_name(path: Path, mark: str, now: datetime) -> Path:
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    stem = f"{path.stem}-{mark}-{stamp}"
    for number in range(1, 1000):
        found = path.parent / FOLDER / f"{stem}{f'-{number}' if number > 1 else ''}.db"
        if not found.exists() and not found.with_suffix(".md").exists():
            return found
    raise DatabaseUnavailable(f"{path.parent / FOLDER} holds too many backups of {stamp}: remove some.")


def _fsync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_report(backup: Backup, text: str) -> None:
    """Write the report beside the backup, whole or not at all."""
    with _told(backup.path, "The report could not be written"):
        new = backup.report.with_name(backup.report.name + _PARTIAL)
        new.write_text(text, encoding="utf-8")
        new.replace(backup.report)


@contextmanager
def _told(path: Path, what: str) -> Iterator[None]:
    """Turn the errors of files and of SQLite into one message that says that nothing was changed."""
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        message = f"{path}: {what}{where}: {error.strerror}. Nothing was changed."
        if error.errno in _FULL:
            raise DatabaseFull(f"{message} Make room and try again.") from error
        if isinstance(error, PermissionError) or error.errno == 30:  # EROFS
            raise DatabaseReadOnly(f"{message} Make the folder writable for this user, then try again.") from error
        raise DatabaseUnavailable(message) from error
    except sqlite3.Error as error:
        said, code = str(error), getattr(error, "sqlite_errorname", "")
        message = f"{path}: {what}: {said}. Nothing was changed."
        if "locked" in said:
            raise DatabaseLocked(f"{message} Close the program that holds it, or try again.") from error
        if "full" in said or code in (
            "SQLITE_FULL",
            "SQLITE_IOERR_WRITE",
            "SQLITE_IOERR_FSYNC",
            "SQLITE_IOERR_TRUNCATE",
        ):
            raise DatabaseFull(f"{message} Is the disk full? Make room and try again.") from error
        if "readonly" in said:
            raise DatabaseReadOnly(message) from error
        raise DatabaseDamaged(message) from error
