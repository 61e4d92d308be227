"""Claims about the pages in docs/ and the README: what they say of the code is what the code is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from firsttd_pipeline.automation.jobs import NIGHTLY
from firsttd_pipeline.checks import CHECKS
from firsttd_pipeline.cli import app
from firsttd_pipeline.definitions import defs
from firsttd_pipeline.domain.grading import REASONS, RulePack
from firsttd_pipeline.settings import ENV_PREFIX, Settings
from firsttd_pipeline.storage.schema import metadata
from firsttd_pipeline_tests.database_page import GROUPS, page_with_tables

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def table(page: str, *columns: str) -> list[dict[str, str]]:
    """The rows of the page's table with these first columns."""
    lines = read(DOCS / page).splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith("| " + " | ".join(columns)))
    names = [cell.strip() for cell in lines[start].strip("|").split("|")]
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append(dict(zip(names, (cell.strip() for cell in line.strip()[1:-1].split("|")), strict=True)))
    return rows


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_the_graph_is_as_operations_says() -> None:
    graph = defs.resolve_asset_graph()
    said = {
        code(row["asset"])[0]: set(code(row["runs after"])) for row in table("operations.md", "asset", "runs after")
    }
    assert said == {
        key.to_user_string(): {parent.to_user_string() for parent in graph.get(key).parent_keys}
        for key in graph.get_all_asset_keys()
    }
    assert f"`{NIGHTLY}`" in read(DOCS / "operations.md")


def test_operations_says_of_every_check_whether_it_blocks_and_what_to_do() -> None:
    rows = table("operations.md", "asset", "check", "blocking")
    said = {(code(row["asset"])[0], code(row["check"])[0]): row["blocking"] == "yes" for row in rows}
    assert said == {(asset, c.name): c.blocking for asset, checks in CHECKS.items() for c in checks}
    assert all(row["what does not hold"] and row["what to do"] for row in rows)


def test_the_database_page_is_made_from_the_tables() -> None:
    page = read(DOCS / "database.md")
    assert page == page_with_tables(page), "run python -m firsttd_pipeline_tests.database_page"
    assert {name for names in GROUPS.values() for name in names} == set(metadata.tables)


def test_the_database_page_lists_every_version() -> None:
    versions = (ROOT / "firsttd_pipeline" / "storage" / "migrations" / "versions").glob("v0*.py")
    numbers = {int(path.name[1:5]) for path in versions}
    assert {int(row["version"]) for row in table("database.md", "version", "brings")} == numbers


def test_grading_explains_every_reason_and_no_other() -> None:
    text = read(DOCS / "grading.md")
    for reason in REASONS:
        assert f"`{reason}`" in text
    pending = {code(row["reason"])[0] for row in table("grading.md", "reason", "meaning")}
    assert pending - {"not graded yet"} <= set(REASONS)


def test_grading_and_settings_name_the_leagues_defaults() -> None:
    rules = RulePack()
    assert f"`{rules.scoring}` (default)" in read(DOCS / "grading.md")
    assert f"`FIRSTTD_OFFICIAL_AFTER_DAYS` days ({rules.official_after_days})" in read(DOCS / "grading.md")


def test_settings_lists_every_setting_with_its_default() -> None:
    rows = {code(row["variable"])[0]: row["default"] for row in table("settings.md", "variable", "default")}
    fields = {ENV_PREFIX + name.upper(): field for name, field in Settings.model_fields.items()}
    assert set(rows) == set(fields)
    for name, field in fields.items():
        if isinstance(field.default, (int, float, str)) and field.default and "://" not in str(field.default):
            shown = f"{field.default:g}" if isinstance(field.default, float) else str(field.default)
            shown = "on" if field.default is True else shown
            assert rows[name] == f"`{shown}`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", read(page)):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def commands(page: Path) -> list[list[str]]:
    """Every `firsttd ...` that stands in a block of code, as arguments."""
    blocks = re.findall(r"```\n(.*?)```", read(page), flags=re.DOTALL)
    lines = [line.split("#")[0].split(">")[0].strip() for block in blocks for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith(".venv/bin/firsttd ")]


SHOWN = sorted({tuple(arguments) for page in PAGES for arguments in commands(page)})


@pytest.mark.parametrize("arguments", SHOWN, ids=" ".join)
def test_every_command_that_is_shown_is_understood(arguments: tuple[str, ...]) -> None:
    command: Any = typer.main.get_command(app)
    rest = list(arguments)
    while hasattr(command, "commands") and not (command.invoke_without_command and rest[:1] and rest[0][:1] == "-"):
        command = command.commands[rest.pop(0)]
    command.make_context(command.name, rest)  # raises where an option or argument is wrong


def test_every_make_target_that_is_shown_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", read(ROOT / "Makefile"), flags=re.MULTILINE))
    blocks = [block for page in PAGES for block in re.findall(r"```\n(.*?)```", read(page), flags=re.DOTALL)]
    shown = {name for block in blocks for name in re.findall(r"^make ([a-z-]+)", block, flags=re.MULTILINE)}
    shown |= {name for page in PAGES for name in re.findall(r"`make ([a-z-]+)", read(page))}
    assert {"demo", "test", "nightly", "ui"} <= shown <= targets
