"""Feeds that fail in one way each: one quiet history, and what is done to it on one day. No randomness, no clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

Row = dict[str, Any]

START = datetime(2026, 1, 5)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
QUIET_DAYS = 11
LOADS_A_DAY = 8
ROWS_A_LOAD = 52
COLUMNS = {
    "event_id": "varchar(40)",
    "customer": "varchar(20)",
    "happened_at": "timestamp",
    "loaded_at": "timestamp",
    "load_id": "varchar(40)",
    "seq": "integer",
    "version": "varchar(10)",
    "amount": "numeric(18, 2)",
    "note": "varchar(20)",
}
STREAM = {
    "event_id": "event_id",
    "entity_id": "customer",
    "event_time": "happened_at",
    "ingested_at": "loaded_at",
    "batch_id": "load_id",
    "sequence_number": "seq",
    "schema_version": "version",
    "allowed_lateness": {"count": 2, "period": "day"},
    "rules": {"amount_is_not_negative": "amount >= 0"},
    "metrics": {"revenue": {"agg": "sum", "expr": "amount"}},
}
#: Builds run half past one: after the last load of a day, and after its deadline.
BUILD_AFTER = timedelta(hours=1, minutes=30)


def quiet_days(days: int) -> list[list[list[Row]]]:
    """Rows by day and load: each load brings the events of the three hours before it, in order."""
    number = 0
    sequence: dict[str, int] = {}
    found = []
    for day in range(days):
        loads = []
        for load in range(LOADS_A_DAY):
            rows = []
            # A few rows more or less from load to load, as everywhere.
            count = ROWS_A_LOAD + (day * 5 + load * 3) % 7
            for place in range(count):
                number += 1
                customer = f"c{number % 7}"
                sequence[customer] = sequence.get(customer, 0) + 1
                happened = START + day * DAY + load * 3 * HOUR + 3 * HOUR * place / count
                rows.append(
                    {
                        "event_id": f"e{number}",
                        "customer": customer,
                        "happened_at": happened.replace(microsecond=0),
                        "loaded_at": START + day * DAY + (load + 1) * 3 * HOUR - timedelta(minutes=1),
                        "load_id": f"d{day}-{load}",
                        "seq": sequence[customer],
                        "version": "1",
                        "amount": number % 100,
                        "note": None if number % 10 == 0 else "x",
                    }
                )
            loads.append(rows)
        found.append(loads)
    return found


DayOfLoads = list[list[Row]]


def same(loads: DayOfLoads) -> DayOfLoads:
    return loads


def _with(loads: DayOfLoads, number: int, change: Callable[[int, Row], Row]) -> DayOfLoads:
    return [
        [change(place, row) for place, row in enumerate(rows)] if load == number else rows
        for load, rows in enumerate(loads)
    ]


def duplicates(loads: DayOfLoads) -> DayOfLoads:
    again = [{**row, "seq": row["seq"]} for row in loads[4]]
    return [*loads[:4], loads[4] + again, *loads[5:]]


def conflicts(loads: DayOfLoads) -> DayOfLoads:
    again = [{**row, "amount": row["amount"] + 1} for row in loads[4][:20]]
    return [*loads[:4], loads[4] + again, *loads[5:]]


def late(loads: DayOfLoads) -> DayOfLoads:
    """Half of the day comes at a quarter past one of the next, after the deadline."""
    at = {"loaded_at": START + QUIET_DAYS * DAY + DAY + 75 * MINUTE, "load_id": "held-up"}
    kept = [[row for place, row in enumerate(rows) if place % 2] for rows in loads]
    held = [{**row, **at} for rows in loads for place, row in enumerate(rows) if not place % 2]
    return [*kept, held]


def out_of_order(loads: DayOfLoads) -> DayOfLoads:
    """Half of each load comes with the next one."""
    found: DayOfLoads = []
    waiting: list[Row] = []
    for rows in loads:
        delivery = {key: rows[0][key] for key in ("loaded_at", "load_id")}
        found.append(
            [row for place, row in enumerate(rows) if place % 2] + [{**r, **delivery} for r in waiting]
        )
        waiting = [row for place, row in enumerate(rows) if not place % 2]
    found[-1].extend(waiting)
    return found


def some_clocks_ahead(loads: DayOfLoads) -> DayOfLoads:
    return _with(
        loads,
        4,
        lambda n, row: {**row, "happened_at": row["happened_at"] + (6 * HOUR if n % 4 == 0 else 0 * HOUR)},
    )


def local_time(loads: DayOfLoads) -> DayOfLoads:
    """The producer writes the time of Berlin in summer from the third load on, as if it were UTC."""
    return [
        [{**row, "happened_at": row["happened_at"] + (2 * HOUR if load >= 2 else 0 * HOUR)} for row in rows]
        for load, rows in enumerate(loads)
    ]


def local_time_behind(loads: DayOfLoads) -> DayOfLoads:
    """The same in Denver."""
    return [
        [{**row, "happened_at": row["happened_at"] - (7 * HOUR if load >= 2 else 0 * HOUR)} for row in rows]
        for load, rows in enumerate(loads)
    ]


def held_up(loads: DayOfLoads) -> DayOfLoads:
    """Nothing comes for twelve hours, then all of it: no clock is wrong."""
    at = {key: loads[6][0][key] for key in ("loaded_at", "load_id")}
    return [*loads[:2], [{**row, **at} for rows in loads[2:7] for row in rows], loads[7]]


def nothing(loads: DayOfLoads) -> DayOfLoads:
    return []


def part_of_a_load(loads: DayOfLoads) -> DayOfLoads:
    return [rows[:8] if load == 4 else rows for load, rows in enumerate(loads)]


def lost_rows(loads: DayOfLoads) -> DayOfLoads:
    """Every fifth row of the day never comes; no batch is remarkably small."""
    return [[row for place, row in enumerate(rows) if place % 5] for rows in loads]


def few_of_each_hour(loads: DayOfLoads) -> DayOfLoads:
    """Every twelfth row of the day never comes: one or two of each hour."""
    return [[row for place, row in enumerate(rows) if place % 12] for rows in loads]


def load_again(loads: DayOfLoads) -> DayOfLoads:
    at = {"loaded_at": loads[4][0]["loaded_at"], "load_id": "d11-again"}
    return [*loads[:4], [{**row, **at} for row in loads[3]], *loads[4:]]


def conflicts_again(loads: DayOfLoads) -> DayOfLoads:
    """A load in which rows contradict each other comes once more, as it is."""
    first = conflicts(loads)[4]
    again = [{**row, "load_id": "d11-again"} for row in first]
    return [*loads[:4], first, again, *loads[5:]]


def last_load_cut_off(loads: DayOfLoads) -> DayOfLoads:
    """Which cannot be told before the next one has come; and something else that can."""
    return [*duplicates(loads)[:7], loads[7][:8]]


def with_an_old_row(loads: DayOfLoads) -> DayOfLoads:
    """A row that arrived days ago, in a batch of its own, is only in the table now."""
    delivery = {"loaded_at": START + 4 * DAY + 30 * MINUTE, "load_id": "forgotten", "event_id": "forgotten"}
    return [*loads, [{**loads[0][0], **delivery, "happened_at": START + 4 * DAY, "seq": None}]]


def many(loads: DayOfLoads) -> DayOfLoads:
    return [
        rows
        + [{**row, "event_id": f"{row['event_id']}-{copy}", "seq": None} for row in rows for copy in range(3)]
        for rows in loads
    ]


def nulls(loads: DayOfLoads) -> DayOfLoads:
    return _with(loads, 4, lambda n, row: {**row, "note": None if n % 5 else row["note"]})


def negative(loads: DayOfLoads) -> DayOfLoads:
    return _with(loads, 4, lambda n, row: {**row, "amount": -1 if n % 3 == 0 else row["amount"]})


def no_times(loads: DayOfLoads) -> DayOfLoads:
    return _with(loads, 4, lambda n, row: {**row, "happened_at": None if n % 3 == 0 else row["happened_at"]})


def one_customer(loads: DayOfLoads) -> DayOfLoads:
    return _with(
        loads, 4, lambda n, row: {**row, "customer": "hot" if n % 5 else row["customer"], "seq": None}
    )


def other_version(loads: DayOfLoads) -> DayOfLoads:
    return [
        [{**row, "version": "2" if load >= 4 else "1"} for row in rows] for load, rows in enumerate(loads)
    ]


def error_page(loads: DayOfLoads) -> DayOfLoads:
    page = {**dict.fromkeys(COLUMNS), "loaded_at": loads[4][0]["loaded_at"], "load_id": "d11-error"}
    return [*loads[:5], [page] * 3, *loads[5:]]


@dataclass(frozen=True)
class Failure:
    """One feed: what is done to its day, what is done to its table before the day's build, and what must be seen."""

    name: str
    kind: str | None
    loads: Callable[[DayOfLoads], DayOfLoads] = same
    sql: str = ""
    #: Further detectors that see it: a failure has consequences.
    also: frozenset[str] = frozenset()
    #: Whether it is over by itself two quiet days later.
    heals: bool = True
    #: What its incident is then, if not: reopened where something else is found of it later.
    remains: str = "open"
    stream: dict[str, Any] = field(default_factory=dict)
    #: What its rows are before that.
    before: Callable[[Row], Row] = lambda row: row


