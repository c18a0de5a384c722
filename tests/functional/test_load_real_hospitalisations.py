"""Germany's hospitalisations as files, one for each day's report, loaded as a folder: every row lands, once."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from real_data import needs, rows

from harness.engines import Engine
from harness.loading import load

pytestmark = [needs("germany_hospitalisations"), pytest.mark.slow]

COLUMNS = {
    "event_id": "varchar(40)",
    "age_group": "varchar(10)",
    "event_time": "timestamp",
    "reported_at": "timestamp",
    "cases": "integer",
    "_loaded_at": "timestamp",
    "_load_id": "varchar",
}


def write(folder: Path, day: str, number: int, report: list[dict[str, Any]]) -> None:
    """Each day in another of the formats."""
    lines = "".join(json.dumps(row, default=str) + "\n" for row in report)
    header = ",".join(report[0]) + "\n"
    as_csv = header + "".join(",".join(str(value) for value in row.values()) + "\n" for row in report)
    match number % 4:
        case 0:
            (folder / f"{day}.jsonl").write_text(lines)
        case 1:
            (folder / f"{day}.csv.gz").write_bytes(gzip.compress(as_csv.encode()))
        case 2:
            pq.write_table(pa.Table.from_pylist(report), folder / f"{day}.parquet")
        case _:
            with pa.output_stream(folder / f"{day}.jsonl.zst", compression="zstd") as stream:
                stream.write(lines.encode())


def test_every_row_lands(engine: Engine, tmp_path: Path) -> None:
    reports: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows("germany_hospitalisations", "events"):
        reports[f"{row['ingested_at']:%Y-%m-%d}"].append(
            {
                "event_id": row["event_id"],
                "age_group": row["entity_id"],
                "event_time": row["event_time"],
                "reported_at": row["ingested_at"],
                "cases": int(row["amount"]),
            }
        )
    for number, (day, report) in enumerate(sorted(reports.items())):
        write(tmp_path, day, number, report)
    engine.create_table("reports", COLUMNS)
    outcomes = load(engine, [tmp_path], table="raw.reports")
    assert [one.refused for one in outcomes if one.refused] == []
    assert len(outcomes) == 478
    assert {one.file.path.name[:10]: one.accepted for one in outcomes} == {
        day: len(report) for day, report in reports.items()
    }
    assert sum(one.accepted for one in outcomes) == sum(one.read for one in outcomes) == 44_484
    batches = engine.query(
        "select _load_id as id, min(reported_at) as first, max(reported_at) as last, count(*) as n"
        " from raw.reports group by _load_id"
    )
    assert len(batches) == 478
    assert all(
        row["first"] == row["last"] and row["n"] == len(reports[f"{row['first']:%Y-%m-%d}"])
        for row in batches
    )
    # The last known value of each day and age group, as the truth has it.
    truth = {}
    for row in rows("germany_hospitalisations", "truth_asof"):
        truth[row["entity_id"], row["metric_date"].date()] = (row["as_of"], Decimal(int(row["value"])))
    found = engine.query(
        "select age_group, cast(event_time as date) as day, sum(cases) as value from raw.reports group by 1, 2"
    )
    assert {(row["age_group"], row["day"]): row["value"] for row in found if row["value"]} == {
        cell: value for cell, (_, value) in truth.items() if value
    }
    again = load(engine, [tmp_path], table="raw.reports")
    assert {one.status for one in again} == {"known"}
    assert sum(one.duplicate for one in again) == 44_484
    assert engine.query("select count(*) as n from raw.reports") == [{"n": 44_484}]
