"""The lab's score: what counts for what, and what is left over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from forensics_lab.score import Thresholds, counts, score_runs, table, told
from forensics_lab.sweep import BEGIN, END, groups, write_page

Json = dict[str, Any]

FAILURE: Json = {
    "stream": "s1_orders",
    "kind": "window_lost",
    "severity": "medium",
    "detector": "missing_window",
    "consequences": ["freshness"],
    "expected_severity": "high",
    "window_from": "2026-02-10 00:00:00",
    "window_to": "2026-02-11 00:00:00",
    "arrived_from": "2026-02-10 01:00:00",
    "arrived_to": "2026-02-11 02:00:00",
    "first_bad_at": "2026-02-10 01:00:00",
    "rows": 10,
}
SIGHTING: Json = {
    "detection_id": "a",
    "stream": "s1_orders",
    "detector": "missing_window",
    "recorded_at": "2026-02-11 09:00:00",
    "change": 1,
    "severity": "high",
    "window_start": "2026-02-10 00:00:00",
    "window_end": "2026-02-11 00:00:00",
    "first_arrived_at": None,
    "last_arrived_at": None,
}
BUILDS = [f"2026-02-{day:02} 09:00:00" for day in range(9, 15)]


def incident(name: str, first_day: int, end_day: int, stream: str = "s1_orders") -> Json:
    window = {
        "window_start": f"2026-02-{first_day:02} 00:00:00",
        "window_end": f"2026-02-{end_day:02} 00:00:00",
    }
    return {"incident_id": name, "stream": stream, "opened_at": "2026-02-11 09:00:00", **window}


def run(
    sightings: list[Json], failures: list[Json] | None = None, incidents: list[Json] | None = None
) -> Json:
    return {
        "builds": BUILDS,
        "days": 42,
        "streams": [{"stream": "s1_orders"}, {"stream": "s1_clean"}],
        "injections": [FAILURE] if failures is None else failures,
        "sightings": sightings,
        "incidents": incidents or [],
    }


@pytest.mark.parametrize(
    ("change", "does"),
    [
        ({}, True),
        ({"stream": "s1_clean"}, False),
        ({"detector": "freshness"}, True),
        ({"detector": "sequence_gap"}, False),
        ({"recorded_at": "2026-02-10 00:59:59"}, False),
        ({"window_start": "2026-02-11 00:00:00", "window_end": "2026-02-12 00:00:00"}, False),
        (
            {
                "window_start": "2026-02-11 00:00:00",
                "window_end": "2026-02-12 00:00:00",
                "first_arrived_at": "2026-02-11 02:00:00",
            },
            True,
        ),
        (
            {
                "window_start": "2026-02-11 00:00:00",
                "window_end": "2026-02-12 00:00:00",
                "first_arrived_at": "2026-02-11 02:00:01",
            },
            False,
        ),
        ({"change": -1}, False),
        ({"change": -1, "is_first": True}, True),
    ],
)
def test_what_counts_for_a_failure(change: Json, does: bool) -> None:
    assert counts({**SIGHTING, **change}, FAILURE) is does


def test_a_failure_that_is_found() -> None:
    score = score_runs([run([SIGHTING])])
    (line,) = score.kinds
    assert (line.count, line.found, line.severity_matched, line.builds, line.hours) == (1, 1, 1, 2, 32.0)
    assert (score.precision, score.alarms_a_week, score.clean_stream_weeks) == (1.0, 0.0, 6.0)
    assert score.problems(Thresholds()) == []
    assert "| window_lost | missing_window |  | 1 of 1 |  | 1.000 | 1.00 | 2 | 32 |  |" in table(score)


def test_a_consequence_explains_and_finds_nothing() -> None:
    score = score_runs([run([{**SIGHTING, "detector": "freshness"}])])
    assert score.kinds[0].found == 0
    assert score.missed == [FAILURE]
    assert score.precision == 1.0
    assert score.problems(Thresholds()) == ["window_lost: recall 0.000 at medium severity, wanted 0.95"]


def test_what_no_failure_accounts_for_is_a_false_alarm() -> None:
    elsewhere = {**SIGHTING, "detection_id": "b", "detector": "late_surge"}
    clean = {**SIGHTING, "detection_id": "c", "stream": "s1_clean"}
    score = score_runs([run([SIGHTING, elsewhere, clean])])
    assert [alarm["detection_id"] for alarm in score.false_alarms] == ["b", "c"]
    assert (score.detections, score.explained, score.clean_alarms) == (3, 1, 1)
    assert score.alarms_a_week == pytest.approx(1 / 6)
    assert score.problems(Thresholds()) == [
        "precision 0.333, wanted 0.95",
        "append: 0.167 false alarms per stream-week, at most 0.1 wanted",
    ]
    assert score.problems(Thresholds(precision=0.3, false_alarms=0.2)) == []
    assert (score.ways[0].writes, score.ways[0].weeks, score.ways[0].alarms) == ("append", 6.0, 1)
    assert "| append | plain | 1.4 | 1 | 0.72 |" in table(score)


def test_what_a_detection_grew_to_later_does_not_count_before() -> None:
    """It was seen on another day first, and only at a later build at the failure's."""
    before = {
        **SIGHTING,
        "window_start": "2026-02-09 00:00:00",
        "window_end": "2026-02-10 00:00:00",
        "recorded_at": "2026-02-10 09:00:00",
        "severity": "critical",
    }
    grown = {**SIGHTING, "change": 0, "window_start": "2026-02-09 00:00:00"}
    (line,) = score_runs([run([before, grown])]).kinds
    assert (line.found, line.builds, line.severity_matched) == (1, 2, 1)