def empty_once(row: Row) -> Row:
    """The note has a value in all rows but some of one load: too few to be unusual."""
    is_empty = row["load_id"] == "d5-3" and int(row["event_id"][1:]) % 8 == 0
    return {**row, "note": None if is_empty else "x"}


OLD_LOAD = "load_id = 'd3-4'"
#: Inside the verify horizon: an older rewrite that keeps the number of rows is found by a scrub.
RECENT_LOAD = "load_id = 'd10-4'"
FAILURES = [
    Failure("clean", None),
    Failure("duplicates", "duplicate_storm", duplicates),
    Failure("last_load_cut_off", "duplicate_storm", last_load_cut_off, heals=False, remains="reopened"),
    Failure("conflicts", "conflicting_duplicates", conflicts),
    Failure("late", "late_surge", late, also=frozenset({"out_of_order_surge"})),
    Failure("out_of_order", "out_of_order_surge", out_of_order),
    Failure("clocks_ahead", "clock_skew", some_clocks_ahead, also=frozenset({"out_of_order_surge"})),
    Failure("local_time", "constant_offset", local_time),
    Failure(
        "local_time_behind", "constant_offset", local_time_behind, also=frozenset({"out_of_order_surge"})
    ),
    Failure("held_up", "freshness", held_up),
    Failure("missing_day", "missing_window", nothing, heals=False, also=frozenset({"freshness"})),
    Failure("partial_load", "partial_batch", part_of_a_load, heals=False, also=frozenset({"sequence_gap"})),
    Failure("lost_rows", "sequence_gap", lost_rows, heals=False),
    Failure(
        "few_of_each_hour",
        "sequence_gap",
        few_of_each_hour,
        heals=False,
        stream={"window": "hour", "expected_delay": {"count": 4, "period": "hour"}},
    ),
    Failure("load_again", "repeated_batch", load_again, also=frozenset({"duplicate_storm"})),
    Failure(
        "conflicts_again",
        "repeated_batch",
        conflicts_again,
        also=frozenset({"duplicate_storm", "conflicting_duplicates"}),
    ),
    Failure("many_rows", "volume_anomaly", many),
    Failure("nulls", "null_spike", nulls),
    Failure("negative", "value_out_of_range", negative),
    Failure("no_times", "unparseable_payload", no_times),
    Failure("one_customer", "hot_entity", one_customer, heals=False, also=frozenset({"sequence_gap"})),
    Failure("other_version", "schema_drift", other_version),
    Failure("error_page", "wrong_shape_load", error_page),
    Failure("added", "schema_drift", sql="alter table {table} add column extra varchar(10)"),
    Failure(
        "added_with_an_old_row",
        "schema_drift",
        with_an_old_row,
        sql="alter table {table} add column extra varchar(10)",
    ),
    Failure("dropped", "schema_drift", sql="alter table {table} drop column note"),
    Failure(
        "dropped_that_was_empty_once",
        "schema_drift",
        sql="alter table {table} drop column note",
        before=empty_once,
    ),
    Failure("renamed", "schema_drift", sql="alter table {table} rename column note to remark"),
    Failure(
        "rewritten", "history_rewritten", sql=f"update {{table}} set amount = amount * 3 where {RECENT_LOAD}"
    ),
    Failure(
        "deleted",
        "history_deleted",
        sql=f"delete from {{table}} where {OLD_LOAD}",
        heals=False,
        also=frozenset({"settled_window_restated"}),
    ),
    Failure(
        "inserted",
        "history_inserted",
        sql=(
            "insert into {table} (event_id, customer, happened_at, loaded_at, load_id, version, amount, note) "
            "select event_id || '-x', customer, happened_at, loaded_at, load_id, version, 5, 'x' from {table} "
            f"where {OLD_LOAD}"
        ),
    ),
    Failure(
        "truncated",
        "truncated_source",
        sql="delete from {table} where load_id < 'd9'",
        stream={"max_withdrawn_share": 1},  # what is held is in test_held_withdrawals.py
        heals=False,
        also=frozenset({"settled_window_restated"}),
    ),
    Failure("silenced", None, duplicates),
    Failure("switched_off", None, duplicates, stream={"detectors": {"duplicate_storm": {"enabled": False}}}),
    Failure("less_sensitive", None, duplicates, stream={"detectors": {"duplicate_storm": {"share": 0.6}}}),
]
