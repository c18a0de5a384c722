"""Each failure of a feed becomes one incident of its kind at the first build after it, and nothing else does."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from functional.failures import (
    BUILD_AFTER,
    COLUMNS,
    DAY,
    FAILURES,
    QUIET_DAYS,
    START,
    STREAM,
    Failure,
    quiet_days,
)
from harness.engines import Engine
from harness.project import Consumer

#: What the detectors of the design give on this history, the same on every engine.
EXPECTED = Path(__file__).with_name("detections.csv")
BUILDS = [START + (day * DAY) + BUILD_AFTER for day in (QUIET_DAYS, QUIET_DAYS + 1, QUIET_DAYS + 3)]
SILENCED = next(failure for failure in FAILURES if failure.name == "silenced")
EXCEPTIONS = "stream,detector,subject,valid_until,reason\nsilenced,duplicate_storm,,2026-03-01,a load test\n"


@dataclass
class Played:
    consumer: Consumer
    #: The tables after each build.
    detections: list[dict[str, list[dict[str, Any]]]] = field(default_factory=list)
    incidents: list[dict[str, list[dict[str, Any]]]] = field(default_factory=list)

    def look(self) -> None:
        for table, kept in (("detections", self.detections), ("incidents", self.incidents)):
            by_stream: dict[str, list[dict[str, Any]]] = {failure.name: [] for failure in FAILURES}
            for row in self.consumer.query(
                f"select * from analytics.forensics__{table} order by window_start"
            ):
                by_stream[row["stream"]].append(row)
            kept.append(by_stream)


def play(
    engine: Engine, folder: Any, cadence: list[datetime] = BUILDS, failures: Sequence[Failure] = FAILURES
) -> Played:
    """Three days of news: the last quiet one, the one of the failure, two quiet ones. Builds at the times given."""
    streams = {
        failure.name: {"relation": f"source.raw.{failure.name}", **STREAM, **failure.stream}
        for failure in failures
    }
    consumer = Consumer(
        engine,
        folder,
        streams=streams,
        sources={"raw": list(streams)},
        files={"seeds/forensics_exceptions.csv": EXCEPTIONS} if SILENCED in failures else {},
    )
    days = quiet_days(QUIET_DAYS + 3)
    for failure in failures:
        consumer.create_table(failure.name, COLUMNS)
    played = Played(consumer)
    for number, built_at in enumerate(BUILDS):
        for failure in failures:
            if number == 0:
                loads = [[failure.before(row) for row in load] for day in days[:QUIET_DAYS] for load in day]
            elif number == 1:
                if failure.sql:
                    consumer.execute(failure.sql.format(table=f"raw.{failure.name}"))
                loads = failure.loads(days[QUIET_DAYS])
            else:
                loads = [load for day in days[QUIET_DAYS + 1 :] for load in day]
            rows = [row for load in loads for row in load]
            if number and any(change in failure.sql for change in ("drop column", "rename column")):
                rows = [{name: value for name, value in row.items() if name != "note"} for row in rows]
            consumer.insert(failure.name, rows)
        if built_at in cadence:
            consumer.build(as_of=str(built_at))
            played.look()
    return played


@pytest.fixture(scope="module")
def played(
    new_engine: Callable[[], AbstractContextManager[Engine]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Played]:
    with new_engine() as engine:
        yield play(engine, tmp_path_factory.mktemp("detection") / "consumer")


@pytest.mark.slow
def test_a_quiet_history_raises_nothing(played: Played) -> None:
    assert {name: found for name, found in played.detections[0].items() if found} == {}
    assert played.detections[2]["clean"] == []


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.name)
def test_the_failure_is_seen_at_the_next_build(played: Played, failure: Failure) -> None:
    incidents = played.incidents[1][failure.name]
    assert [incident["kind"] for incident in incidents] == ([failure.kind] if failure.kind else [])
    seen = {row["detector"] for row in played.detections[1][failure.name] if not row["is_silenced"]}
    assert seen == ({failure.kind, *failure.also} if failure.kind else set())
    assert {row["opened_at"] for row in incidents} <= {BUILDS[1]}


@pytest.mark.parametrize("failure", [f for f in FAILURES if f.kind], ids=lambda failure: failure.name)
def test_it_resolves_when_the_evidence_is_gone(played: Played, failure: Failure) -> None:
    (incident,) = played.incidents[2][failure.name]
    (before,) = played.incidents[1][failure.name]
    assert incident["incident_id"] == before["incident_id"]
    assert incident["status"] == ("resolved" if failure.heals else failure.remains)
    assert (incident["resolved_at"] is not None) == failure.heals


def test_what_can_only_be_judged_later_is_seen_then(played: Played) -> None:
    """A load that came last is complete or not when the next one has come, whatever else was said of its build."""
    before, after = ({row["detector"] for row in played.detections[at]["last_load_cut_off"]} for at in (1, 2))
    assert before == {"duplicate_storm"}
    assert after == {"duplicate_storm", "partial_batch", "sequence_gap"}


@pytest.mark.gate
def test_building_again_adds_nothing(played: Played) -> None:
    tables = ("int_forensics__row_profile", "int_forensics__detection_log", "forensics__windows")
    counts = "select " + ", ".join(f"(select count(*) from analytics.{name}) as {name}" for name in tables)
    before = played.consumer.query(counts)
    played.consumer.build(as_of=str(BUILDS[-1]))
    assert played.consumer.query(counts) == before


def test_the_engines_see_the_same(played: Played) -> None:
    """To the last digit: every column of every detection, against what is written beside this file."""
    columns = (
        "stream, detector, subject, window_start, window_end, severity, observed, expected, evidence, first_event_at, "
        "first_arrived_at, last_arrived_at, first_detected_at, last_detected_at, resolved_at, detection_id"
    )
    found = played.consumer.query(f"select {columns} from analytics.forensics__detections")
    lines = sorted(";".join("" if value is None else str(value) for value in row.values()) for row in found)
    if "FORENSICS_WRITE_EXPECTED" in os.environ:
        EXPECTED.write_text("\n".join([columns, *lines]) + "\n", encoding="utf-8")
    assert [columns, *lines] == EXPECTED.read_text(encoding="utf-8").splitlines()
