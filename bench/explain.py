"""Measures what explaining costs: many metrics, a backcast, and one question from cold, beside a full recompute.

    python bench/explain.py [--rows 1000000] [--repeat 3] [--out FILE]

On DuckDB. Steps are processes of their own, measured as in bench.py; 100,000 rows are a day, so that 9,000,000 are a
backcast of ninety days.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from pathlib import Path

from bench import Bench, copied_package, machine, versions
from warehouses import DuckDB
from workload import STREAM, write_project

#: Twenty metrics of all kinds, five of them by a dimension.
PAID = {"where": "status = 'paid'"}
BY_CURRENCY = {"dimensions": ["currency"]}
METRICS = {
    "revenue": {"agg": "sum", "expr": "amount", **PAID, **BY_CURRENCY},
    "orders": {"agg": "count"},
    "orders_by_currency": {"agg": "count", **BY_CURRENCY},
    "mean": {"agg": "avg", "expr": "amount", **BY_CURRENCY},
    "buyers": {"agg": "count_distinct", "expr": "customer_id"},
    "buyers_by_currency": {"agg": "count_distinct", "expr": "customer_id", **BY_CURRENCY},
    "products": {"agg": "count_distinct", "expr": "sku"},
    "least": {"agg": "min", "expr": "amount"},
    "greatest": {"agg": "max", "expr": "amount", **BY_CURRENCY},
    "basket": {"agg": "ratio", "numerator": "gross", "denominator": "orders"},
    "gross": {"agg": "sum", "expr": "amount"},
    **{
        f"{event}_{name}": {**definition, "where": f"event_type = '{event}'"}
        for event in ("placed", "paid", "shipped")
        for name, definition in (
            ("orders", {"agg": "count"}),
            ("amount", {"agg": "sum", "expr": "amount"}),
            ("mean", {"agg": "avg", "expr": "amount"}),
        )
    },
}
#: What a team would write without the package: the twenty of all days, from rows that count once.
RECOMPUTE = """{{{{ config(materialized='table') }}}}
with ranked as (
    select *, row_number() over (partition by event_id order by _loaded_at, _load_id) as place
    from {{{{ source('shop', 'order_events') }}}}
),
events as (select *, date_trunc('day', occurred_at) as day from ranked where place = 1 and amount >= 0)
{selects}
"""


def recompute_sql() -> str:
    selects = []
    for name, metric in METRICS.items():
        of = (
            [metric]
            if metric["agg"] != "ratio"
            else [METRICS[str(metric[part])] for part in ("numerator", "denominator")]
        )
        value = " / ".join(_aggregate(one) for one in of)
        dimension = "currency" if "dimensions" in metric else "cast(null as varchar)"
        where = f" where {metric['where']}" if "where" in metric else ""
        selects.append(
            f"select '{name}' as metric, day, {dimension} as dimension, {value} as value from events{where}"
            " group by all"
        )
    return RECOMPUTE.format(selects="\nunion all\n".join(selects))


def _aggregate(metric: dict[str, object]) -> str:
    if metric["agg"] == "count":
        return "count(*)"
    if metric["agg"] == "count_distinct":
        return f"count(distinct {metric['expr']})"
    return f"{metric['agg']}({metric['expr']})"


class Explain(Bench):
    """The steps of this benchmark."""

    def write(self, package: Path) -> None:
        profile = self.warehouse.profile()
        stream = {**STREAM, "metrics": METRICS, "backcast": {"every": "day"}}
        self.projects = {
            "package": write_project(
                self.folder / "package",
                profile,
                {"packages.yml": json.dumps({"packages": [{"local": str(package)}]})},
                vars={"forensics_streams": {"orders": stream}},
            ),
            "recompute": write_project(
                self.folder / "recompute", profile, {"models/metrics.sql": recompute_sql()}
            ),
            "start": write_project(self.folder / "start", profile, {"models/one.sql": "select 1 as id\n"}),
        }

    def steps(self) -> None:
        self.warehouse.make_raw(self.rows)
        self._dbt("deps", "package")
        for project in self.projects:
            self._dbt("parse", project)
        days = self.rows // 100_000
        for number in range(self.repeat):
            self._say(f"round {number + 1} of {self.repeat}")
            self.warehouse.restore("raw")
            self._build("dbt's start", "start")
            self._build("recompute of 20 metrics", "recompute")
            self.warehouse.restore("raw")
            self._build(f"package: first build, 20 metrics, backcast of {days} days", "package")
            self.warehouse.load(self.rows // 100)
            self._build("package: 1 % increment, 20 metrics", "package")
            self.warehouse.settle()
            folder = str(self.projects["package"])
            command = [str(Path(sys.executable).parent / "dbt-forensics")]
            where = ["--project-dir", folder, "--profiles-dir", folder]
            self._measure("explain, cold", [*command, "explain", "revenue", "2023-01-05", *where])


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures what explaining costs.")
    parser.add_argument(
        "--rows", type=int, default=1_000_000, help="number of raw rows (default: %(default)s)"
    )
    parser.add_argument("--repeat", type=int, default=3, help="repetitions, of which the median counts")
    parser.add_argument("--work", type=Path, help="an empty folder to work in; default: a temporary one")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    with tempfile.TemporaryDirectory(prefix="forensics-bench-") as temporary:
        work = (options.work or Path(temporary)).resolve()
        package = copied_package(work / "dbt_forensics")
        (work / "duckdb").mkdir()
        bench = Explain(DuckDB(work / "duckdb"), package, options.rows, options.repeat)
        bench.write(package)
        bench.steps()
    print(f"{machine()}, {versions()}, {options.rows:,} rows, medians of {options.repeat}")
    print("| step | CPU s | wall s | peak MiB |\n|---|--:|--:|--:|")
    for name, measured in bench.measured.items():
        step = bench._step(measured)
        print(f"| {name} | {step.cpu:.1f} | {step.wall:.1f} | {step.memory / 2**20:,.0f} |")


if __name__ == "__main__":
    main()
