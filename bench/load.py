"""How fast files are loaded, beside the engine's own bare bulk load of the same file: `python bench/load.py --rows N`.

Each measurement is a process of its own, of which the load itself counts: not dbt's start, which takes seconds whatever
is loaded, nor the start of Python. PostgreSQL is a throw-away cluster, as in the tests.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "scripts")]

from harness.engines import DuckDB, Engine, PostgresCluster  # noqa: E402
from harness.project import Consumer  # noqa: E402

COLUMNS = {
    "event_id": "varchar",
    "customer_id": "varchar",
    "occurred_at": "timestamp",
    "amount": "numeric(18, 2)",
    "currency": "varchar",
    "_loaded_at": "timestamp",
    "_load_id": "varchar",
}
BARE_COLUMNS = list(COLUMNS)[:5]
FORMATS = ("jsonl", "csv", "parquet")

#: The command without its output.
LOAD = """
import sys, time
from dbt_forensics.load.files import find_files
from dbt_forensics.load.run import Loader, LoadOptions
from dbt_forensics.load.target import find_target
from dbt_forensics.warehouse import DbtOptions
from dbt_forensics.writing import open_writing
folder, path = sys.argv[1:]
with open_writing(DbtOptions(folder, folder)) as warehouse:
    started = time.perf_counter()
    loader = Loader(warehouse, find_target(warehouse, None, "raw.t"), LoadOptions())
    (outcome,) = loader.load(find_files([path]))
    print(time.perf_counter() - started)
assert outcome.status == "landed", outcome
"""
#: What an engine needs to load the same file with nothing around it.
BARE_DUCKDB = """
import sys, time, duckdb
database, path, kind = sys.argv[1:]
reader = {"jsonl": "read_json", "csv": "read_csv", "parquet": "read_parquet"}[kind]
connection = duckdb.connect(database)
started = time.perf_counter()
connection.execute(f"insert into raw.t (%s) select %s from {reader}('{path}')")
connection.close()
print(time.perf_counter() - started)
"""
BARE_POSTGRES = """
import sys, io, time, psycopg2
dsn, path, kind = sys.argv[1:]
connection = psycopg2.connect(dsn)
cursor = connection.cursor()
started = time.perf_counter()
columns = "%s"
if kind == "csv":
    cursor.copy_expert(f"copy raw.t ({columns}) from stdin with (format csv, header)", open(path))
elif kind == "jsonl":
    # The server's own way: lines into a table of JSON, typed from there.
    cursor.execute("create temporary table lines (line json)")
    cursor.copy_expert("copy lines from stdin with (format csv, quote e'\\\\x01', delimiter e'\\\\x02')", open(path))
    cursor.execute(f"insert into raw.t ({columns}) select x.* from lines, json_to_record(line) as x(%s)")
else:
    import pyarrow.parquet as pq
    from pyarrow import csv as arrow_csv
    for batch in pq.ParquetFile(path).iter_batches(100_000):
        text = io.BytesIO()
        arrow_csv.write_csv(batch, text, arrow_csv.WriteOptions(include_header=False))
        text.seek(0)
        cursor.copy_expert(f"copy raw.t ({columns}) from stdin with (format csv)", text)
