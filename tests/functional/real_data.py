"""Where the real inputs are: beside the project, not in it. Tests that need them are skipped where they are absent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

Row = dict[str, Any]

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data"


def needs(name: str) -> pytest.MarkDecorator:
    """Skips the tests of a module, visibly, where the data set is not there."""
    return pytest.mark.skipif(
        not (FOLDER / name).is_dir(), reason=f"the real data set {name} is not at ../shared/data"
    )


def rows(name: str, file: str) -> list[Row]:
    """A file of a data set, in its order."""
    import pyarrow.parquet as pq

    return pq.read_table(FOLDER / name / f"{file}.parquet").to_pylist()  # type: ignore[no-any-return]
