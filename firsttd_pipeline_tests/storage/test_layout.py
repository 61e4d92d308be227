"""SQL stands in storage/ alone. `sample/` is left out: it fills the large leagues of the benchmarks in its own way."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import firsttd_pipeline

PACKAGE = Path(firsttd_pipeline.__file__).parent
ELSEWHERE = sorted(
    path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] not in ("storage", "sample")
)
DATABASES = {"sqlalchemy", "sqlite3", "psycopg"}
TYPES = {"Connection", "Table", "SQLAlchemyError"}
"""What others may know of SQLAlchemy: what they hand on, and what they catch."""


def taken_from_databases(tree: ast.Module) -> set[str]:
    """Every name imported from a database's package."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in DATABASES:
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names if alias.name.split(".")[0] in DATABASES}
    return names


@pytest.mark.parametrize("path", ELSEWHERE, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_statement_is_built_or_executed_outside_storage(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert taken_from_databases(tree) <= TYPES
    named = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert named & {"execute", "executemany", "exec_driver_sql"} == set()


def test_the_look_reaches_every_folder_that_could_have_some() -> None:
    assert {"refresh", "checks", "commands", "assets", "automation"} <= {path.parent.name for path in ELSEWHERE}
    assert taken_from_databases(ast.parse("from sqlalchemy import select\nimport sqlite3")) == {"select", "sqlite3"}
