"""Generated series: the same for the same seed, as they say they are, and scored by what overlaps."""

from __future__ import annotations

import numpy as np
import pytest

from forensics_lab.series import DAY, EPOCH, FAMILIES, HOUR, Series, make_series
from forensics_lab.series_score import (
    Found,
    Score,
    runs,
    score,
    score_found,
    table_of_values,
    trailing_deviation,
    weekday_median,
)


@pytest.fixture(scope="module")
def generated() -> list[Series]:
    return make_series(3)


def test_the_same_seed_gives_the_same_series(generated: list[Series]) -> None:
    again = make_series(3)
    assert [one.name for one in again] == [one.name for one in generated]
    assert all(np.array_equal(one.value, other.value) for one, other in zip(again, generated, strict=True))
    assert not np.array_equal(make_series(4)[0].value, generated[0].value)


def test_each_family_is_there_with_labels_inside_of_it(generated: list[Series]) -> None:
    assert {one.name.split("_")[0] for one in generated} == set(FAMILIES)
    assert len(generated) == 38
    for one in generated:
        assert one.labels
        assert all(0 <= first < last <= one.minutes for first, last in one.labels)
        assert np.all(np.diff(one.at) > 0)
        assert np.all(np.isfinite(one.value))


def line(values: list[float], agg: str = "avg", labels: tuple[tuple[int, int], ...] = ()) -> Series:
    at = np.arange(len(values), dtype=np.int64) * HOUR
    return Series("line", agg, EPOCH, at, np.array(values), labels, len(values) * HOUR)


def test_windows_are_averages_or_sums() -> None:
    for agg, expected in (("avg", [1.0, 3.0]), ("sum", [24.0, 72.0])):
        numbers, values = line([1.0] * 24 + [3.0] * 24, agg).windows(DAY)
        assert numbers.tolist() == [0, 1]
        assert values.tolist() == expected


def test_runs_are_of_consecutive_numbers() -> None:
    assert runs([5, 1, 2, 3]) == [(1, 3), (5, 5)]


def test_a_label_is_found_by_what_overlaps_it() -> None:
    one = line([0.0] * 168, labels=((24 * HOUR, 48 * HOUR), (72 * HOUR, 96 * HOUR)))
    assert score(one, HOUR, [(47, 60), (100, 101), (120, 120)]) == Score(1, 2, 2, 1.0)
    assert score(one, DAY, [(1, 1), (2, 2)]) == Score(1, 2, 1, 1.0)


def test_detections_of_a_series_that_overlap_are_one_alarm() -> None:
    one = line([0.0] * 168)
    detections = [
        Found("line", "hour", "metric_anomaly", (3, 9), "low"),
        Found("line", "hour", "level_shift", (5, 5), "medium"),
        Found("line", "hour", "metric_flat", (20, 22), "medium"),
        Found("line", "day", "metric_anomaly", (0, 0), "low"),
    ]
    assert score_found([one], "hour", detections) == Score(0, 0, 2, 1.0)
    assert "| the same, of medium severity | 1.00 | 0.00 | 1.00 | 2.00 |" in table_of_values(
        [one], detections
    )


def test_the_anchors_see_a_spike() -> None:
    values = [float(place % 3) for place in range(24 * 7 * 6)]
    values[900] = 50.0
    assert trailing_deviation(line(values), HOUR) == [(900, 900)]
    assert (900, 900) in weekday_median(line(values), HOUR)