def test_what_is_missing_is_seen_before_it_comes() -> None:
    late = {**FAILURE, "first_bad_at": "2026-02-12 00:00:00"}
    assert not counts(SIGHTING, late)
    assert counts({**SIGHTING, "detector": "freshness"}, late)
    assert not counts({**SIGHTING, "detector": "freshness", "recorded_at": "2026-02-10 00:59:59"}, late)


def test_what_is_seen_of_a_failure_is_one_incident_or_several() -> None:
    pause = {**SIGHTING, "detection_id": "b", "detector": "freshness", "window_end": "2026-02-12 00:00:00"}
    one = score_runs([run([SIGHTING, pause], incidents=[incident("i", 10, 12), incident("j", 14, 15)])])
    assert (one.kinds[0].incidents, one.incidents, one.incidents_explained) == (1, 2, 1)
    assert "2 incidents, 1 of which hold what a failure accounts for; 1.00 per failure." in table(one)
    late = {"window_start": "2026-02-08 00:00:00", "window_end": "2026-02-09 00:00:00"}
    elsewhere = {**pause, **late, "first_arrived_at": "2026-02-10 01:00:00"}
    incidents = [incident("i", 10, 11), incident("j", 8, 9), incident("k", 1, 20, "forensics_watches")]
    two = score_runs([run([SIGHTING, elsewhere], incidents=incidents)])
    assert (two.kinds[0].incidents, two.incidents, two.incidents_explained) == (2, 2, 2)


def test_mild_failures_are_no_problem() -> None:
    score = score_runs([run([], [{**FAILURE, "severity": "mild"}])])
    assert score.kinds[0].recall == 0
    assert score.problems(Thresholds()) == []


def test_runs_add_up() -> None:
    score = score_runs([run([SIGHTING]), run([])])
    assert (score.kinds[0].count, score.kinds[0].found) == (2, 1)
    assert score.clean_stream_weeks == 12.0


def test_seeds_that_start_on_one_day_are_run_together() -> None:
    assert list(groups(98, 107)) == [[98, 99], [100, 101, 102, 103, 104], [105, 106, 107]]