connection.commit()
print(time.perf_counter() - started)
"""


def write_files(folder: Path, rows: int) -> dict[str, Path]:
    """The same rows in each format."""
    import pyarrow.csv
    import pyarrow.parquet

    paths = {kind: folder / f"orders.{kind}" for kind in FORMATS}
    with paths["csv"].open("w") as as_csv, paths["jsonl"].open("w") as as_json:
        as_csv.write(",".join(BARE_COLUMNS) + "\n")
        for n in range(rows):
            values = (
                f"e{n}",
                f"c{n % 5000}",
                f"2026-01-{1 + n % 28:02}T10:{n % 60:02}:00Z",
                f"{n % 10000}.{n % 100:02}",
                "EUR",
            )
            as_csv.write(",".join(values) + "\n")
            amount = values[3]
            named = ",".join(
                f'"{k}":{v if v is amount else json.dumps(v)}'
                for k, v in zip(BARE_COLUMNS, values, strict=True)
            )
            as_json.write("{" + named + "}\n")
    pyarrow.parquet.write_table(pyarrow.csv.read_csv(paths["csv"]), paths["parquet"])
    return paths


def measured(arguments: list[str]) -> tuple[float, float]:
    """Runs a process; returns the seconds that it prints, and its peak memory in MB.

    Linux counts what the process that starts it has in memory as a least peak.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
    process = subprocess.Popen(
        [sys.executable, *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{arguments[:4]} ended with {status}: {process.stderr.read().decode()}")
    said = process.stdout.read().decode() if process.stdout else ""
    return float(said.split()[-1]), usage.ru_maxrss / 1024


def compare(
    engine: Engine, folder: Path, paths: dict[str, Path], rows: int, rounds: int
) -> list[dict[str, Any]]:
    engine.create_table("t", COLUMNS)
    consumer = Consumer(engine, folder / engine.name, streams={}, sources={"raw": ["t"]})
    consumer.write_project()
    listed = ", ".join(BARE_COLUMNS)
    if engine.name == "duckdb":
        bare = [BARE_DUCKDB % (listed, listed), str(engine.path)]
    else:
        typed = ", ".join(f"{name} {COLUMNS[name]}" for name in BARE_COLUMNS)
        bare = [
            BARE_POSTGRES % (listed, typed),
            f"host={engine.cluster.folder} user=forensics dbname={engine.database}",
        ]

    def emptied(run: Callable[[], tuple[float, float]]) -> tuple[float, float]:
        engine.execute(
            "drop table if exists raw.forensics_load_log; drop table if exists raw.forensics_dead_letters"
        )
        engine.execute("delete from raw.t")
        engine.release()
        return run()

    found = []
    for kind, path in paths.items():
        runs: dict[str, list[tuple[float, float]]] = {"load": [], "bare": []}
        for _ in range(rounds):  # in turn, so that both have the same neighbours
            runs["load"].append(emptied(lambda p=path: measured(["-c", LOAD, str(consumer.folder), str(p)])))
            runs["bare"].append(emptied(lambda p=path, k=kind: measured(["-c", bare[0], bare[1], str(p), k])))
        seconds = {name: statistics.median(one[0] for one in of_kind) for name, of_kind in runs.items()}
        found.append(
            {
                "engine": engine.name,
                "format": kind,
                "megabytes": path.stat().st_size / 1e6,
                "load_rows_per_second": rows / seconds["load"],
                "bare_rows_per_second": rows / seconds["bare"],
                "load_peak_mb": max(one[1] for one in runs["load"]),
                "bare_peak_mb": max(one[1] for one in runs["bare"]),
            }
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engine", choices=("duckdb", "postgres"), action="append")
    given = parser.parse_args()
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = write_files(folder, given.rows)
        for engine_name in given.engine or ("duckdb", "postgres"):
            if engine_name == "duckdb":
                found += compare(DuckDB(folder / "w.duckdb"), folder, paths, given.rows, given.rounds)
                continue
            cluster = PostgresCluster()
            try:
                found += compare(cluster.new_database(), folder, paths, given.rows, given.rounds)
            finally:
                cluster.stop()
    packages = ", ".join(
        f"{name} {version(name)}" for name in ("duckdb", "pyarrow", "psycopg2-binary", "dbt-core")
    )
    print(
        f"{given.rows:,} rows, median of {given.rounds}; {os.cpu_count()} cores, {platform.machine()}, ",
        end="",
    )
    print(f"Python {platform.python_version()}, {packages}\n")
    print(
        "| engine | format | MB | load, rows/s | bare, rows/s | share of bare | load, peak MB | bare, peak MB |"
    )
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    for one in found:
        print(
            f"| {one['engine']} | {one['format']} | {one['megabytes']:.0f} | {one['load_rows_per_second']:,.0f}"
            f" | {one['bare_rows_per_second']:,.0f} | {one['load_rows_per_second'] / one['bare_rows_per_second']:.0%}"
            f" | {one['load_peak_mb']:,.0f} | {one['bare_peak_mb']:,.0f} |"
        )


if __name__ == "__main__":
    main()
