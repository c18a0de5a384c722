"""On an engine that nobody wrote the primitives for, the build ends with the name of the file to add."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from harness.engines import Engine
from harness.project import PACKAGE, Consumer

PRIMITIVES = (PACKAGE / "macros/adapters/primitives.sql").read_text(encoding="utf-8")
MISSING = re.findall(r"_missing_primitive\('(\w+)'\)", PRIMITIVES)


@pytest.fixture
def unported(tmp_path: Path) -> Path:
    """The package as it is where no engine's file has been written."""
    folder = tmp_path / "package"
    made = shutil.ignore_patterns("target", "logs", "dbt_packages", ".venv*", ".git", "tests", "examples")
    shutil.copytree(PACKAGE, folder, ignore=made)
    for file in (folder / "macros/adapters").glob("*.sql"):
        if file.stem != "primitives":
            file.unlink()
    return folder


@pytest.mark.parametrize("primitive", MISSING)
def test_a_primitive_that_is_missing_names_the_file_to_add(
    primitive: str, engine: Engine, unported: Path, tmp_path: Path
) -> None:
    arguments = re.search(rf"macro default__{primitive}\((.*?)\)", PRIMITIVES).group(1).split(", ")
    call = f"dbt_forensics.{primitive}({', '.join(repr('x') for _ in arguments)})"
    consumer = Consumer(
        engine, tmp_path / "consumer", models={"m.sql": "select {{ " + call + " }}"}, package=unported
    )
    run = consumer.dbt(["parse"], expect="failure")
    assert (
        f"the engine '{engine.name}' has no primitive '{primitive}': add macros/adapters/{engine.name}.sql "
        f"with a macro {engine.name}__{primitive}; its meaning and type are said in macros/adapters/primitives.sql."
    ) in " ".join(run.log.split())


def test_whatever_has_no_default_is_missing_there() -> None:
    dispatched = set(re.findall(r"adapter\.dispatch\('(\w+)'", PRIMITIVES))
    assert dispatched == set(re.findall(r"macro default__(\w+)\(", PRIMITIVES))
    assert len(MISSING) > 10
