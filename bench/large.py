"""Measures the package alone as the history grows: first build, increments, a scrub, an explanation.

    python bench/large.py [--engine duckdb] [--rows 1000000,...] [--repeat 3] [--memory 16GB] [--out FILE]

Rows arrive at equal density, so that more rows are more days. Each history is built once and scrubbed once; the
increments come one after the other on top of it, and their medians count. DuckDB keeps to the limit of memory and
spills beside its file, which takes some 50 GB of disk at 100 million rows. Beside the figures goes a picture of how
they grow.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

from bench import ROOT, Bench, copied_package, machine, versions
from report import Step
from warehouses import DuckDB, Postgres, Spark, Warehouse
from workload import ROWS_PER_DAY

FIRST, DAY, THOUSANDTH, HUNDREDTH, NOTHING, SCRUB, EXPLAIN = (
    "first build",
    "one more day",
    "0.1 % more",
    "1 % more",
    "nothing new",
    "scrub",
    "explain, cold",
)


ROWS = {
    "duckdb": "1000000,10000000,50000000,100000000",
    "postgres": "1000000,10000000",
    "spark": "1000000,10000000",
}


class Large(Bench):
    """One number of rows."""

    def run(self) -> dict[str, Step]:
        increments = {DAY: ROWS_PER_DAY, THOUSANDTH: self.rows // 1000, HUNDREDTH: self.rows // 100}
        self.warehouse.make_raw(self.rows, held=self.repeat * sum(increments.values()))
        self._dbt("deps", "package")
        self._dbt("parse", "package")
        self._build(FIRST, "package")
        for _ in range(self.repeat):
            for name, rows in increments.items():
                self.warehouse.load(rows)
                self._build(name, "package")
            self.warehouse.settle()
            self._build(NOTHING, "package")
        self._measure(SCRUB, [*self._command("build", "package"), "--vars", "forensics_verify: full"])
        explain = Path(sys.executable).parent / "dbt-forensics"
        if explain.exists():  # where the toolkit is installed
            folder = str(self.projects["package"])
            command = [str(explain), "explain", "orders", "2023-01-05"]
            for _ in range(self.repeat):
                self._measure(EXPLAIN, [*command, "--project-dir", folder, "--profiles-dir", folder])
        return {name: self._step(measured) for name, measured in self.measured.items()}


def table(engine: str, found: Mapping[int, Mapping[str, Step]]) -> str:
    """CPU seconds and peak MiB of each step, by number of rows, as Markdown."""
    lines = [
        f"| {engine}, CPU-s (peak MiB) | " + " | ".join(f"{rows / 10**6:g}M rows" for rows in found) + " |",
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
    parser.add_argument("--engine", default="duckdb", choices=ROWS, help="default: %(default)s")
    parser.add_argument(
        "--rows", help=f"default: {'; '.join(f'{name}: {rows}' for name, rows in ROWS.items())}"
    )
    parser.add_argument(
        "--repeat", type=int, default=3, help="how often each increment comes (default: %(default)s)"
    )
    parser.add_argument(
        "--indexed",
        action="store_true",
        help="PostgreSQL: the raw table has the indexes that docs/engines.md advises",
    )
    parser.add_argument("--memory", default="16GB", help="DuckDB's limit (default: %(default)s)")
    parser.add_argument(
        "--out", type=Path, help="JSON, and an SVG goes beside it; default: target/large_ENGINE.json"
    )
    parser.add_argument("--work", type=Path, help="an empty folder to work in; default: a temporary one")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    for name in ("PYTHONDONTWRITEBYTECODE", "DBT_TARGET_PATH", "DBT_LOG_PATH"):
        os.environ.pop(name, None)
    out = options.out or ROOT / "target" / f"large_{options.engine}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    engines: dict[str, Callable[[Path], Warehouse]] = {
        "duckdb": lambda folder: DuckDB(folder, options.memory),
        "postgres": lambda folder: Postgres(folder, options.indexed),
        "spark": Spark,
    }
    found: dict[int, dict[str, Step]] = {}
    with tempfile.TemporaryDirectory(prefix="forensics-bench-") as temporary:
        work = (options.work or Path(temporary)).resolve()
        package = copied_package(work / "dbt_forensics")
        for rows in (int(number) for number in (options.rows or ROWS[options.engine]).split(",")):
            folder = work / f"{options.engine}_{rows}"
            folder.mkdir()
            warehouse = engines[options.engine](folder)
            try:
                found[rows] = Large(warehouse, package, rows, options.repeat).run()
                document = {
                    "machine": machine(),
                    "versions": {**versions(), options.engine: warehouse.version()},
                    "memory": options.memory if options.engine == "duckdb" else None,
                    "indexed": options.indexed,
                    "repeat": options.repeat,
                }
            finally:
                warehouse.stop()
            shutil.rmtree(folder)
            steps = {count: {name: asdict(step) for name, step in of.items()} for count, of in found.items()}
            out.write_text(json.dumps({**document, "steps": steps}, indent=2) + "\n")
    if find_spec("matplotlib"):  # where the toolkit is installed
        picture(found, out.with_suffix(".svg"))
    print(f"{document}\n\n{table(options.engine, found)}")


if __name__ == "__main__":
    main()
