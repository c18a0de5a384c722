"""Germany's hospitalisations, loaded report by report: what each day showed at each build is what was known then."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from real_data import needs, rows

from harness.engines import Engine
from harness.project import PACKAGE, Consumer

pytestmark = [needs("germany_hospitalisations"), pytest.mark.slow]

DAY = timedelta(days=1)
STREAM = {
    "relation": "source.rki.reports",
    "event_id": "event_id",
    "entity_id": "age_group",
    "event_time": "event_time",
    "ingested_at": "reported_at",
    "batch_id": "report",
    "payload": ["cases"],
    "allowed_lateness": {"count": 14, "period": "day"},
    "metrics": {"hospitalisations": {"agg": "sum", "expr": "cases", "dimensions": ["age_group"]}},
}
Cell = tuple[str, datetime]  # age group and day


@dataclass
class Played:
    consumer: Consumer
    built_at: list[datetime]


def every_120_days(daily: int) -> list[int]:
    """After which of the 478 reports a build runs: every 120, some days in a row, and after the last."""
    return [120, 240, 360, *(360 + day for day in range(1, daily + 1)), 478]


@pytest.fixture(
    scope="module", params=[3, pytest.param(10, marks=pytest.mark.slow)], ids=lambda n: f"{n} daily builds"
)
def played(
    request: pytest.FixtureRequest,
    new_engine: Callable[[], AbstractContextManager[Engine]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Played]:
    """Loads each report as it came and builds now and then; one with backcast is declared before the last build."""
    reports: dict[datetime, list[dict[str, Any]]] = defaultdict(list)
    for row in rows("germany_hospitalisations", "events"):
        reports[row["ingested_at"]].append(
            {
                "event_id": row["event_id"],
                "age_group": row["entity_id"],
                "event_time": row["event_time"],
                "reported_at": row["ingested_at"],
                "report": f"{row['ingested_at']:%Y-%m-%d}",
                "cases": int(row["amount"]),
            }
        )
    in_order = sorted(reports)
    with new_engine() as engine:
        folder = tmp_path_factory.mktemp("hospitalisations") / "consumer"
        consumer = Consumer(engine, folder, streams={"reports": STREAM}, sources={"rki": ["reports"]})
        columns = {"event_id": "varchar(40)", "age_group": "varchar(10)", "event_time": "timestamp"}
        columns |= {"reported_at": "timestamp", "report": "varchar(10)", "cases": "integer"}
        consumer.create_table("reports", columns)
        built_at, loaded = [], 0
        for number in every_120_days(request.param):
            consumer.insert("reports", [row for report in in_order[loaded:number] for row in reports[report]])
            loaded = number
            if number == len(in_order):
                consumer.streams = {"reports": STREAM, "backcast": {**STREAM, "backcast": {"every": "batch"}}}
            built_at.append(in_order[number - 1] + timedelta(hours=6))
            consumer.build(as_of=str(built_at[-1]))
        yield Played(consumer, built_at)


@pytest.fixture(scope="module")
def truth() -> dict[Cell, dict[datetime, Decimal]]:
    """Per age group and day: its value as of the end of each report day."""
    cells: dict[Cell, dict[datetime, Decimal]] = defaultdict(dict)
    for row in rows("germany_hospitalisations", "truth_asof"):
        cells[row["entity_id"], row["metric_date"]][row["as_of"]] = Decimal(int(row["value"]))
    return cells


def versions_of(consumer: Consumer, stream: str) -> dict[Cell, list[dict[str, Any]]]:
    versions: dict[Cell, list[dict[str, Any]]] = defaultdict(list)
    for row in consumer.query(
        "select events.entity_id, versions.window_start, versions.version, versions.value, "
        "versions.recorded_from, versions.recorded_to, versions.origin "
        "from analytics.forensics__metric_versions as versions "
        "inner join (select distinct entity_id from analytics.forensics__event_history) as events "
        "on versions.dimensions = '{\"age_group\":\"' || events.entity_id || '\"}' "
        f"where versions.stream = '{stream}' order by versions.version"
    ):
        versions[row["entity_id"], row["window_start"]].append(row)
    return versions


def value_as_of(versions: list[dict[str, Any]], when: datetime) -> Decimal:
    for row in versions:
        if row["recorded_from"] <= when and (row["recorded_to"] is None or when < row["recorded_to"]):
            return Decimal(row["value"])
    return Decimal(0)


def known_at(history: dict[datetime, Decimal], when: datetime) -> Decimal:
    """The last value that the truth gives up to this time."""
    known = [as_of for as_of in history if as_of <= when]
    return history[max(known)] if known else Decimal(0)


def test_the_value_as_of_each_build(played: Played, truth: dict[Cell, dict[datetime, Decimal]]) -> None:
    versions = versions_of(played.consumer, "reports")
    assert versions.keys() <= truth.keys()
    wrong = [
        (cell, built, value_as_of(versions[cell], built), known_at(history, built))
        for cell, history in truth.items()
        for built in played.built_at
        if value_as_of(versions[cell], built) != known_at(history, built)
    ]
    assert wrong == []
    assert {row["origin"] for of_cell in versions.values() for row in of_cell} == {"published"}


def test_every_cell_of_the_backcast(played: Played, truth: dict[Cell, dict[datetime, Decimal]]) -> None:
    versions = versions_of(played.consumer, "backcast")
    cells = [(cell, as_of, value) for cell, history in truth.items() for as_of, value in history.items()]
    assert len(cells) == 120_540
    wrong = [
        (cell, as_of, value_as_of(versions[cell], as_of), value)
        for cell, as_of, value in cells
        if value_as_of(versions[cell], as_of) != value
    ]
    assert wrong == []
    assert {row["origin"] for of_cell in versions.values() for row in of_cell} == {"reconstructed"}


@pytest.mark.parametrize("stream", ["reports", "backcast"])
def test_lateness(played: Played, stream: str) -> None:
    found = played.consumer.query(
        "select entity_id, lateness_seconds, timeliness, payload, verdict from analytics.forensics__verdicts "
        f"where stream = '{stream}'"
    )
    assert Counter(row["verdict"] for row in found) == {"accepted": 44_484}
    by_delay: Counter[tuple[str, int]] = Counter()
    for row in found:
        delay = int(row["lateness_seconds"] // 86_400)
        cases = int(row["payload"].removeprefix('{"cases":"').removesuffix('"}'))
        by_delay[row["entity_id"].removeprefix("DE|"), delay] += cases
        # A day's window ends at midnight, and an hour is expected: only reports of the day itself are in time.
        expected = "on_time" if delay == 0 else "late" if delay <= 14 else "too_late"
        assert row["timeliness"] == expected
    truth = {
        (row["age_group"], row["delay"]): row["count"]
        for row in rows("germany_hospitalisations", "truth_lateness")
    }
    assert by_delay == {key: count for key, count in truth.items() if count}


def test_a_healthy_feed_with_late_rows_raises_no_incident(played: Played) -> None:
    found = "select stream, kind, window_start, opened_at from analytics.forensics__incidents"
    assert played.consumer.query(found) == []


def test_all_changes_are_explained(played: Played) -> None:
    unexplained = played.consumer.query(
        "select versions.stream, versions.version, versions.value "
        "from analytics.forensics__metric_versions as versions "
        "inner join analytics.forensics__metric_changes as changes on versions.stream = changes.stream "
        "and versions.metric = changes.metric and versions.window_start = changes.window_start "
        "and versions.dimensions = changes.dimensions and versions.version = changes.version "
        "group by versions.stream, versions.metric, versions.window_start, versions.dimensions, versions.version, "
        "versions.value, versions.previous_value "
        "having sum(changes.change) <> versions.value - coalesce(versions.previous_value, 0)"
    )
    assert unexplained == []


def test_how_days_settled(played: Played, truth: dict[Cell, dict[datetime, Decimal]]) -> None:
    """The curve of the backcast, against the truth: of all settled days what was known at each age, and what is now."""
    events = rows("germany_hospitalisations", "events")
    last_event = max(row["event_time"] for row in events)
    last_built = played.built_at[-1]
    shown = {(row["entity_id"], row["event_time"].replace(hour=0)) for row in events}
    settled = [cell for cell in shown if cell[1] + 15 * DAY + timedelta(hours=1) <= last_event]
    curve = played.consumer.query(
        "select * from analytics.forensics__settling where stream = 'backcast' order by age_hours"
    )
    assert [row["age_hours"] for row in curve if row["age_hours"] >= 24] == [
        24 * days for days in (1, 2, 3, 7, 14, 30, 60, 90, 180, 365)
    ]
    for row in curve:
        age = timedelta(hours=row["age_hours"])
        old_enough = [cell for cell in settled if cell[1] + DAY + age <= last_built]
        then = sum(known_at(truth[cell], cell[1] + DAY + age) for cell in old_enough)
        final = sum(known_at(truth[cell], last_built) for cell in old_enough)
        same = sum(known_at(truth[c], c[1] + DAY + age) == known_at(truth[c], last_built) for c in old_enough)
        assert row["window_count"] == len({day for _, day in old_enough})
        assert row["value_count"] == len(old_enough)
        assert abs(row["value_share"] - then / final) < Decimal("1e-9")
        assert abs(row["final_share"] - Decimal(same) / len(old_enough)) < Decimal("1e-9")
    assert curve[0]["value_share"] < curve[-1]["value_share"] == 1


@pytest.mark.parametrize("stream", ["reports", "backcast"])
def test_the_lateness_that_is_suggested(played: Played, stream: str) -> None:
    delays = [row["ingested_at"] - row["event_time"] for row in rows("germany_hospitalisations", "events")]
    found = played.consumer.query(
        f"select * from analytics.forensics__lateness where stream = '{stream}' and lateness_period = 'day'"
    )
    for row in found:  # an event is at noon, its report at the end of a day
        covered = sum(delay < (row["lateness_count"] + 1) * DAY for delay in delays)
        assert (row["row_count"], row["covered_count"]) == (44_484, covered)
    assert [row["lateness_count"] for row in found if row["is_suggested"]] == [60]
    assert [row["lateness_count"] for row in found if row["is_configured"]] == [14]


# The daily builds are of the other stream: once is enough.
@pytest.mark.parametrize("played", [3], indirect=True, ids=lambda n: f"{n} daily builds")
def test_how_often_the_estimates_held(played: Played, truth: dict[Cell, dict[datetime, Decimal]]) -> None:
    """Estimates of each Thursday, from what was known then, against what the days became (docs/settling.md)."""
    as_ofs = [datetime(2021, 12, 2) + 7 * number * DAY for number in range(33)]
    selects = [
        f"select cast('{as_of}' as timestamp) as as_of, estimates.* "
        f"from ({{{{ dbt_forensics.estimates_as_of('{as_of}') }}}}) as estimates where stream = 'backcast'"
        for as_of in as_ofs
    ]
    played.consumer.write("analyses/estimated.sql", "\nunion all\n".join(selects))
    played.consumer.dbt(["compile", "--select", "estimated"])
    compiled = played.consumer.folder / "target/compiled/consumer/analyses/estimated.sql"
    held: dict[int, list[bool]] = defaultdict(list)
    nearer: dict[int, list[tuple[Decimal, Decimal]]] = defaultdict(list)
    for row in played.consumer.query(compiled.read_text(encoding="utf-8")):
        cell = (row["dimensions"].removeprefix('{"age_group":"').removesuffix('"}'), row["window_start"])
        became = known_at(truth[cell], played.built_at[-1])
        assert row["value"] == known_at(truth[cell], row["as_of"])
        assert row["window_start"] + DAY <= row["as_of"] < row["window_start"] + 17 * DAY
        # The last report before came a second before midnight.
        assert row["age_seconds"] == (row["as_of"] - row["window_start"] - DAY).total_seconds() - 1
        if row["estimate_low"] is None:
            assert row["value"] == 0
            assert row["estimate"] is None
            continue
        assert row["estimate_low"] <= row["estimate"] <= row["estimate_high"]
        assert 19 <= row["basis_count"] <= 90
        age = int(row["age_seconds"] // 86400)
        held[age].append(row["estimate_low"] <= became <= row["estimate_high"])
        nearer[age].append((abs(row["estimate"] - became), abs(row["value"] - became)))
    page = (PACKAGE / "docs" / "settling.md").read_text(encoding="utf-8")
    for age in sorted(held):
        off, off_before = (sum(pair[side] for pair in nearer[age]) for side in (0, 1))
        share, ratio = sum(held[age]) / len(held[age]), off / off_before
        assert share > 0.9
        assert f"| {age} | {len(held[age])} | {100 * share:.1f} % | {ratio:.2f} |" in page
    assert sorted(held) == list(range(14))
