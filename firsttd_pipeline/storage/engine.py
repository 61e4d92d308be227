"""The one way to the league's database: connections, transactions, frames, and errors a person can act on.

SQLite writers begin IMMEDIATE with foreign keys on, WAL and a busy timeout; PostgreSQL writers wait for each other on
an advisory lock. A database of another revision, or of somebody else, is refused before anything is read from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import (
    ARRAY,
    URL,
    ColumnElement,
    Connection,
    Engine,
    Executable,
    TextClause,
    any_,
    create_engine,
    event,
    literal,
    make_url,
    text,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.sql import sqltypes

from firsttd_pipeline.masking import mask_secrets
from firsttd_pipeline.storage.migrations import HEAD_REVISION
from firsttd_pipeline.storage.schema import UtcDateTime, use_postgresql

UTC_DATETIME = pl.Datetime("us", "UTC")
WRITER_LOCK = 0x66697274
"""Key of the PostgreSQL advisory lock that the pipeline's writers take, one after the other."""

_NOT_WRITTEN = frozenset(
    f"SQLITE_IOERR_{what}" for what in ("WRITE", "FSYNC", "DIR_FSYNC", "TRUNCATE", "SHMOPEN", "SHMSIZE", "SHMMAP")
)
"""What SQLite says where the disk refuses to take more, besides SQLITE_FULL: a quota, no room for its shared memory."""

_OLD_APP_TABLES = frozenset({"users", "weeks", "picks", "results", "schema_version"})


class StorageError(RuntimeError):
    """The database could not do it. `retry_helps` says whether the same call may succeed later."""

    retry_helps = False


class DatabaseLocked(StorageError):
    """Somebody else held the write lock for longer than the busy timeout."""

    retry_helps = True


class DatabaseFull(StorageError):
    """No room on the disk; the transaction was rolled back."""


class DatabaseReadOnly(StorageError):
    """The file, its folder or the PostgreSQL session allows no writes."""


class DatabaseUnavailable(StorageError):
    """The file cannot be opened, or the server does not answer."""

    retry_helps = True


class DatabaseDamaged(StorageError):
    """SQLite says the file is malformed, or the disk gave an I/O error."""


class NotUpgraded(StorageError):
    """The database is not at the revision this release works with."""

    def __init__(self, name: str, current: str | None, wanted: str) -> None:
        self.current, self.wanted = current, wanted
        at = f"is at {current}" if current else "has no tables yet"
        super().__init__(f"The database {name} {at}, this release works with {wanted}: run `firsttd db upgrade`.")


class NewerDatabase(StorageError):
    """A later release upgraded the database; this one does not know its tables."""

    def __init__(self, name: str, current: str, wanted: str) -> None:
        self.current, self.wanted = current, wanted
        super().__init__(
            f"The database {name} is at revision {current}, which this release (it works with {wanted}) does not know: "
            "it was not touched. Install the release that upgraded it."
        )


class ForeignDatabase(StorageError):
    """This is no database of ours; it is never touched."""


def url_of(path_or_url: str | Path) -> URL:
    """The SQLAlchemy address of a bare path, a `sqlite:///` or a `postgresql://` address.

    Raises:
        StorageError: it is neither SQLite in a file nor PostgreSQL; a password in it is not repeated.
    """
    given = str(path_or_url).strip()
    if "://" not in given:
        if given in ("", ":memory:"):
            raise StorageError(
                "The database needs a file: a path, sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"
            )
        return URL.create("sqlite", database=str(Path(given).expanduser().absolute()))
    try:
        url = make_url(given)
    except (ArgumentError, ValueError):
        raise StorageError(f"{mask_secrets(given)!r} is not a database address") from None
    backend = url.drivername.split("+")[0]
    if backend == "sqlite":
        if url.database in (None, "", ":memory:"):
            raise StorageError("The database needs a file: sqlite:///FILE")
        return url.set(drivername="sqlite", database=str(Path(str(url.database)).expanduser().absolute()))
    if backend in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    raise StorageError(f"{mask_secrets(given)!r}: the database is SQLite (a file, sqlite:///FILE) or postgresql://…")


