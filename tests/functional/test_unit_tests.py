"""The dbt unit tests beside the models of health. A consumer's dbt does not see them (.dbtignore); here it does."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from harness.engines import Engine
from harness.project import PACKAGE, Consumer

HEALTH = PACKAGE / "models/health"
TESTS = [
    test
    for file in sorted(HEALTH.rglob("_unit_tests.yml"))
    for test in yaml.safe_load(file.read_text("utf-8"))["unit_tests"]
]
DETECTORS = sorted(path.stem for path in (HEALTH / "detectors").glob("*.sql"))


@pytest.mark.engines_differ
def test_each_decision(engine: Engine, tmp_path: Path) -> None:
    package = tmp_path / "package"
    for name in ("models", "macros", "snapshots", "seeds", "tests/generic"):
        shutil.copytree(PACKAGE / name, package / name)
    shutil.copy(PACKAGE / "dbt_project.yml", package)
    consumer = Consumer(engine, tmp_path / "consumer", streams={}, package=package)
    run = consumer.dbt(["test", "--select", "test_type:unit"])
    assert run.results == {test["name"]: "pass" for test in TESTS}


@pytest.mark.parametrize("detector", DETECTORS)
def test_each_detector_is_shown_firing_and_not_firing(detector: str) -> None:
    found = {bool(test["expect"]["rows"]) for test in TESTS if test["model"] == detector}
    assert found == {True, False}


def test_a_consumer_does_not_see_them(engine: Engine, tmp_path: Path) -> None:
    consumer = Consumer(engine, tmp_path / "consumer", streams={})
    assert not consumer.dbt(["parse"]).result.unit_tests
