"""Measures builds of the package beside their alternatives, on the same rows and in the same run.

    python bench/bench.py [--rows 1000000,10000000] [--engine duckdb,postgres] [--repeat 3] [--out FILE]

Each step is a process of its own (a `dbt build`, or a bare client). CPU seconds are user and system of the process
and its children, with PostgreSQL also the server's; memory is the peak of the process, with PostgreSQL plus the
private memory of the server.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from report import Results, Step, markdown  # noqa: E402
from warehouses import DuckDB, Postgres, Warehouse  # noqa: E402
from workload import ROWS_PER_DAY, write_projects, write_trivial  # noqa: E402

DBT = [str(Path(sys.executable).parent / "dbt"), "--no-version-check", "--no-send-anonymous-usage-stats"]
# What PostgreSQL is measured at: it takes longest, and what grows with the rows shows on DuckDB.
MOST_ROWS = {"duckdb": sys.maxsize, "postgres": 1_000_000}


@dataclass
class Measured:
    """What one process used."""

    cpu: float
    wall: float
    memory: int
    nodes: dict[str, float]


class Bench:
    """One engine at one number of rows."""

    def __init__(self, warehouse: Warehouse, package: Path, rows: int, repeat: int) -> None:
        self.warehouse = warehouse
        self.rows = rows
        self.repeat = repeat
        self.measured: dict[str, list[Measured]] = {}
        self.folder = warehouse.folder / f"projects_{rows}"
        self.projects = write_projects(self.folder, package, warehouse.profile(), warehouse.project())

    def run(self) -> dict[str, Step]:
        self.warehouse.make_raw(self.rows, held=ROWS_PER_DAY)
        self.warehouse.keep("raw")
        self._dbt("deps", "package")
        for project in self.projects:
            self._dbt("parse", project)
        # Builds once what is not measured: everything is byte-compiled then, and the package's nodes are known.
        self._dbt("build", "package")
        self.projects["trivial"] = write_trivial(
            self.folder, self.warehouse.profile(), self.projects["package"]
        )
        self._dbt("parse", "trivial")
        for number in range(self.repeat):
            self._say(f"round {number + 1} of {self.repeat}")
            self._round()
        return {name: self._step(measured) for name, measured in self.measured.items()}

    def _round(self) -> None:
        increments = {"1 %": self.rows // 100, "one day": ROWS_PER_DAY}
        if increments["1 %"] == increments["one day"]:
            del increments["one day"]
        self.warehouse.restore("raw")
        self._measure("client's start", self.warehouse.client("select 1"))
        self._measure(
            "bare copy", self.warehouse.client("create table raw.copied as select * from raw.order_events")
        )
        for project, name in (
            ("dedup", "full dedup"),
            ("start", "dbt's start"),
            ("trivial", "trivial build"),
        ):
            self.warehouse.restore("raw")
            if project != "dedup":
                self._dbt("build", project)
            self._build(name, project)
        for project in ("append", "snapshot", "package"):
            self.warehouse.restore("raw")
            self._build(f"{project}: first", project)
            self.warehouse.keep(project)
            for name, rows in increments.items():
                self.warehouse.restore(project)
                self.warehouse.load(rows)
                self._build(f"{project}: {name}", project)
                if project == "package" and name == "1 %":
                    self.warehouse.settle()
                    self._build("package: nothing new", project)

    def _command(self, command: str, project: str) -> list[str]:
        folder = str(self.projects[project])
        return [*DBT, command, "--project-dir", folder, "--profiles-dir", folder]

    def _dbt(self, command: str, project: str) -> None:
        self._process(self._command(command, project))

    def _build(self, name: str, project: str) -> None:
        self._measure(name, self._command("build", project))
        results = json.loads((self.projects[project] / "target" / "run_results.json").read_text())["results"]
        self.measured[name][-1].nodes = {
            result["unique_id"].split(".")[2]: round(result["execution_time"], 3) for result in results
        }

    def _measure(self, name: str, command: Sequence[str]) -> None:
        os.sync()
        measured = self._process(command)
        self.measured.setdefault(name, []).append(measured)
        self._say(
            f"{name}: {measured.cpu:.2f} CPU-s, {measured.wall:.2f} s, {measured.memory / 2**20:.0f} MiB"
        )

    def _process(self, command: Sequence[str]) -> Measured:
        log = self.warehouse.folder / "last.log"
        ended = threading.Event()
        server_peak = 0

        def watch() -> None:
            nonlocal server_peak
            while True:
                server_peak = max(server_peak, self.warehouse.server_memory())
                if ended.wait(0.1):
                    return

        server_before = self.warehouse.server_cpu()
        with log.open("w") as output:
            started = time.monotonic()
            process = subprocess.Popen(command, stdout=output, stderr=output, cwd=self.folder)
            watcher = threading.Thread(target=watch)
            watcher.start()
            try:
                _, status, usage = os.wait4(process.pid, 0)
            except BaseException:
                process.kill()
                raise
            finally:
                ended.set()
            wall = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        watcher.join()
        if process.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{log.read_text()[-5000:]}")
        cpu = usage.ru_utime + usage.ru_stime + self.warehouse.server_cpu() - server_before
        return Measured(cpu, wall, usage.ru_maxrss * 1024 + server_peak, {})

    def _say(self, words: str) -> None:
        print(f"{self.warehouse.name} {self.rows:,}: {words}", file=sys.stderr, flush=True)

    @staticmethod
    def _step(measured: Sequence[Measured]) -> Step:
        """The medians; the nodes are those of the repetition with the median CPU."""
        by_cpu = sorted(measured, key=lambda one: one.cpu)
        middle = len(measured) // 2
        return Step(
            cpu=by_cpu[middle].cpu,
            wall=sorted(one.wall for one in measured)[middle],
            memory=sorted(one.memory for one in measured)[middle],
            cpu_of_each=[one.cpu for one in measured],
            nodes=by_cpu[middle].nodes,
        )


def copied_package(folder: Path) -> Path:
    """The package as it is now, so that nobody's edits are measured halfway."""
    folder.mkdir(parents=True)
    for name in (".dbtignore", "dbt_project.yml", "packages.yml"):
        shutil.copy(ROOT / name, folder / name)
    for name in ("macros", "models", "snapshots", "seeds", "analyses"):
        shutil.copytree(ROOT / name, folder / name)
    (folder / "tests").mkdir()
    shutil.copytree(ROOT / "tests" / "generic", folder / "tests" / "generic")
    for file in (ROOT / "tests").glob("*.sql"):
        shutil.copy(file, folder / "tests" / file.name)
    return folder


