"""A build on a cluster is work for every worker of it."""

from __future__ import annotations

from pathlib import Path

from functional.test_worked_example import as_columns, config
from harness.project import Consumer
from property import worked_example as example
from spark.cluster import WORKERS, SparkCluster
from spark.test_worked_example_on_spark import COLUMNS


def test_tasks_of_a_build_ran_on_both_workers(spark_server: SparkCluster, tmp_path: Path) -> None:
    stream = example.VARIANTS[0].stream
    consumer = Consumer(
        spark_server.new_engine(),
        tmp_path,
        streams={stream.name: config(stream)},
        sources={"shop": ["order_events"]},
    )
    consumer.create_table("order_events", COLUMNS)
    consumer.insert("order_events", [as_columns(example.ROWS[name]) for name in example.SEEN[0]])
    before = spark_server.tasks_by_worker()
    consumer.build(as_of=str(example.BUILT_AT[0]))
    after = spark_server.tasks_by_worker()
    done = {worker: after[worker] - before.get(worker, 0) for worker in after}
    assert len(done) == WORKERS
    assert min(done.values()) > 0, done
