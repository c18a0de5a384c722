"""The tests of the Spark dialect run where a server of it is installed: `make sail-test` makes an environment with Sail
and Delta, `make spark-test` one with Apache Spark and Iceberg.
"""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("pysail"):
    collect_ignore_glob = ["test_*_on_a_cluster.py"]
elif not find_spec("snowpark_connect_deps_iceberg"):
    collect_ignore_glob = ["test_*.py"]
