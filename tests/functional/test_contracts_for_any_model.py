"""The contracts for any model fail with exactly the rows that break them, and pass on what keeps them."""

from __future__ import annotations

from pathlib import Path

from harness.engines import Engine
from harness.project import Consumer

COLUMNS = {
    "event_id": "varchar(20)",
    "customer": "varchar(20)",
    "happened_at": "timestamp",
    "loaded_at": "timestamp",
    "load_id": "varchar(20)",
    "seq": "integer",
    "amount": "numeric(18, 2)",
}
#: event, customer, happened, loaded, load, number, amount. The 7th has no row; the row of the 8th comes late.
ROWS = [
    ("e1", "a", "05 09:00", "05 10:00", "b1", 1, "10"),
    ("e2", "a", "05 10:00", "05 11:00", "b1", 2, None),
    ("e3", "b", "06 09:00", "06 10:00", "b2", 1, "5"),
    ("e4", "a", "06 09:30", "06 10:00", "b2", 5, None),
    ("e5", "b", "08 09:00", "09 20:00", "b3", 2, None),
    ("e6", "b", "09 09:00", "09 20:00", "b3", 4, "1"),
]
TESTS = {
    # name: (contract, column, arguments, failures)
    "days": ("has_no_missing_windows", None, {"event_time": "happened_at"}, 1),
    "days_to_the_eleventh": (
        "has_no_missing_windows",
        None,
        {"event_time": "happened_at", "to_time": "cast('2026-01-11 12:00:00' as timestamp)"},
        3,
    ),
    "hours": ("has_no_missing_windows", None, {"event_time": "happened_at", "grain": "hour"}, 92),
    "days_that_are_there": (
        "has_no_missing_windows",
        None,
        {"event_time": "happened_at", "from_time": "cast('2026-01-08' as timestamp)"},
        0,
    ),
    "by_noon": (
        "arrives_by",
        None,
        {"event_time": "happened_at", "ingested_at": "loaded_at", "count": 12, "period": "hour"},
        2,
    ),
    "by_the_day_after": (
        "arrives_by",
        None,
        {"event_time": "happened_at", "ingested_at": "loaded_at", "count": 1, "period": "day"},
        1,
    ),
    "loads_of_two": ("row_count_within", None, {"min_rows": 2, "max_rows": 2, "per": "load_id"}, 0),
    "customers_of_four": ("row_count_within", None, {"min_rows": 4, "per": "customer"}, 2),
    "at_most_five": ("row_count_within", None, {"max_rows": 5}, 1),
    "amounts": ("null_share_below", "amount", {"share": 0.5}, 1),
    "amounts_of_loads": ("null_share_below", "amount", {"share": 0.6, "per": "load_id"}, 0),
    "amounts_of_customers": ("null_share_below", "amount", {"share": 0.5, "per": ["customer"]}, 1),
    "amounts_of_many": ("null_share_below", "amount", {"share": 0.1, "min_rows": 7}, 0),
    "numbers": ("sequence_is_contiguous", "seq", {}, 1),
    "numbers_of_customers": ("sequence_is_contiguous", "seq", {"per": "customer"}, 2),
    "columns": (
        "schema_is_as_declared",
        None,
        {"columns": {"event_id": "text", "amount": "number", "happened_at": "time"}, "allow_more": True},
        0,
    ),
    "other_columns": (
        "schema_is_as_declared",
        None,
        {"columns": {**dict.fromkeys(COLUMNS, "any"), "seq": "text", "vat": "number"}},
        2,
    ),
    "undeclared_columns": ("schema_is_as_declared", None, {"columns": {"event_id": "text"}}, 6),
}


def contracts_yml() -> str:
    import yaml

    of_table, of_columns = [], {}
    for name, (contract, column, arguments, _) in TESTS.items():
        test = {f"dbt_forensics.{contract}": {"name": name, "arguments": arguments}}
        if column:
            of_columns.setdefault(column, []).append(test)
        else:
            of_table.append(test)
    columns = [{"name": column, "data_tests": tests} for column, tests in of_columns.items()]
    table = {"name": "events", "data_tests": of_table, "columns": columns}
    return yaml.safe_dump({"sources": [{"name": "raw", "schema": "raw", "tables": [table]}]})


def test_each_contract_returns_the_rows_that_break_it(engine: Engine, tmp_path: Path) -> None:
    consumer = Consumer(engine, tmp_path, models={"contracts.yml": contracts_yml()})
    consumer.create_table("events", COLUMNS)
    consumer.insert(
        "events",
        [
            {
                **dict(zip(COLUMNS, row, strict=True)),
                "happened_at": f"2026-01-{row[2]}:00",
                "loaded_at": f"2026-01-{row[3]}:00",
            }
            for row in ROWS
        ],
    )
    run = consumer.dbt(["test", "--select", "source:raw"], expect="failure")
    found = {result.node.name: result.failures for result in run.result.results}
    assert found == {name: failures for name, (_, _, _, failures) in TESTS.items()}
