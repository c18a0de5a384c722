"""Germany's hospitalisations: a week is withdrawn and comes back; a week is lost and recovered from its files."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from real_data import needs, rows
from test_real_hospitalisations import STREAM, Cell, known_at

from functional.test_command_on_the_worked_example import Outcome, run
from harness.engines import Engine
from harness.project import Consumer

pytestmark = [needs("germany_hospitalisations"), pytest.mark.slow]

#: How many of the daily reports are played, the first ones, and the week that things happen to.
REPORTS, WEEK = 30, slice(12, 19)
WHO = ("--owner", "ann", "--reason", "test")
COLUMNS = {
    "event_id": "varchar(40)",
    "age_group": "varchar(10)",
    "event_time": "timestamp",
    "cases": "integer",
    "reported_at": "timestamp",
    "report": "varchar(60)",
}
Values = dict[Cell, Decimal]


@dataclass
class Played:
    """The reports as files, with the id of the load of each."""

    consumer: Consumer
    files: list[Path]
    loads: list[str]
    reports: list[list[dict[str, Any]]]

    def command(self, *arguments: str) -> Outcome:
        outcome = run(self.consumer, *arguments, "--json")
        assert outcome.err == "", outcome.err
        return outcome

    def values(self) -> Values:
        """What is shown now."""
        found = self.consumer.query(
            "select dimensions, window_start, value from analytics.forensics__metric_versions where is_current"
        )
        return {
            (json.loads(row["dimensions"])["age_group"], row["window_start"]): Decimal(row["value"])
            for row in found
            if row["value"]
        }

    def without_the_week(self) -> Values:
        """What the rows of the other reports add up to."""
        values: Values = defaultdict(Decimal)
        for report in self.reports[: WEEK.start] + self.reports[WEEK.stop :]:
            for row in report:
                values[row["age_group"], row["event_time"].replace(hour=0)] += row["cases"]
        return {cell: value for cell, value in values.items() if value}

    def unexplained(self) -> list[Any]:
        """Versions whose changes do not add up to the difference from the version before."""
        return self.consumer.query(
            """
            select versions.dimensions, versions.window_start, versions.version
            from analytics.forensics__metric_versions as versions
            left join analytics.forensics__metric_changes as changes
                on versions.stream = changes.stream and versions.metric = changes.metric
                and versions.window_start = changes.window_start and versions.dimensions = changes.dimensions
                and versions.version = changes.version and changes.cause <> 'unexplained'
            group by 1, 2, 3, versions.value, versions.previous_value
            having
                coalesce(sum(changes.change), 0)
                <> coalesce(versions.value, 0) - coalesce(versions.previous_value, 0)
            """
        )

    def causes(self) -> set[str]:
        """Of the changes that the last build made."""
        found = self.consumer.query(
            "select distinct cause from analytics.forensics__metric_changes where recorded_from ="
            " (select max(recorded_from) from analytics.forensics__metric_changes)"
        )
        return {row["cause"] for row in found}


@pytest.fixture(scope="module")
def played(
    new_engine: Callable[[], AbstractContextManager[Engine]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Played]:
    """Each report is a file and a batch; one build after all of them."""
    by_day: dict[datetime, list[dict[str, Any]]] = defaultdict(list)
    for row in rows("germany_hospitalisations", "events"):
        by_day[row["ingested_at"]].append(
            {
                "event_id": row["event_id"],
                "age_group": row["entity_id"],
                "event_time": row["event_time"],
                "reported_at": row["ingested_at"],
                "cases": int(row["amount"]),
            }
        )
    days = sorted(by_day)[:REPORTS]
    folder = tmp_path_factory.mktemp("acted")
    with new_engine() as engine:
        consumer = Consumer(
            engine, folder / "project", streams={"reports": STREAM}, sources={"rki": ["reports"]}
        )
        consumer.create_table("reports", COLUMNS)
        consumer.write_project()
        files = [folder / f"{day:%Y-%m-%d}.jsonl" for day in days]
        for day, path in zip(days, files, strict=True):
            path.write_text("".join(json.dumps(row, default=str) + "\n" for row in by_day[day]))
        made = Played(consumer, files, [], [by_day[day] for day in days])
        loaded = made.command("load", *map(str, files), "--stream", "reports")
        assert loaded.json["total"]["accepted"] == sum(len(report) for report in made.reports)
        made.loads += [one["load_id"] for one in loaded.json["files"]]
        consumer.build()
        yield made


@pytest.fixture(scope="module")
def truth(played: Played) -> Values:
    """What was known of each day and age group after the last report that is played."""
    cells: dict[Cell, dict[datetime, Decimal]] = defaultdict(dict)
    for row in rows("germany_hospitalisations", "truth_asof"):
        cells[row["entity_id"], row["metric_date"]][row["as_of"]] = Decimal(int(row["value"]))
    last = played.reports[-1][0]["reported_at"]
    return {cell: value for cell, history in cells.items() if (value := known_at(history, last))}


def test_a_week_is_withdrawn_and_comes_back(played: Played, truth: Values) -> None:
    assert played.values() == truth
    batches = [part for load in played.loads[WEEK] for part in ("--batch", load)]
    asked = ("withdraw", "--stream", "reports", *batches, *WHO, "--override", "unsettled", "--execute")
    done = played.command(*asked)
    assert (done.code, done.json["status"]) == (0, "applied")
    assert done.json["rows"] == sum(len(report) for report in played.reports[WEEK]) > 300
    assert played.values() == played.without_the_week() != truth
    assert played.causes() == {"withdrawal"}
    action = done.json["action_id"]
    assert played.command("replay", "verify", action).json["wrong"] == []
    assert played.command("replay", "revert", action, *WHO, "--execute").code == 0
    assert played.values() == truth
    assert played.causes() == {"revert"}
    assert played.unexplained() == []


def test_a_week_is_lost_and_recovered_from_its_files(played: Played, truth: Values) -> None:
    consumer = played.consumer
    before = consumer.query("select row_key from analytics.forensics__event_history order by 1")
    lost = ", ".join(f"'{load}'" for load in played.loads[WEEK])
    consumer.execute(f"delete from raw.reports where report in ({lost})")
    consumer.build()
    assert played.values() == played.without_the_week()
    assert played.causes() == {"source_deleted"}
    # The whole folder, as one does who does not know what is gone; windows have settled since.
    again = ("load", *map(str, played.files), "--stream", "reports", "--again")
    refused = played.command(*again)
    assert (refused.code, refused.json["total"]["accepted"]) == (1, 0)
    sentences = [one["refused"] for one in refused.json["files"] if one["status"] == "refused"]
    assert sentences
    assert all("of stream reports are settled" in one and "--allow-settled" in one for one in sentences)
    landed = played.command(*again, "--allow-settled")
    status = [one["status"] for one in landed.json["files"]]
    assert (landed.code, status[WEEK]) == (0, ["restored"] * 7)
    assert set(status[: WEEK.start] + status[WEEK.stop :]) == {"known"}
    consumer.build()
    assert played.values() == truth
    assert played.unexplained() == []
    # They are the rows on record, and nothing counts twice.
    assert consumer.query("select row_key from analytics.forensics__event_history order by 1") == before
    verdicts = consumer.query(
        "select verdict, count(*) as n from analytics.forensics__verdicts group by verdict"
    )
    assert [(row["verdict"], row["n"]) for row in verdicts] == [("accepted", len(before))]
