"""Apache Spark with Iceberg, as a real cluster on one machine: a standalone master, two workers, and a Thrift
server that dbt speaks to. Iceberg's catalog is in a throw-away PostgreSQL, its tables in a folder.

All of it ends with the tests' process, however that ends.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from harness.engines import RAW_SCHEMA, TARGET_SCHEMA, PostgresCluster
from spark.engine import SETTINGS, SparkEngine

WORKERS = 2
#: PostgreSQL's JDBC driver: Debian's package libpostgresql-jdbc-java. Another place may be named here.
DRIVER = Path(os.environ.get("POSTGRESQL_JDBC_JAR", "/usr/share/java/postgresql.jar"))
START_SECONDS = 120

#: Stops what it was told of when its input closes: the processes, in the order of their lines, and then the folder.
WATCHER = """
while read -r pid; do pids="$pids $pid"; done
for pid in $pids; do kill "$pid" 2>/dev/null; done
for pid in $pids; do
    tries=0
    while kill -0 "$pid" 2>/dev/null && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
    kill -9 "$pid" 2>/dev/null
done
rm -rf "$0"
"""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def folder_of(package: str) -> Path:
    found = find_spec(package)
    if found is None or found.origin is None:
        raise RuntimeError(
            f"{package} is not installed here; `make spark-test` makes an environment with it."
        )
    return Path(found.origin).parent


def jars() -> list[Path]:
    """Iceberg's runtime for this Spark, and the driver of its catalog."""
    if not DRIVER.exists():
        raise RuntimeError(
            f"Iceberg's catalog needs PostgreSQL's JDBC driver, and {DRIVER} is not there: install Debian's "
            "package libpostgresql-jdbc-java, or name the file in POSTGRESQL_JDBC_JAR."
        )
    iceberg = folder_of("snowpark_connect_deps_iceberg") / "jars"
    return [*iceberg.glob("iceberg-spark-runtime-3.5_2.12-*.jar"), DRIVER]