class Database:
    """The league's database, SQLite or PostgreSQL. Connects on first use; safe to share between threads."""

    def __init__(self, url: str | Path, busy_timeout_s: float = 30.0) -> None:
        """`url` as for `url_of`; `busy_timeout_s` is how long a writer waits for another one, in seconds."""
        self.url = url_of(url)
        self.busy_timeout_s = busy_timeout_s
        self.engine = make_engine(self.url, busy_timeout_s)
        self._ready = False

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.engine.dialect.name

    @property
    def path(self) -> Path | None:
        """The SQLite file, None on PostgreSQL."""
        return Path(str(self.url.database)) if self.dialect == "sqlite" else None

    @property
    def name(self) -> str:
        """The address for people: a file's path, else the address with its password masked."""
        return str(self.path) if self.path else mask_secrets(self.url.render_as_string(hide_password=True))

    def __repr__(self) -> str:
        return f"Database({self.name!r})"

    def close(self) -> None:
        """Give back all connections."""
        self.engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection whose reads all see one state of the database; what it writes is rolled back.

        Raises:
            NotUpgraded, ForeignDatabase: this release cannot work with the database as it is.
            StorageError: what else stands in the way, in plain words.
        """
        self.require_current()
        with self.translated(), self.engine.connect() as conn:
            if self.dialect == "postgresql":
                conn = conn.execution_options(isolation_level="REPEATABLE READ")
            yield conn

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A connection in ONE transaction: committed when the block ends, rolled back when it raises.

        Writers wait for each other for the busy timeout.

        Raises:
            DatabaseLocked, DatabaseFull, DatabaseReadOnly, ...: see `read`; constraint errors stay SQLAlchemy's
            IntegrityError.
        """
        self.require_current()
        with self.translated(), self.begin() as conn:
            yield conn

    @contextmanager
    def begin(self, engine: Engine | None = None) -> Iterator[Connection]:
        """`write()` without its checks and messages: what upgrades use."""
        with (engine or self.engine).connect() as conn:
            conn = conn.execution_options(firsttd_begin="IMMEDIATE")
            with conn.begin():
                if self.dialect == "postgresql":
                    wait = int(self.busy_timeout_s * 1000)
                    conn.exec_driver_sql(f"SET LOCAL lock_timeout = {wait}")
                    conn.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")
                yield conn

    def frame(
        self,
        statement: Executable | str,
        params: Mapping[str, Any] | None = None,
        *,
        conn: Connection | None = None,
    ) -> pl.DataFrame:
        """Rows of a select as a polars frame, typed by the select's columns (see `read_frame`).

        With `conn` it reads inside that transaction, else in one of its own.
        """
        if conn is not None:
            return read_frame(conn, statement, params)
        with self.read() as own:
            return read_frame(own, statement, params)

    def tables(self) -> set[str]:
        """Names of the tables that are there; empty where the file or the tables are not."""
        if self.path is not None and not self.path.exists():
            return set()
        with self.translated(), self.engine.connect() as conn:
            return table_names(conn)

    def require_current(self) -> None:
        """Check once that the database is ours and at this release's revision.

        Raises:
            NotUpgraded, ForeignDatabase: it is not.
        """
        if self._ready:
            return
        if self.path is not None and not self.path.exists():
            raise NotUpgraded(self.name, None, HEAD_REVISION)
        with self.translated(), self.engine.connect() as conn:
            tables = table_names(conn)
            if "alembic_version" not in tables:
                if not tables:
                    raise NotUpgraded(self.name, None, HEAD_REVISION)
                if tables >= _OLD_APP_TABLES:
                    version = conn.execute(text("SELECT max(version) FROM schema_version")).scalar()
                    raise NotUpgraded(self.name, f"the old application's version {version}", HEAD_REVISION)
                raise ForeignDatabase(not_ours(self.name, tables))
            revision = conn.execute(text("SELECT version_num FROM alembic_version")).scalar()
            if revision is None or not tables >= _OLD_APP_TABLES:
                raise ForeignDatabase(not_ours(self.name, tables))
            if revision != HEAD_REVISION:
                if not (revision.isdigit() and int(revision) < int(HEAD_REVISION)):
                    raise NewerDatabase(self.name, str(revision), HEAD_REVISION)
                raise NotUpgraded(self.name, str(revision), HEAD_REVISION)
        self._use_wal()
        self._ready = True

    def forget_check(self) -> None:
        """Let the next use check the revision again (an upgrade has run)."""
        self._ready = False

    def _use_wal(self) -> None:
        """Readers and a writer side by side. A file that cannot be written stays as it is and can still be read."""
        if self.dialect != "sqlite":
            return
        with self.translated(), self.engine.connect() as conn:
            raw: Any = conn.connection.driver_connection
            if raw.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                try:
                    raw.execute("PRAGMA journal_mode = WAL")
                except Exception as error:
                    if "readonly" not in str(error):
                        raise

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn the driver's errors into ours; constraint errors and programming errors pass unchanged."""
        try:
            yield
        except DBAPIError as error:
            clear = self._clear_error(error)
            if clear is None:
                raise
            raise clear from error

    def _clear_error(self, error: DBAPIError) -> StorageError | None:
        if self.dialect == "sqlite":
            return self._clear_sqlite_error(str(error.orig).lower(), getattr(error.orig, "sqlite_errorname", ""))
        return self._clear_postgres_error(error)

    def _clear_sqlite_error(self, said: str, code: str) -> StorageError | None:
        if "is locked" in said:
            return DatabaseLocked(
                f"The database {self.name} was locked by another program for more than {self.busy_timeout_s:g} s: "
                "nothing was written. Close the program that holds it, or try again."
            )
        if "disk is full" in said:
            return DatabaseFull(
                f"No room left on the disk of {self.name}: nothing was written. Make room and try again."
            )
        if code in _NOT_WRITTEN:
            return DatabaseFull(
                f"The database {self.name} could not be written ({code}): nothing was written. Is its disk full, or a "
                "quota used up? Make room and try again."
            )
        if "readonly database" in said:
            return DatabaseReadOnly(f"The database {self.name} or its folder may not be written: nothing was written.")
        if "unable to open" in said:
            return DatabaseUnavailable(f"The database {self.name} cannot be opened: is its folder there and writable?")
        if "not a database" in said:
            return ForeignDatabase(f"{self.name} is no SQLite database: it was not touched.")
        if "malformed" in said or "disk i/o error" in said:
            return DatabaseDamaged(
                f"The database {self.name} cannot be read ({said}): restore it from a copy (see `firsttd db check`)."
            )
        return None

    def _clear_postgres_error(self, error: DBAPIError) -> StorageError | None:
        code = getattr(error.orig, "sqlstate", None) or ""
        said = mask_secrets(" ".join(str(error.orig).split()))
        if code == "55P03":
            return DatabaseLocked(
                f"Another writer held {self.name} for more than {self.busy_timeout_s:g} s: nothing was written."
            )
        if code in ("40001", "40P01"):
            return DatabaseLocked(f"{self.name}: another transaction came in between, nothing was written. Try again.")
        if code == "53100":
            return DatabaseFull(f"No room left on the disk of {self.name}: nothing was written.")
        if code == "25006":
            return DatabaseReadOnly(f"{self.name} is read-only: nothing was written.")
        if code == "42501":
            return DatabaseReadOnly(f"{self.name}: this user may not do that ({said}).")
        if error.connection_invalidated or (not code and type(error.orig).__name__ == "OperationalError"):
            return DatabaseUnavailable(f"{self.name} does not answer: {said}")
        if code[:2] in ("08", "57", "28", "3D"):
            return DatabaseUnavailable(f"{self.name} cannot be used: {said}")
        return None


