"""Fixtures of all tests: `engine` (one empty database) and `new_engine` (as many as a test wants)."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from hypothesis import settings

from harness.engines import DuckDB, Engine, PostgresCluster
from spark.engine import SparkServer, start_server

ENGINES = ("duckdb", "postgres")
#: Files whose tests look at the worlds of property/fixtures.py, and files whose tests share nothing but the cluster.
WORLDS = tuple(f"property/test_{name}.py" for name in ("promises", "as_of", "health"))
ALONE = ("test_crash", "test_actions_killed", "test_changed_definitions", "test_watches")

# A session holds millions of dbt's objects: going through them all again and again took a quarter of it.
gc.set_threshold(100_000, 10, 10)
# The same examples in every run, and no clock: a slow machine is not a failure.
pytest_plugins = ["property.fixtures"]
settings.register_profile("project", derandomize=True, deadline=None, database=None)
settings.register_profile("thorough", parent=settings.get_profile("project"))
settings.load_profile("project")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engine",
        choices=(*ENGINES, "spark", "all", "each"),
        default="each",
        help="the engine that the tests run on. each (the default): DuckDB, and PostgreSQL too where a test is marked "
        "engines_differ; all: both, for every test; spark has environments of its own",
    )
    parser.addoption("--part", default="1/1", help="such as 2/3: the second third of the tests")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "new_engine" in metafunc.fixturenames:
        names = engines_of(metafunc.definition, metafunc.config)
        metafunc.parametrize("new_engine", names, indirect=True, scope="session")


def engines_of(test: pytest.Item, config: pytest.Config) -> Sequence[str]:
    """The engines that a test runs on."""
    asked = config.getoption("engine")
    if asked == "all" or (asked == "each" and test.get_closest_marker("engines_differ")):
        return ENGINES
    return ENGINES[:1] if asked == "each" else (asked,)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With several processes (`-n`), one of them runs all tests that look at the same databases."""
    from xdist.scheduler import LoadScopeScheduling

    class ByDatabases(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return databases_of(nodeid)

    return ByDatabases(config, log)


def databases_of(nodeid: str) -> str:
    """What a test shares with others: its file's databases on one engine, the worlds, or nothing."""
    file, _, test = nodeid.partition("::")
    if Path(file).stem in ALONE:
        return nodeid
    engine = next((name for name in ENGINES if name in re.split(r"[\[\]-]", test)), "")
    return f"{'worlds' if file.endswith(WORLDS) else file} {engine}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    part, _, parts = config.getoption("part").partition("/")
    here = [item for item in items if crc32(databases_of(item.nodeid).encode()) % int(parts) + 1 == int(part)]
    config.hook.pytest_deselected(items=[item for item in items if item not in here])
    items[:] = here


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[PostgresCluster]:
    try:
        cluster = PostgresCluster()
    except RuntimeError as error:
        pytest.fail(str(error), pytrace=False)
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session")
def spark_server() -> Iterator[SparkServer]:
    server = start_server()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def engine_named(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], AbstractContextManager[Engine]]:
    """`with engine_named("duckdb") as engine:` gives an empty database, dropped at the end of the block."""

    @contextmanager
    def make(name: str) -> Iterator[Engine]:
        engine: Engine
        if name == "duckdb":
            engine = DuckDB(tmp_path_factory.mktemp("duckdb") / "warehouse.duckdb")
        elif name == "spark":
            engine = request.getfixturevalue("spark_server").new_engine()
        else:
            engine = request.getfixturevalue("postgres_cluster").new_database()
        try:
            yield engine
        finally:
            engine.drop()

    return make


@pytest.fixture(scope="session")
def new_engine(
    request: pytest.FixtureRequest, engine_named: Callable[[str], AbstractContextManager[Engine]]
) -> Callable[[], AbstractContextManager[Engine]]:
    """`with new_engine() as engine:`, for a test that needs several; the test runs once per engine.

    Session-scoped, so that a hypothesis test may ask for one per example.
    """
    return partial(engine_named, request.param)


@pytest.fixture
def engine(new_engine: Callable[[], AbstractContextManager[Engine]]) -> Iterator[Engine]:
    """One empty database for one test; the test runs once per engine."""
    with new_engine() as made:
        yield made


@pytest.fixture
def both_engines(
    request: pytest.FixtureRequest, engine_named: Callable[[str], AbstractContextManager[Engine]]
) -> Iterator[dict[str, Engine]]:
    """One empty database on each engine, for tests that compare them."""
    asked = request.config.getoption("engine")
    if asked not in ("all", "each"):
        pytest.skip(f"compares the engines, and --engine {asked} was asked for")
    with ExitStack() as stack:
        yield {name: stack.enter_context(engine_named(name)) for name in ENGINES}