class SparkCluster:
    """executor_mib: the memory of each worker's one executor; driver_mib: that of the Thrift server."""

    def __init__(self, executor_mib: int = 600, driver_mib: int = 3072) -> None:
        if shutil.which("java") is None:
            raise RuntimeError("Spark needs Java 17 on the PATH: install Debian's openjdk-17-jre-headless.")
        classpath = ":".join(map(str, jars()))
        self._postgres = PostgresCluster(port=free_port())
        self.folder = Path(tempfile.mkdtemp(prefix="forensics-spark-"))
        self._count = 0
        self._executor_mib, self._driver_mib = executor_mib, driver_mib
        self.port, self._ui, self._master = free_port(), free_port(), free_port()
        self._worker_uis = [free_port() for _ in range(WORKERS)]
        self._watcher = subprocess.Popen(
            ["sh", "-c", WATCHER, self.folder],
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
        )
        try:
            self._start(classpath)
        except BaseException:
            self.stop()
            raise

    def _start(self, classpath: str) -> None:
        master = f"spark://127.0.0.1:{self._master}"
        local = ["--host", "127.0.0.1", "--webui-port"]
        running = [self._daemon("master", "master.Master", *local, "0", "--port", str(self._master))]
        self._wait_for(running, [self._master])
        for number, ui in enumerate(self._worker_uis):
            name = f"worker-{number}"
            memory = f"{self._executor_mib + 400}m"
            size = ["--cores", "1", "--memory", memory, "--work-dir", str(self.folder / name)]
            running.append(self._daemon(name, "worker.Worker", *local, str(ui), *size, master))
        arguments = ["--master", master, "--driver-class-path", classpath]
        arguments += ["--driver-java-options", f"-Djava.io.tmpdir={self.folder}"]
        for key, value in {**self._settings(), "spark.executor.extraClassPath": classpath}.items():
            arguments += ["--conf", f"{key}={value}"]
        arguments += ["--class", "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2", "spark-internal"]
        arguments += ["--hiveconf", f"hive.server2.thrift.port={self.port}"]
        arguments += ["--hiveconf", "hive.server2.thrift.bind.host=127.0.0.1"]
        running.append(
            self._launch("thrift-server", "spark-submit", arguments, memory=f"{self._driver_mib}m")
        )
        self._wait_for(running, [*self._worker_uis, self.port])

    def _settings(self) -> dict[str, str]:
        return {
            "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
            "spark.executor.memory": f"{self._executor_mib}m",
            "spark.sql.shuffle.partitions": str(WORKERS),
            "spark.ui.port": str(self._ui),
            # Every broadcast takes a page at least, and a statement over many metrics has dozens.
            "spark.buffer.pageSize": "1m",
            # Each session has a catalog with a connection of its own, which garbage collection closes.
            "spark.cleaner.periodicGC.interval": "1min",
            # The server describes a plan whenever a stage of it ends, and the metrics' one takes megabytes.
            "spark.sql.maxPlanStringLength": "10000",
            # What the server remembers of statements is long here, and nobody looks at it.
            "spark.sql.ui.retainedExecutions": "20",
            "spark.sql.thriftserver.ui.retainedStatements": "20",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
        }

    def catalog_settings(self, catalog: str) -> dict[str, str]:
        """What a session says to have a catalog of this name. Catalogs of other names have other tables."""
        said = {
            "type": "jdbc",
            "uri": f"jdbc:postgresql://127.0.0.1:{self._postgres.port}/postgres",
            "clients": "1",
            "jdbc.user": PostgresCluster.USER,
            "jdbc.password": "",
            "jdbc.schema-version": "V1",
            "warehouse": f"file://{self.folder}/{catalog}",
        }
        prefix = f"spark.sql.catalog.{catalog}"
        return {prefix: "org.apache.iceberg.spark.SparkCatalog"} | {
            f"{prefix}.{k}": v for k, v in said.items()
        }

    def connect(self, settings: Mapping[str, str]) -> Any:
        from pyhive import hive

        return hive.connect("127.0.0.1", port=self.port, username="dbt", configuration=settings)

    def _daemon(self, name: str, kind: str, *arguments: str) -> subprocess.Popen[bytes]:
        return self._launch(name, "spark-class", [f"org.apache.spark.deploy.{kind}", *arguments])

    def _launch(
        self, name: str, program: str, arguments: Sequence[str], memory: str = "256m"
    ) -> subprocess.Popen[bytes]:
        """Starts a program of pyspark's, in a folder of its own; its process becomes that of Java."""
        home = folder_of("pyspark")
        folder = self.folder / name
        folder.mkdir()
        settings = {"SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_DIRS": str(folder)}
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [home / "bin" / program, *arguments],
                cwd=folder,
                env={**os.environ, **settings, "SPARK_DAEMON_MEMORY": memory, "TZ": "UTC"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        assert self._watcher.stdin is not None
        print(process.pid, file=self._watcher.stdin, flush=True)
        return process

    def _wait_for(self, running: Sequence[subprocess.Popen[bytes]], ports: Sequence[int]) -> None:
        deadline = time.monotonic() + START_SECONDS
        waiting = list(ports)
        while waiting:
            with socket.socket() as there:
                if there.connect_ex(("127.0.0.1", waiting[0])) == 0:
                    waiting.pop(0)
                    continue
            if time.monotonic() > deadline or any(process.poll() is not None for process in running):
                logs = sorted(self.folder.glob("*.log"))
                said = [path.read_text(errors="replace")[-3000:] for path in logs]
                raise RuntimeError("\n".join(["Spark did not start:", *said]))
            time.sleep(0.1)

    def tasks_by_worker(self) -> dict[str, int]:
        """How many tasks each worker's executors completed, by Spark's own account. A worker's key is its address."""
        (application,) = self._json(self._ui, "api/v1/applications")
        executors = self._json(self._ui, f"api/v1/applications/{application['id']}/allexecutors")
        done = {executor["id"]: executor["completedTasks"] for executor in executors}
        found = {}
        for ui in self._worker_uis:
            worker = self._json(ui, "json")
            ran = worker["executors"] + worker["finishedexecutors"]
            found[worker["id"]] = sum(done[str(executor["id"])] for executor in ran)
        return found

    @staticmethod
    def _json(port: int, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=30) as answer:
            return json.load(answer)

    def new_engine(self) -> Iceberg:
        self._count += 1
        return Iceberg(self, f"lake_{self._count}")

    def stop(self) -> None:
        self._watcher.communicate(timeout=60)
        self._postgres.stop()


class Iceberg(SparkEngine):
    """A catalog of its own on a server's one PostgreSQL: the next one is as empty."""

    file_format = "iceberg"

    def __init__(self, server: SparkCluster, catalog: str) -> None:
        super().__init__()
        self.server = server
        self.catalog = catalog
        self.reset()

    def output(self) -> dict[str, Any]:
        settings = {**SETTINGS, **self.server.catalog_settings(self.catalog)}
        return {
            **super().output(),
            "method": "thrift",
            "host": "127.0.0.1",
            "port": self.server.port,
            "user": "dbt",
            "threads": 2,
            "poll_interval": 1,
            # The server takes settings of a session only with this prefix. A client begins with `use default`.
            "server_side_parameters": {f"set:hiveconf:{key}": value for key, value in settings.items()}
            | {"use:database": f"{self.catalog}.default"},
        }

    def connect(self) -> Any:
        return self.server.connect(self.output()["server_side_parameters"])

    def reset(self) -> None:
        """Makes the schemas of a catalog that is new, and `default`, which a session must find."""
        elsewhere = {"use:database": "spark_catalog.default"}
        connection = self.server.connect(self.output()["server_side_parameters"] | elsewhere)
        for schema in ("default", RAW_SCHEMA, TARGET_SCHEMA):
            connection.cursor().execute(f"create namespace {self.catalog}.{schema}")
        connection.close()

    def drop(self) -> None:
        """The catalog goes when its server does."""
        self.release()