def test_the_table_is_put_between_the_marks_of_the_page(tmp_path: Path) -> None:
    page = tmp_path / "lab.md"
    page.write_text(f"before\n{BEGIN}\nstale | \\1\n{END}\nafter\n", encoding="utf-8")
    write_page(page, score_runs([run([SIGHTING])]), "a command")
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"before\n{BEGIN}\nMade by `a command`.\n")
    assert text.endswith(f"windows of dead feeds are called healthy.\n{END}\nafter\n")
    assert "stale" not in text
    assert "| window_lost |" in text


REPAIRED = {**FAILURE, "repaired_at": "2026-02-12 12:00:00", "repair": "the rows come"}


def course(*steps: tuple[int, int], name: str = "a", **change: Any) -> list[Json]:
    """Sightings of a detection: (day, change) each."""
    return [
        {
            **SIGHTING,
            **change,
            "detection_id": name,
            "recorded_at": f"2026-02-{day:02} 09:00:00",
            "change": step,
        }
        for day, step in steps
    ]


@pytest.mark.parametrize(
    ("sightings", "ended", "to_end", "never", "false_endings"),
    [
        (course((11, 1), (13, -1)), 1, 1, 0, 0),
        (course((11, 1), (14, -1)), 0, 2, 0, 0),
        (course((11, 1), (12, -1)), 1, 0, 0, 0),
        (course((11, 1)), 0, None, 1, 0),
        (course((11, 1), (12, -1), (13, 1), (14, -1)), 0, 2, 0, 1),
        (course((11, 1), (12, -1)) + course((13, 1), name="b"), 0, None, 1, 1),
        (course((11, 1), (13, -1)) + course((12, 1), name="b", detector="freshness"), 0, None, 1, 0),
    ],
)
def test_how_a_failure_ends(
    sightings: list[Json], ended: int, to_end: float | None, never: int, false_endings: int
) -> None:
    (line,) = score_runs([run(sightings, [REPAIRED])]).kinds
    assert (line.repaired, line.ended, line.to_end) == (1, ended, to_end)
    assert (line.never_ended, line.false_endings) == (never, false_endings)


def test_what_passes_ends_too_and_is_no_repair() -> None:
    (line,) = score_runs([run(course((11, 1), (13, -1)), [{**REPAIRED, "repair": "passes"}])]).kinds
    assert (line.repaired, line.ended, line.to_end) == (0, 0, 1)


def test_what_ends_after_the_last_build_or_is_kept_open_by_another_failure_has_no_end_yet() -> None:
    late = {**REPAIRED, "repaired_at": "2026-02-14 12:00:00"}
    assert score_runs([run(course((11, 1)), [late])]).kinds[0].repaired == 0
    lasting = {
        **FAILURE,
        "kind": "few_rows",
        "detector": "volume_anomaly",
        "consequences": ["missing_window"],
    }
    found = score_runs([run(course((11, 1)), [REPAIRED, lasting])])
    assert {line.kind: line.never_ended for line in found.kinds} == {"few_rows": 0, "window_lost": 0}


def test_a_share_that_does_not_end_with_the_repair_is_a_problem() -> None:
    score = score_runs([run(course((11, 1)), [REPAIRED])])
    assert score.problems(Thresholds()) == ["0.000 end with the repair, wanted 0.95"]
    assert "| 1 of 1 | 0 of 1 |  (1 open) |  |" in table(score)


def opened(day: int) -> Json:
    return {**incident("i", 9, 12), "opened_at": f"2026-02-{day:02} 09:00:00"}


@pytest.mark.parametrize(
    ("change", "opened_on", "is_dated"),
    [
        ({}, 11, True),
        ({}, 9, False),
        ({"window_start": "2026-02-09 00:00:00"}, 11, False),
        ({"window_start": "2026-02-09 00:00:00", "first_arrived_at": "2026-02-10 02:00:00"}, 11, True),
        ({"window_start": "2026-02-09 00:00:00", "first_arrived_at": "2026-02-10 09:00:00"}, 11, True),
        ({"window_start": "2026-02-09 00:00:00", "first_arrived_at": "2026-02-11 02:00:00"}, 11, False),
    ],
)
def test_what_is_dated_right(change: Json, opened_on: int, is_dated: bool) -> None:
    seen = {"window_end": "2026-02-11 00:00:00", **change}
    document = run(course((11, 1), **seen), incidents=[opened(opened_on)])
    document["streams"][0]["feed"] = {"load_hours": 6}
    score = score_runs([document])
    assert score.kinds[0].dated == is_dated
    assert (score.problems(Thresholds()) == []) is is_dated


