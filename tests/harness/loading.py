"""The loader on an engine without a dbt project: for tests that load hundreds of files."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from dbt_forensics import sql
from dbt_forensics.load.files import find_files
from dbt_forensics.load.run import Loader, LoadOptions, Outcome
from dbt_forensics.load.target import find_target
from dbt_forensics.writing import DuckDBWriting, PostgresWriting, WritingWarehouse
from harness.engines import Engine


def warehouse_of(engine: Engine) -> WritingWarehouse:
    """The door that writes, on the tests' own connection."""
    base: type[Any] = DuckDBWriting if engine.name == "duckdb" else PostgresWriting

    class Direct(base):  # type: ignore[misc]
        def __init__(self) -> None:
            pass

        def identifier(self, name: str) -> str:
            return sql.identifier(name)

        def streams(self) -> dict[str, Any]:
            return {}

        def given_time(self) -> datetime | None:
            return None

        def end_transaction_of_dbt(self) -> None:
            pass

        def prepare_load(self) -> None:
            pass

        def _cursor(self) -> Any:
            return engine.connection if engine.name == "duckdb" else engine.connection.cursor()

        def _database(self) -> str:
            return str(engine.query("select current_database() as name")[0]["name"])

    return Direct()  # type: ignore[no-any-return]


def load(engine: Engine, paths: Iterable[Path], table: str = "raw.t", **options: bool) -> list[Outcome]:
    """Loads files into a table."""
    warehouse = warehouse_of(engine)
    target = find_target(warehouse, None, table)
    return list(
        Loader(warehouse, target, LoadOptions(**options)).load(find_files([str(path) for path in paths]))
    )
