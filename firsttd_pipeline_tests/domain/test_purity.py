"""The domain stays pure: no orchestrator, no database, no network, no pandas, no clock."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import firsttd_pipeline.domain

DOMAIN = Path(firsttd_pipeline.domain.__file__).parent
MODULES = sorted(DOMAIN.glob("*.py"))
FORBIDDEN = {
    "alembic",
    "dagster",
    "http",
    "matplotlib",
    "nflreadpy",
    "pandas",
    "pandera",
    "psycopg",
    "requests",
    "rich",
    "socket",
    "sqlalchemy",
    "sqlite3",
    "typer",
    "urllib",
    "urllib3",
}


def _imports(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_domain_module_imports_only_the_domain_and_nothing_of_the_outside(path: Path) -> None:
    imports = _imports(ast.parse(path.read_text()))
    assert {name.split(".")[0] for name in imports} & FORBIDDEN == set()
    own = {name for name in imports if name.startswith("firsttd_pipeline")}
    assert {name for name in own if not name.startswith("firsttd_pipeline.domain")} == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_domain_module_asks_no_clock_and_opens_no_file(path: Path) -> None:
    calls = {
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
    }
    assert (
        calls & {"now", "utcnow", "today", "open", "read_text", "write_text", "read_parquet", "getenv", "print"}
        == set()
    )


def test_importing_the_whole_domain_loads_none_of_it_either() -> None:
    names = [f"firsttd_pipeline.domain.{path.stem}" for path in MODULES if path.stem != "__init__"]
    # the standard library's own http and urllib may come in with others
    heavy = sorted(FORBIDDEN - {"http", "urllib", "socket"})
    code = (
        f"import importlib, sys\nfor name in {names!r}: importlib.import_module(name)\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
