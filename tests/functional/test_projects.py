"""The projects in this repository that install the package, built on each engine as a stranger would."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from harness.engines import Engine
from harness.project import PACKAGE, dbt_arguments, packages_yml, profiles_yml, run_dbt


@pytest.mark.parametrize(
    "project", ["integration_tests", pytest.param("examples/quickstart", marks=pytest.mark.gate)]
)
def test_the_project_builds_and_builds_again(project: str, engine: Engine, tmp_path: Path) -> None:
    # A copy, so that nothing is written into the repository; only the way to the package differs.
    folder = tmp_path / "project"
    made = shutil.ignore_patterns("target", "logs", "dbt_packages", "*.duckdb*")
    shutil.copytree(PACKAGE / project, folder, ignore=made)
    profile = yaml.safe_load((folder / "dbt_project.yml").read_text(encoding="utf-8"))["profile"]
    (folder / "profiles.yml").write_text(profiles_yml(profile, engine), encoding="utf-8")
    (folder / "packages.yml").write_text(packages_yml(PACKAGE), encoding="utf-8")
    engine.release()
    for command in ("deps", "build", "build"):
        run = run_dbt(dbt_arguments([command], folder))
        assert run.success, run.log
