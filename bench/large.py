"""Measures the package alone as the history grows: first build, increments, a scrub, an explanation, each in one pass.

    python bench/large.py [--rows 1000000,10000000,50000000,100000000] [--memory 16GB] [--out FILE]

Rows arrive at equal density, so that more rows are more days. DuckDB keeps to the limit of memory and spills beside its
file, which takes some 40 GB of disk at 100 million rows. Beside the figures goes a picture of how they grow.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from bench import ROOT, Bench, copied_package, machine, versions
from report import Step
from warehouses import DuckDB, run_sql_in_duckdb
from workload import ROWS_PER_DAY, rows_sql

FIRST, DAY, THOUSANDTH, HUNDREDTH, NOTHING, SCRUB, EXPLAIN = (
    "first build",
    "one more day",
    "0.1 % more",
    "1 % more",
    "nothing new",
    "scrub",
    "explain, cold",
)


class LimitedDuckDB(DuckDB):
    """A DuckDB with a limit of memory, and without states to come back to: copies of it would fill the disk."""

    def __init__(self, folder: Path, memory: str) -> None:
        super().__init__(folder)
        self.memory = memory

    def profile(self) -> dict[str, object]:
        return {**super().profile(), "settings": {"memory_limit": self.memory}}

    def make_raw(self, rows: int) -> None:
        for file in self.folder.glob("*.duckdb*"):
            file.unlink()
        more = ROWS_PER_DAY + rows // 1000 + rows // 100
        run_sql_in_duckdb(
            self.path,
            f"set memory_limit = '{self.memory}'; create schema raw; create schema held;"
            f"create table raw.order_events as {rows_sql(0, rows)};"
            f"create table held.next_rows as {rows_sql(rows, rows + more)}",
        )

    def load(self, rows: int) -> None:
        """Lets the first of the rows that are still held arrive."""
        there = "coalesce((select max(seq) from raw.order_events), -1)"
        self.execute(
            "insert into raw.order_events select * from held.next_rows"
            f" where seq > {there} and seq <= {there} + {rows}"
        )
        self.settle()


class Large(Bench):
    """One number of rows, one pass."""

    def run(self) -> dict[str, Step]:
        self.warehouse.make_raw(self.rows)
        self._dbt("deps", "package")
        self._dbt("parse", "package")
        self._build(FIRST, "package")
        for name, rows in (
            (DAY, ROWS_PER_DAY),
            (THOUSANDTH, self.rows // 1000),
            (HUNDREDTH, self.rows // 100),
        ):
            self.warehouse.load(rows)
            self._build(name, "package")
        self.warehouse.settle()
        self._build(NOTHING, "package")
        self._measure(SCRUB, [*self._command("build", "package"), "--vars", "forensics_verify: full"])
        folder = str(self.projects["package"])
        command = [str(Path(sys.executable).parent / "dbt-forensics"), "explain", "orders", "2025-01-05"]
        self._measure(EXPLAIN, [*command, "--project-dir", folder, "--profiles-dir", folder])
        return {name: self._step(measured) for name, measured in self.measured.items()}


def table(found: Mapping[int, Mapping[str, Step]]) -> str:
    """CPU seconds and peak MiB of each step, by number of rows, as Markdown."""
    lines = [
        "| DuckDB, CPU-s (peak MiB) | " + " | ".join(f"{rows / 10**6:g}M rows" for rows in found) + " |",
        "|---|" + "--:|" * len(found),
    ]
    for name in next(iter(found.values())):
        cells = [f"{steps[name].cpu:,.1f} ({steps[name].memory / 2**20:,.0f})" for steps in found.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def picture(found: Mapping[int, Mapping[str, Step]], path: Path) -> None:
    """How CPU and memory grow with the rows, as SVG."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    matplotlib.rcParams["svg.hashsalt"] = "growth"
    figure, (cpu, memory) = pyplot.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    rows = list(found)
    for name in next(iter(found.values())):
        steps = [found[count][name] for count in rows]
        cpu.plot(rows, [step.cpu for step in steps], marker="o", label=name)
        memory.plot(rows, [step.memory / 2**30 for step in steps], marker="o", label=name)
    for axes, what in ((cpu, "CPU seconds"), (memory, "peak memory, GiB")):
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("rows on record")
        axes.set_title(what)
        axes.grid(visible=True, alpha=0.3)
    cpu.legend(fontsize="small")
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures the package as the history grows.")
    parser.add_argument("--rows", default="1000000,10000000,50000000,100000000", help="default: %(default)s")
    parser.add_argument("--memory", default="16GB", help="DuckDB's limit (default: %(default)s)")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "target" / "large.json", help="an SVG goes beside it"
    )
    parser.add_argument("--work", type=Path, help="an empty folder to work in; default: a temporary one")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    for name in ("PYTHONDONTWRITEBYTECODE", "DBT_TARGET_PATH", "DBT_LOG_PATH"):
        os.environ.pop(name, None)
    found: dict[int, dict[str, Step]] = {}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="forensics-bench-") as temporary:
        work = (options.work or Path(temporary)).resolve()
        package = copied_package(work / "dbt_forensics")
        (work / "duckdb").mkdir()
        for rows in (int(number) for number in options.rows.split(",")):
            found[rows] = Large(LimitedDuckDB(work / "duckdb", options.memory), package, rows, 1).run()
            steps = {
                str(count): {name: asdict(step) for name, step in of.items()} for count, of in found.items()
            }
            document = {
                "machine": machine(),
                "versions": versions(),
                "memory": options.memory,
                "steps": steps,
            }
            options.out.write_text(json.dumps(document, indent=2) + "\n")
            picture(found, options.out.with_suffix(".svg"))
    print(f"{machine()}, {versions()}, limit {options.memory}, one pass\n")
    print(table(found))


if __name__ == "__main__":
    main()
