"""What the metrics say: one build over a few series finds what happened to them, where and once, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from forensics_lab.series import DAY, EPOCH, HOUR, Series
from forensics_lab.series_score import Found, play

DAYS = 63


def business(
    name: str, change: dict[int, float] | None = None, stuck: tuple[int, int] | None = None
) -> Series:
    """A feed by the hour, with rhythms of day and week and a little noise; from given hours on times a factor."""
    dice = np.random.default_rng(5)
    hours = np.arange(DAYS * 24, dtype=np.int64)
    level = 200 * (1.2 + np.cos(2 * np.pi * (hours % 24 - 15) / 24)) * np.where(hours // 24 % 7 < 5, 1.0, 0.4)
    values = level * dice.normal(1, 0.04, len(hours))
    for begin, factor in (change or {}).items():
        values[begin:] *= factor
    if stuck:
        values[stuck[0] : stuck[1]] = values[stuck[0]]
    return Series(name, "sum", EPOCH, hours * HOUR, np.round(values, 2), (), DAYS * DAY)


#: On a Wednesday at ten o'clock for good; for an evening; the same value from a Sunday to a Thursday.
SHIFT, SPIKE, STUCK = 37 * 24 + 10, 44 * 24 + 18, (48 * 24, 52 * 24)
SERIES = [
    business("quiet"),
    business("moved", {SHIFT: 1.6}),
    business("spiked", {SPIKE: 3, SPIKE + 4: 1 / 3}),
    business("stuck", stuck=STUCK),
]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Found]:
    return play(SERIES, tmp_path_factory.mktemp("values") / "project")


def _of(found: list[Found], series: str, grain: str) -> dict[str, list[tuple[int, int]]]:
    by_detector: dict[str, list[tuple[int, int]]] = {}
    for one in found:
        if (one.series, one.grain) == (series, grain):
            by_detector.setdefault(one.detector, []).append(one.stretch)
    return by_detector


@pytest.mark.parametrize("grain", ["day", "hour"])
def test_rhythms_of_day_and_week_are_no_finding(found: list[Found], grain: str) -> None:
    assert _of(found, "quiet", grain) == {}


def test_a_level_that_moved_is_named_once_and_dated_to_its_first_window(found: list[Found]) -> None:
    days, hours = _of(found, "moved", "day"), _of(found, "moved", "hour")
    assert days["level_shift"] == [(37, 37)]
    assert hours["level_shift"] == [(SHIFT, SHIFT)]
    # An anomaly until the new level is the usual one, and no longer.
    for length, (stretch,) in ((1, days["metric_anomaly"]), (24, hours["metric_anomaly"])):
        assert 37 * length <= stretch[0]
        assert stretch[1] < 44 * length


def test_an_evening_is_an_anomaly(found: list[Found]) -> None:
    assert _of(found, "spiked", "hour") == {"metric_anomaly": [(SPIKE, SPIKE + 3)]}


def test_a_value_that_stands_still_is_flat(found: list[Found]) -> None:
    assert _of(found, "stuck", "hour")["metric_flat"] == [(STUCK[0], STUCK[1] - 1)]


def test_dates() -> None:
    assert (EPOCH + timedelta(hours=SHIFT)).strftime("%a %H") == "Wed 10"
