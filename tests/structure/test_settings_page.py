"""Every config that dbt can apply to a node of the package is decided about, and docs/settings.md says how."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from harness.project import PACKAGE
from harness.settings import node_settings

PAGE = (PACKAGE / "docs/settings.md").read_text(encoding="utf-8")
READ = re.compile(r"config\.(?:get|require)\(\s*['\"]([\w-]+)['\"]")
#: Macros of dbt and its adapters that no node of the package runs.
OTHERS = re.compile(r"/(functions|utils)/|/(external|table_function|unit)\.sql$")


def keys_that_dbt_knows() -> set[str]:
    """Of the classes of node configs, of the adapters' own, and what their macros read beside these."""
    import dbt.include
    from dbt.adapters.duckdb.impl import DuckDBConfig
    from dbt.adapters.postgres.impl import PostgresConfig
    from dbt.artifacts.resources import ModelConfig, SeedConfig, SnapshotConfig, TestConfig

    classes = (ModelConfig, SeedConfig, SnapshotConfig, TestConfig, DuckDBConfig, PostgresConfig)
    keys = {field.name for one in classes for field in dataclasses.fields(one)} - {"_extra"}
    for root in map(Path, dbt.include.__path__):
        for file in root.rglob("*.sql"):
            if not OTHERS.search(file.as_posix()):
                keys |= {key.replace("-", "_") for key in READ.findall(file.read_text(encoding="utf-8"))}
    return keys


def test_every_key_that_dbt_knows_is_decided_about() -> None:
    """A key that this fails for is new in dbt: macros/config/node_settings.sql must say what becomes of it."""
    assert keys_that_dbt_knows() - node_settings().keys() == set()


def test_the_page_says_what_is_decided() -> None:
    refused, harmless = [], []
    for key, decision in node_settings().items():
        if not decision:
            harmless.append(f"`{key}`")
            continue
        must = "; ".join(f"{kind}: {_values(values)}" for kind, values in decision["must"].items())
        refused.append(f"| `{key}` | {must} | {decision['why']} |")
    assert "\n".join(refused) in PAGE
    assert ", ".join(harmless) + "." in PAGE


def _values(values: object) -> str:
    if isinstance(values, str):
        return values
    assert isinstance(values, list)
    return " or ".join("nothing" if v is None else f"`{str(v).lower()}`" for v in values)


def test_every_node_checks_its_settings() -> None:
    files = [file for folder in ("models", "snapshots") for file in (PACKAGE / folder).rglob("*.sql")]
    files += (PACKAGE / "tests").glob("*.sql")
    checks = re.compile(r"dbt_forensics\.assert_(settings|keeps_history)\(")
    assert [file.name for file in files if not checks.search(file.read_text(encoding="utf-8"))] == []


def test_no_test_of_a_promise_can_be_switched_off_unsaid() -> None:
    """The guard asks for each singular test by name: of one that is disabled dbt tells a macro nothing."""
    guard = (PACKAGE / "macros/capture/guards.sql").read_text(encoding="utf-8")
    (asked,) = re.findall(r"for test in \[(.*?)\]", guard, re.DOTALL)
    found = {f"forensics__{name}" for name in re.findall(r"'(\w+)'", asked)}
    assert found == {file.stem for file in (PACKAGE / "tests").glob("*.sql")}
