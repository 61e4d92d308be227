"""Alembic's entry: runs the version files on the connection that `storage/upgrade.py` hands over, and no other."""

from alembic import context

from firsttd_pipeline.storage.migrations.support import UpgradeRefused

connection = context.config.attributes.get("connection")
if connection is None:
    raise UpgradeRefused("Migrations run through `firsttd db upgrade`, not through Alembic's own command.")
if connection.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() != 0:
    raise UpgradeRefused(
        "Migration refused: foreign keys are on, and rebuilding a table would delete what refers to it. "
        "Nothing was changed; upgrade through `firsttd db upgrade`."
    )
if not connection.in_transaction():
    raise UpgradeRefused("Migration refused: it runs inside one transaction, and none was begun.")
context.configure(connection=connection, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