def machine() -> dict[str, object]:
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": names[0].partition(":")[2].strip() if names else platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
    }


def versions() -> dict[str, str]:
    found = {each.name: each.version for each in importlib.metadata.distributions()}
    names = ("dbt-core", "dbt-duckdb", "dbt-postgres", "dbt-spark")
    return {"Python": platform.python_version()} | {name: found[name] for name in names if name in found}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures builds of the package beside their alternatives.")
    parser.add_argument(
        "--rows", default="1000000,10000000", help="numbers of raw rows (default: %(default)s)"
    )
    parser.add_argument("--engine", default="duckdb,postgres", help="default: %(default)s")
    parser.add_argument("--repeat", type=int, default=3, help="repetitions, of which the median counts")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "target" / "bench.json", help="JSON; Markdown goes beside it"
    )
    parser.add_argument(
        "--work", type=Path, help="an empty folder to work in, which stays; default: a temporary one"
    )
    options = parser.parse_args()
    # A run that is ended ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    for name in ("PYTHONDONTWRITEBYTECODE", "DBT_TARGET_PATH", "DBT_LOG_PATH"):
        os.environ.pop(name, None)

    engines: dict[str, Callable[[Path], Warehouse]] = {"duckdb": DuckDB, "postgres": Postgres}
    results = Results(machine(), versions(), " ".join(["python", "bench/bench.py", *sys.argv[1:]]), {})
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="forensics-bench-") as temporary:
        work = (options.work or Path(temporary)).resolve()
        package = copied_package(work / "dbt_forensics")
        for engine in options.engine.split(","):
            folder = work / engine
            folder.mkdir()
            warehouse = engines[engine](folder)
            try:
                results.versions[engine] = warehouse.version()
                for rows in (int(number) for number in options.rows.split(",")):
                    if rows > MOST_ROWS[engine]:
                        continue
                    steps = Bench(warehouse, package, rows, options.repeat).run()
                    results.steps.setdefault(engine, {})[rows] = steps
                    options.out.write_text(json.dumps(asdict(results), indent=2) + "\n")
            finally:
                warehouse.stop()
    text = markdown(results)
    options.out.with_suffix(".md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