def not_ours(name: str, tables: set[str]) -> str:
    """The refusal of a database that holds something else."""
    seen = ", ".join(sorted(tables)[:5])
    return f"{name} is not a league's database (it has the tables {seen}): it was not touched. Name another one."


def make_engine(url: URL, busy_timeout_s: float, *, foreign_keys: bool = True) -> Engine:
    """An engine with this house's connection settings; `foreign_keys=False` is for migrations on SQLite only."""
    if url.get_backend_name() == "postgresql":
        use_postgresql()
        try:
            return create_engine(
                url,
                pool_pre_ping=True,
                connect_args={
                    "connect_timeout": 10,
                    "options": "-c timezone=UTC",
                    "application_name": "firsttd",
                },
            )
        except (NoSuchModuleError, ModuleNotFoundError) as error:
            raise StorageError(f"PostgreSQL needs the package psycopg: {error}") from error
    engine = create_engine(url, connect_args={"timeout": busy_timeout_s})

    @event.listens_for(engine, "connect")
    def _on_connect(raw: Any, _record: Any) -> None:
        # The driver must not begin transactions by itself: it would begin DEFERRED.
        raw.isolation_level = None
        wanted = int(foreign_keys)
        raw.execute(f"PRAGMA foreign_keys = {wanted}")
        if raw.execute("PRAGMA foreign_keys").fetchone()[0] != wanted:
            raise StorageError("this SQLite does not enforce foreign keys: it is not safe to use")
        raw.execute("PRAGMA synchronous = NORMAL")
        raw.execute("PRAGMA temp_store = MEMORY")

    @event.listens_for(engine, "begin")
    def _on_begin(conn: Connection) -> None:
        conn.exec_driver_sql("BEGIN " + conn.get_execution_options().get("firsttd_begin", "DEFERRED"))

    return engine


def table_names(conn: Connection) -> set[str]:
    """Names of the tables in the connection's database (its current schema on PostgreSQL)."""
    if conn.dialect.name == "sqlite":
        sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    else:
        sql = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
    return set(conn.exec_driver_sql(sql).scalars())


# --- frames ----------------------------------------------------------------------------------------------------------


