"""The tests of the Spark dialect run where its packages are: `make sail-test` makes such an environment."""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Iterator

import pytest

if importlib.util.find_spec("pysail") is None:
    collect_ignore_glob = ["test_*.py"]
else:
    # What dbt reads of a timestamp is in the time zone of its process.
    os.environ["TZ"] = "UTC"
    time.tzset()

from spark.sail import Sail, SailServer


@pytest.fixture(scope="session")
def sail_server() -> Iterator[SailServer]:
    server = SailServer()
    yield server
    server.stop()


@pytest.fixture
def sail(sail_server: SailServer) -> Sail:
    """One empty warehouse for one test."""
    return Sail(sail_server)