def test_an_incident_may_be_older_where_another_failure_was_not_over() -> None:
    before = {
        **FAILURE,
        "kind": "few_rows",
        "window_from": "2026-02-09 00:00:00",
        "window_to": "2026-02-10 00:00:00",
        "arrived_from": "2026-02-09 01:00:00",
        "first_bad_at": "2026-02-09 01:00:00",
        "repaired_at": "2026-02-10 12:00:00",
        "repair": "the rows come",
    }
    window = {"window_start": "2026-02-09 00:00:00", "window_end": "2026-02-10 00:00:00"}
    sightings = course((9, 1), name="b", **window) + course((11, 1))
    for repaired_at, dated in (("2026-02-10 12:00:00", 2), ("2026-02-09 20:00:00", 1)):
        failures = [
            FAILURE,
            {**before, "repaired_at": repaired_at, "arrived_to": repaired_at},
        ]
        score = score_runs([run(sightings, failures, [opened(9)])])
        assert sum(line.dated for line in score.kinds) == dated


def test_incidents_that_are_kept_with_a_detection_count() -> None:
    seen = course((11, 1), incident_id="x") + course((12, 1), name="b", incident_id="y")
    score = score_runs([run(seen)])
    assert score.kinds[0].incidents == 2
    assert score.problems(Thresholds(dated=0)) == ["2.00 incidents per failure, at most 1.2 wanted"]


def test_silence_that_is_called_healthy_is_a_problem() -> None:
    document = run([SIGHTING])
    document["silent"] = [
        {"stream": "s1_orders", "window_start": "2026-02-10 00:00:00"},
        {"stream": "s1_orders", "window_start": "2026-02-01 00:00:00"},
    ]
    assert score_runs([document]).problems(Thresholds()) == [
        "1 windows of dead feeds are called healthy, wanted 0"
    ]


def test_a_day_that_nobody_can_know_yet_is_neither_right_nor_wrong() -> None:
    clean = {**SIGHTING, "stream": "s1_clean", "detector": "volume_anomaly"}
    document = run([clean])
    document["streams"][1]["feed"] = {"start": "2026-02-01 00:00:00", "surprises": [9]}
    score = score_runs([document])
    assert (score.detections, score.clean_alarms) == (0, 0)
    document["streams"][1]["feed"]["surprises"] = [8]
    assert score_runs([document]).clean_alarms == 1


def test_what_leaves_something_wrong_need_not_be_over_at_once() -> None:
    lasting = {**REPAIRED, "repair": "comes again"}
    assert score_runs([run(course((11, 1)), [lasting])]).kinds[0].repaired == 0


def test_what_was_put_in_and_what_was_said_is_told_by_stream() -> None:
    clean = {**SIGHTING, "detection_id": "c", "stream": "s1_clean", "window_start": None, "subject": "x"}
    sightings = [{**one, "subject": None} for one in course((11, 1), (12, 0), (13, -1), incident_id="abc")]
    document = run([*sightings, clean], [REPAIRED])
    assert told(document) == [
        "s1_clean",
        "    high missing_window x: no windows; +2026-02-11; incident none; FALSE ALARM",
        "s1_orders",
        "  put in window_lost: 2026-02-10 00:00:00 to 2026-02-11 00:00:00, bad 2026-02-10 01:00:00; "
        "the rows come 2026-02-12 12:00:00",
        "    high missing_window: 2026-02-10 00:00:00 to 2026-02-11 00:00:00; +2026-02-11 ~2026-02-12 -2026-02-13; "
        "incident abc; window_lost",
    ]
    assert told(document, "clean") == told(document)[:2]