def polars_type(kind: sqltypes.TypeEngine[Any]) -> pl.DataType | None:
    """The polars type that a column of this SQL type is read as; None: inferred from the values."""
    if isinstance(kind, UtcDateTime | sqltypes.DateTime):
        return UTC_DATETIME
    if isinstance(kind, sqltypes.Boolean):
        return pl.Boolean()
    if isinstance(kind, sqltypes.Date):
        return pl.Date()
    if isinstance(kind, sqltypes.Integer):
        return pl.Int64()
    if isinstance(kind, sqltypes.Numeric | sqltypes.Float):  # neither is the other's subclass in every SQLAlchemy 2
        return pl.Float64()
    if isinstance(kind, sqltypes.String):
        return pl.String()
    if isinstance(kind, sqltypes.LargeBinary):
        return pl.Binary()
    return None


def among(conn: Connection, column: ColumnElement[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    """Whether the column has one of the values. To PostgreSQL they go as one array: a statement with a thousand places
    takes longer to write and to read than to run."""
    if conn.dialect.name == "sqlite":
        return column.in_(values)
    return column == any_(literal(list(values), ARRAY(column.type)))


def read_frame(conn: Connection, statement: Executable | str, params: Mapping[str, Any] | None = None) -> pl.DataFrame:
    """Run a select and return its rows as a frame.

    Integers are Int64, numbers Float64, booleans Boolean, dates Date, instants Datetime('us', 'UTC') on both
    databases. A value that is not of its column's type (SQLite allows that) reads as null. Raw SQL strings carry no
    types: their columns are inferred from the values.
    """
    if isinstance(statement, str):
        statement = text(statement)
    result = conn.execute(statement, dict(params) if params else None)
    names = list(result.keys())
    columns = () if isinstance(statement, TextClause) else tuple(getattr(statement, "selected_columns", ()))
    # The driver's own rows: SQLAlchemy's per-value conversions cost more than the query.
    rows: Sequence[Sequence[Any]] = result.cursor.fetchall() if result.cursor is not None else []
    result.close()
    kinds = [polars_type(c.type) for c in columns] if len(columns) == len(names) else [None] * len(names)
    if not rows:
        return pl.DataFrame(schema={n: k or pl.Null() for n, k in zip(names, kinds, strict=True)})
    values = zip(*rows, strict=True)
    return pl.DataFrame([_series(n, v, k) for n, v, k in zip(names, values, kinds, strict=True)])


def _series(name: str, values: Sequence[Any], kind: pl.DataType | None) -> pl.Series:
    if kind is None:
        if any(isinstance(v, Decimal) for v in values):
            values = [None if v is None else float(v) for v in values]
        return pl.Series(name, values, strict=False)
    sample = next((v for v in values if v is not None), None)
    if isinstance(kind, pl.Datetime):
        ours = isinstance(sample, datetime)
        return pl.Series(name, values, dtype=kind, strict=False) if ours else _instants(name, values)
    if isinstance(kind, pl.Date):
        return pl.Series(name, values, dtype=kind) if isinstance(sample, date) else _dates(name, values)
    if isinstance(kind, pl.Boolean) and sample is not None and not isinstance(sample, bool):
        return _numbers(name, values, pl.Int64()).cast(pl.Boolean)
    if isinstance(sample, Decimal):
        values = [None if v is None else float(v) for v in values]
    return _numbers(name, values, kind)


def _numbers(name: str, values: Sequence[Any], kind: pl.DataType) -> pl.Series:
    try:
        return pl.Series(name, values, dtype=kind)
    except (TypeError, OverflowError, pl.exceptions.PolarsError):
        return pl.Series(
            name, [v if isinstance(v, _PYTHON[type(kind)]) else None for v in values], dtype=kind, strict=False
        )


_PYTHON: dict[type[pl.DataType], tuple[type, ...]] = {
    pl.Int64: (int,),
    pl.Float64: (int, float),
    pl.Boolean: (bool,),
    pl.String: (str,),
    pl.Binary: (bytes,),
}


def _instants(name: str, values: Sequence[Any]) -> pl.Series:
    texts = _numbers(name, values, pl.String())
    read = texts.str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", time_zone="UTC", strict=False)
    if read.null_count() == texts.null_count():
        return read
    # Other writers use ISO forms with a T, fractions or an offset.
    return pl.Series(name, [_instant(v) for v in texts], dtype=UTC_DATETIME)


def _instant(value: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(value or "")
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _dates(name: str, values: Sequence[Any]) -> pl.Series:
    texts = _numbers(name, values, pl.String())
    read = texts.str.to_date("%Y-%m-%d", strict=False)
    if read.null_count() == texts.null_count():
        return read
    return pl.Series(name, [_day(v) for v in texts], dtype=pl.Date)


def _day(value: str | None) -> date | None:
    found = _instant(value)
    return found.date() if found else None
