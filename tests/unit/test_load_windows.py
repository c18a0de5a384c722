"""The windows that rows are in, whatever text their times are in."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
import pytest

from dbt_forensics.load.windows import refusal, window_starts

FIFTH, SIXTH = datetime(2026, 1, 5), datetime(2026, 1, 6)


@pytest.mark.parametrize(
    ("text", "day", "hour"),
    [
        ("2026-01-05", FIFTH, FIFTH),
        ("2026-01-05 23:59:59.999999", FIFTH, FIFTH.replace(hour=23)),
        ("2026-01-06 00:00:00", SIXTH, SIXTH),
        ("2026-01-06T00:30:00+01:00", FIFTH, FIFTH.replace(hour=23)),
        ("2026-01-05 23:30:00-00:30", SIXTH, SIXTH),
        ("2026-01-05 10:00:00+00", FIFTH, FIFTH.replace(hour=10)),
        ("2026-01-05T10:00:00Z", FIFTH, FIFTH.replace(hour=10)),
        ("0001-01-01", None, None),
        ("yesterday", None, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_window_of_a_time(text: str | None, day: datetime | None, hour: datetime | None) -> None:
    values = pa.array([text], pa.string())
    assert window_starts(values, "day") == ({day} if day else set())
    assert window_starts(values, "hour") == ({hour} if hour else set())


def test_what_is_left_to_refuse() -> None:
    against = {"open": "a", "settled": "b"}
    assert refusal({}, []) is None
    assert refusal(against, ["settled", "open"]) is None
    assert refusal(against, ["open"]) == (
        "Its rows fall into windows that are closed to it: b. To load it all the same: --allow-settled."
    )
