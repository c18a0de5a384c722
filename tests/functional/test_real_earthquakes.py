"""The USGS feeds, scraped hourly and flattened to columns: re-sends, revisions, one conflict, and a change of shape."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from real_data import needs, rows

from harness.engines import Engine
from harness.project import Consumer

pytestmark = [needs("usgs_earthquakes"), pytest.mark.gate]

SHAPE_CHANGED_AT = datetime(2025, 5, 4, 14, 53, 39)
BUILT_AT = [datetime(2025, 5, 4, 14, 45), datetime(2025, 5, 12), datetime(2025, 5, 25)]
ROW_COUNT = 110_375
TYPES = {
    "mag": "double precision",
    "time": "bigint",
    "updated": "bigint",
    "felt": "integer",
    "tsunami": "integer",
    "sig": "integer",
    "nst": "integer",
    "cdi": "double precision",
    "mmi": "double precision",
    "dmin": "double precision",
    "rms": "double precision",
    "gap": "double precision",
    "longitude": "double precision",
    "latitude": "double precision",
    "depth": "double precision",
}
LOADED = {
    "quake_id": "varchar(40)",
    "happened_at": "timestamp",
    "_scraped_at": "timestamp",
    "_scrape": "varchar(60)",
    "_shape": "varchar(20)",
}
ROLES = {
    "relation": "source.usgs.quakes",
    "event_type": "'earthquake'",
    "event_time": "happened_at",
    "ingested_at": "_scraped_at",
    "batch_id": "_scrape",
    "schema_version": "_shape",
    "too_late": "include",
}
STREAMS = {
    # The quake is the event: what is sent anew about it corrects it.
    "quakes": {
        **ROLES,
        "event_id": "quake_id",
        "on_conflict": "last_wins",
        "metrics": {
            "quakes": {"agg": "count"},
            "magnitude": {"agg": "sum", "expr": "mag"},
            "strongest": {"agg": "max", "expr": "mag"},
            "average": {"agg": "avg", "expr": "mag"},
        },
    },
    # The revision is the event: two that name the same time of update and differ are in conflict.
    "revisions": {
        **ROLES,
        "event_id": "quake_id || '@' || cast(updated as varchar(20))",
        "on_conflict": "first_wins",
    },
}


def flattened(row: dict[str, Any]) -> dict[str, Any]:
    """A feature as columns, as a loader of the feed would write it."""
    feature = json.loads(row["payload"])
    longitude, latitude, depth = feature["geometry"]["coordinates"]
    properties = feature["properties"]
    return {
        "quake_id": row["event_id"],
        "happened_at": row["event_time"],
        "_scraped_at": row["ingested_at"],
        "_scrape": f"{row['event_type']}@{row['ingested_at']:%Y-%m-%dT%H:%M:%S}",
        "_shape": f"{len(properties)} properties",
        **properties,
        "longitude": longitude,
        "latitude": latitude,
        "depth": depth,
    }


@dataclass
class Played:
    consumer: Consumer
    lost_columns: set[str]


@pytest.fixture(scope="module")
def played(
    new_engine: Callable[[], AbstractContextManager[Engine]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Played]:
    """Three builds: before the change of shape, after it, and after the loader has dropped what is not sent now."""
    quakes = [flattened(row) for row in rows("usgs_earthquakes", "events")]
    quakes.sort(key=lambda quake: quake["_scraped_at"])
    lost = set(quakes[0]) - set(quakes[-1])
    with new_engine() as engine:
        folder = tmp_path_factory.mktemp("earthquakes") / "consumer"
        consumer = Consumer(engine, folder, streams=STREAMS, sources={"usgs": ["quakes"]})
        columns = {name: TYPES.get(name, "varchar(1000)") for name in quakes[0]}
        consumer.create_table("quakes", {**columns, **LOADED})
        loaded = 0
        for built_at in BUILT_AT:
            due = [quake for quake in quakes[loaded:] if quake["_scraped_at"] < built_at]
            consumer.insert("quakes", due)
            loaded += len(due)
            if built_at == BUILT_AT[-1]:
                for column in lost:
                    consumer.execute(f'alter table raw.quakes drop column "{column}"')
            consumer.build(as_of=str(built_at))
        assert loaded == ROW_COUNT
        yield Played(consumer, lost)


def query(played: Played, sql: str) -> list[dict[str, Any]]:
    return played.consumer.query(sql)


def test_no_row_is_lost(played: Played) -> None:
    for stream in STREAMS:
        sql = f"from analytics.forensics__event_history where stream = '{stream}'"
        assert query(played, f"select count(*) as n, count(distinct row_key) as keys {sql}") == [
            {"n": ROW_COUNT, "keys": ROW_COUNT}
        ]
        totals = query(
            played,
            "select sum(row_count) as n, sum(accepted_count + duplicate_count + conflict_count + superseded_count "
            "+ withdrawn_count + quarantined_count + pending_count) as verdicts, sum(vanished_count) as vanished, "
            f"sum(quarantined_count) as held from analytics.forensics__batches where stream = '{stream}'",
        )
        assert totals == [{"n": ROW_COUNT, "verdicts": ROW_COUNT, "vanished": 0, "held": 0}]


def test_the_change_of_shape_is_on_record_as_drift(played: Played) -> None:
    assert len(played.lost_columns) == 19
    versions = query(
        played,
        "select column_name, data_type, is_dropped, dbt_valid_from, dbt_valid_to "
        "from analytics.forensics__schema_history where stream = 'quakes'",
    )
    dropped = [row for row in versions if row["is_dropped"]]
    assert {row["column_name"] for row in dropped} == played.lost_columns
    assert {row["dbt_valid_from"] for row in dropped} == {BUILT_AT[-1]}
    assert {row["dbt_valid_to"] for row in dropped} == {None}
    shapes = query(
        played,
        "select schema_version, min(ingested_at) as first_at, count(*) as n "
        "from analytics.forensics__event_history where stream = 'quakes' group by schema_version order by first_at",
    )
    assert [(row["schema_version"], row["n"]) for row in shapes] == [
        ("26 properties", 1_190),
        ("7 properties", 109_185),
    ]
    assert shapes[1]["first_at"] == SHAPE_CHANGED_AT


@pytest.mark.parametrize("stream", STREAMS)
def test_the_change_of_shape_is_one_incident_at_its_load(played: Played, stream: str) -> None:
    day = SHAPE_CHANGED_AT.replace(hour=0, minute=0, second=0)
    found = query(
        played,
        "select kind, window_start, opened_at, status, first_arrived_at "
        f"from analytics.forensics__incidents where stream = '{stream}'",
    )
    assert [(row["kind"], row["window_start"], row["opened_at"]) for row in found] == [
        ("schema_drift", day, BUILT_AT[1])
    ]
    seen = query(
        played,
        "select subject, window_start, window_end, observed, first_arrived_at, first_detected_at "
        f"from analytics.forensics__detections where stream = '{stream}' order by subject",
    )
    assert [
        (row["subject"], row["window_start"], row["observed"], row["first_detected_at"]) for row in seen
    ] == [
        ("dropped", day, 19, BUILT_AT[2]),
        ("unknown version", day, 1, BUILT_AT[1]),
    ]
    assert seen[1]["first_arrived_at"] == SHAPE_CHANGED_AT


def test_the_change_of_shape_is_not_a_conflict(played: Played) -> None:
    """170 revisions were sent in both shapes; where they say the same, the second is a duplicate."""
    found = query(
        played,
        "select event_id, count(distinct schema_version) as shapes, "
        "count(case when verdict = 'conflict' then 1 end) as conflicts "
        "from analytics.forensics__verdicts where stream = 'revisions' group by event_id",
    )
    in_both = [row for row in found if row["shapes"] == 2]
    assert len(in_both) == 170
    assert sum(row["conflicts"] for row in in_both) == 0


def test_the_class_of_every_quake(played: Played) -> None:
    in_conflict = {
        row["quake"]
        for row in query(
            played,
            "select distinct split_part(event_id, '@', 1) as quake from analytics.forensics__verdicts "
            "where stream = 'revisions' and verdict = 'conflict'",
        )
    }
    sent: Counter[str] = Counter()
    contents: dict[str, set[str]] = defaultdict(set)  # per quake, the rows that said something new
    for row in query(
        played,
        "select event_id, row_key, verdict, lost_to_row_key from analytics.forensics__verdicts "
        "where stream = 'quakes' and schema_version = '7 properties'",
    ):
        sent[row["event_id"]] += 1
        is_repetition = row["verdict"] == "duplicate"
        contents[row["event_id"]].add(row["lost_to_row_key"] if is_repetition else row["row_key"])

    def class_of(quake: str) -> str:
        if quake in in_conflict:
            return "conflicting"
        if len(contents[quake]) > 1:
            return "revised"
        return "exact_only" if sent[quake] > 1 else "single"

    truth = {
        row["event_id"]: (row["class"], row["n_rows"]) for row in rows("usgs_earthquakes", "truth_final")
    }
    assert {quake: (class_of(quake), sent[quake]) for quake in sent} == truth


def test_the_last_word_on_every_quake(played: Played) -> None:
    accepted = {
        row["event_id"]: row
        for row in query(
            played,
            "select event_id, event_time, ingested_at, payload from analytics.forensics__verdicts "
            "where stream = 'quakes' and is_counted",
        )
    }
    assert len(accepted) == 5_316
    wrong = []
    for truth in rows("usgs_earthquakes", "truth_final"):
        row = accepted[truth["event_id"]]
        magnitude = Decimal(json.loads(row["payload"])["mag"])
        if (row["event_time"], magnitude) != (truth["event_time"], Decimal(str(truth["amount"]))):
            wrong.append((truth, row))
    assert wrong == []
    total = query(
        played,
        "select sum(value) as n from analytics.forensics__metric_versions "
        "where stream = 'quakes' and metric = 'quakes' and is_current",
    )
    assert total == [{"n": 5_316}]


def magnitudes_known_at(built_at: datetime) -> dict[datetime, list[Decimal]]:
    """Per day, the magnitudes of its quakes by the last row of each that had arrived."""
    last: dict[str, tuple[Any, ...]] = {}
    for row in rows("usgs_earthquakes", "events"):
        if row["ingested_at"] < built_at:
            arrived = (row["ingested_at"], f"{row['event_type']}@{row['ingested_at']:%Y-%m-%dT%H:%M:%S}")
            if row["event_id"] not in last or arrived > last[row["event_id"]][:2]:
                last[row["event_id"]] = (*arrived, row["event_time"], Decimal(str(row["amount"])))
    by_day: dict[datetime, list[Decimal]] = defaultdict(list)
    for _, _, event_time, magnitude in last.values():
        by_day[event_time.replace(hour=0, minute=0, second=0, microsecond=0)].append(magnitude)
    return by_day


@pytest.mark.parametrize("metric", ["strongest", "average"])
def test_magnitudes_follow_the_revisions(played: Played, metric: str) -> None:
    """What each day showed at each build is the maximum, or the average, of what was known then; changes add up."""
    versions = query(
        played,
        "select window_start, version, value, previous_value, recorded_from, recorded_to "
        f"from analytics.forensics__metric_versions where stream = 'quakes' and metric = '{metric}'",
    )
    for built_at in BUILT_AT:
        shown = {
            row["window_start"]: row["value"]
            for row in versions
            if row["recorded_from"] <= built_at
            and (row["recorded_to"] is None or built_at < row["recorded_to"])
        }
        expected = {
            day: max(known)
            if metric == "strongest"
            else (sum(known) / len(known)).quantize(Decimal("1e-9"), ROUND_HALF_UP)
            for day, known in magnitudes_known_at(built_at).items()
        }
        assert shown == expected
    changes: Counter[tuple[datetime, int]] = Counter()
    causes = set()
    for row in query(
        played,
        "select window_start, version, cause, change from analytics.forensics__metric_changes "
        f"where stream = 'quakes' and metric = '{metric}'",
    ):
        changes[row["window_start"], row["version"]] += row["change"]
        causes.add(row["cause"])
    assert dict(changes) == {
        (row["window_start"], row["version"]): row["value"] - (row["previous_value"] or 0) for row in versions
    }
    assert "correction" in causes
    assert "unexplained" not in causes
