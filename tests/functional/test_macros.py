"""The public macros, used from a consumer's own models, without any stream declared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from harness.engines import Engine
from harness.project import Consumer

Engines = Callable[[], AbstractContextManager[Engine]]

COLUMNS = {
    "id": "integer",
    "Text of it": "varchar",
    "amount": "numeric(18, 2)",
    "ratio": "double precision",
    "small": "real",
    "big": "bigint",
    "is_open": "boolean",
    "day": "date",
    "at": "timestamp",
    "instant": "timestamp with time zone",
    "it's é": "varchar",
}
# A row, and the canonical text of each of its values; None where it is NULL.
ROWS: list[tuple[dict[str, Any], dict[str, str]]] = [
    (
        {
            "id": 1,
            "Text of it": "plain",
            "amount": "1.50",
            "ratio": 0.1,
            "small": 0.1,
            "big": 2**40,
            "is_open": True,
            "day": "2026-01-05",
            "at": "2026-01-05 09:10:00",
            "instant": "2026-01-05 09:10:00+05:45",
        },
        {
            "id": "1",
            "Text of it": "plain",
            "amount": "1.5",
            "ratio": "0.1",
            "small": "0.1",
            "big": "1099511627776",
            "is_open": "true",
            "day": "2026-01-05",
            "at": "2026-01-05T09:10:00",
            "instant": "2026-01-05T03:25:00",
        },
    ),
    ({"id": 2}, {"id": "2"}),
    ({"id": 3, "Text of it": ""}, {"id": "3", "Text of it": ""}),
    (
        {
            "id": 4,
            "Text of it": "'); drop table x; -- {{ 1 / 0 }} \\ \" \n \x1f \u05e9 \U0001f600",
            "it's é": "é",
        },
        {
            "id": "4",
            "Text of it": "'); drop table x; -- {{ 1 / 0 }} \\ \" \n \x1f \u05e9 \U0001f600",
            "it's é": "é",
        },
    ),
    (
        {"id": 5, "amount": "-0.00", "ratio": 1e22, "small": 1.2e-07, "at": "2026-01-05 09:10:00.120000"},
        {
            "id": "5",
            "amount": "0",
            "ratio": "10000000000000000000000",
            "small": "0.00000012",
            "at": "2026-01-05T09:10:00.12",
        },
    ),
    (
        {"id": 6, "ratio": float("nan"), "small": float("-inf")},
        {"id": "6", "ratio": "NaN", "small": "-Infinity"},
    ),
    ({"id": 7, "Text of it": "plain "}, {"id": "7", "Text of it": "plain "}),
]


def digest_of(fields: dict[str, str]) -> str:
    """What docs/digest.md says of a row's digest, said once more in Python."""
    names = sorted(fields, key=lambda name: name.encode())
    text = json.dumps({name: fields[name] for name in names}, ensure_ascii=False, separators=(",", ":"))
    return hashlib.md5(text.encode()).hexdigest()


def set_digest_of(digests: list[str]) -> str:
    sums = [sum(int(digest[start : start + 15], 16) for digest in digests) % 2**60 for start in (0, 16)]
    return "-".join(str(number) for number in (len(digests), *sums))


SOURCE = "source('raw', 'things')"
REPEATED = "source('raw', 'repeated')"
MODELS = {
    "digests.sql": f"select id, {{{{ dbt_forensics.row_digest({SOURCE}) }}}} as digest from {{{{ {SOURCE} }}}}",
    "digests_of_some.sql": "select id, {{ dbt_forensics.row_digest("
    f"{SOURCE}, columns=['Text of it', 'id']) }}}} as digest from {{{{ {SOURCE} }}}}",
    "sets.sql": "select {{ dbt_forensics.set_digest('digest') }} as every, "
    "{{ dbt_forensics.set_digest('case when id <> 3 then digest end') }} as without_one, "
    "{{ dbt_forensics.set_digest(\"case when id = 1 then digest end\") }} as only_one from {{ ref('digests') }}",
    "no_set.sql": "select {{ dbt_forensics.set_digest('digest') }} as every from {{ ref('digests') }} where id < 0",
    "winners.sql": f"{{{{ dbt_forensics.deduplicate({REPEATED}, 'Key', 'seen_at desc nulls last') }}}}".replace(
        "'Key'", "'\"Key\"'"
    ),
    "losers.sql": f"{{{{ dbt_forensics.deduplicate({REPEATED}, ['\"Key\"'], ['seen_at desc nulls last', 'n ASC'], "
    "output='losers') }}",
    "by_expression.sql": "with source_rows as (select * from {{ source('raw', 'repeated') }} where n > 0) "
    "select n, dedup_rank, dedup_winner, dedup_reason from ("
    "{{ dbt_forensics.deduplicate('source_rows', ['lower(\"Key\")'], 'n', output='all', content='seen_at', "
    "winner='n * 10') }}"
    ") as t",
    "late.sql": f"{{{{ dbt_forensics.late_rows({REPEATED}, 'seen_at', \"\\\"loaded 'at'\\\"\") }}}}",
    "late_by_hour.sql": f"{{{{ dbt_forensics.late_rows({REPEATED}, event_time='seen_at', "
    "ingested_at='cast(\"loaded \\'at\\'\" as timestamp)', window='hour', "
    "expected_delay={'count': 0, 'period': 'minute'}, allowed_lateness={'count': 1, 'period': 'minute'}) }}",
}
MISUSES = {
    "deduplicate_output": (
        f"dbt_forensics.deduplicate({REPEATED}, 'n', 'n', output='first')",
        "deduplicate, key 'output': found first; allowed: one of winners, losers, all.",
    ),
    "deduplicate_no_keys": (
        f"dbt_forensics.deduplicate({REPEATED}, [], 'n')",
        "deduplicate, key 'partition_by and order_by': found nothing; allowed: at least one column or expression each.",
    ),
    "deduplicate_no_order": (
        f"dbt_forensics.deduplicate({REPEATED}, 'n', [])",
        "at least one column or expression each.",
    ),
    "late_rows_window": (
        f"dbt_forensics.late_rows({REPEATED}, 'seen_at', 'at', window='week')",
        "late_rows, key 'window': found week; allowed: one of hour, day.",
    ),
    "late_rows_delay": (
        f"dbt_forensics.late_rows({REPEATED}, 'seen_at', 'at', expected_delay='1 hour')",
        "late_rows, key 'expected_delay': found 1 hour; allowed: a mapping such as {count: 3, period: day}",
    ),
    "late_rows_lateness": (
        f"dbt_forensics.late_rows({REPEATED}, 'seen_at', 'at', allowed_lateness={{'count': -1, 'period': 'day'}})",
        "late_rows, key 'allowed_lateness': found {'count': -1, 'period': 'day'}; allowed: ",
    ),
    "late_rows_names": (
        "dbt_forensics.late_rows(source('raw', 'taken'), 'seen_at', 'seen_at')",
        "late_rows, key 'relation': found ",
    ),
    "deduplicate_names": (
        "dbt_forensics.deduplicate(source('raw', 'taken'), 'timeliness', 'seen_at')",
        "deduplicate, key 'relation': found ",
    ),
    "row_digest_columns": (
        f"dbt_forensics.row_digest({SOURCE}, columns=['id', 'nowhere'])",
        "row_digest, key 'columns': found nowhere, which ",
    ),
}


@pytest.fixture(scope="module")
def consumer(new_engine: Engines, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consumer]:
    """A consumer that has built all models, and macros that use the package's ones wrongly."""
    with new_engine() as engine:
        misuses = "".join(
            f"{{% macro {name}() %}}{{{{ {call} }}}}{{% endmacro %}}\n" for name, (call, _) in MISUSES.items()
        )
        made = Consumer(
            engine,
            tmp_path_factory.mktemp("macros"),
            sources={"raw": ["things", "repeated", "taken"]},
            models=MODELS,
            files={"macros/misuses.sql": misuses},
        )
        made.create_table("things", COLUMNS)
        made.create_table("taken", {"timeliness": "varchar", "dedup_rank": "integer", "seen_at": "timestamp"})
        made.insert("things", [row for row, _ in ROWS])
        made.create_table(
            "repeated", {"n": "integer", "Key": "varchar", "seen_at": "timestamp", "loaded 'at'": "timestamp"}
        )
        made.insert(
            "repeated",
            [
                {"n": 1, "Key": "a", "seen_at": "2026-01-05 09:00:00", "loaded 'at'": "2026-01-06 00:59:59"},
                {"n": 2, "Key": "a", "seen_at": "2026-01-05 10:00:00", "loaded 'at'": "2026-01-06 01:00:00"},
                {"n": 3, "Key": "A", "seen_at": None, "loaded 'at'": "2026-01-06 01:00:00"},
                {"n": 4, "Key": None, "seen_at": "2026-01-05 11:00:00", "loaded 'at'": "2026-01-09 00:59:59"},
                {"n": 5, "Key": None, "seen_at": "2026-01-05 11:00:01", "loaded 'at'": "2026-01-09 01:00:00"},
                {
                    "n": 6,
                    "Key": "b'c",
                    "seen_at": "2026-01-05 12:00:00",
                    "loaded 'at'": "2026-01-05 13:00:59",
                },
                {"n": 7, "Key": "b'c", "seen_at": "2026-01-05 12:00:00", "loaded 'at'": None},
            ],
        )
        made.dbt(["run", "--select", "package:consumer"])
        yield made


def rows(consumer: Consumer, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in consumer.query(sql)]


def test_a_row_digest_is_the_md5_of_the_canonical_json(consumer: Consumer) -> None:
    expected = [(row["id"], digest_of(texts)) for row, texts in ROWS]
    assert rows(consumer, "select id, digest from analytics.digests order by id") == expected


def test_a_row_digest_of_some_columns_is_of_these_alone(consumer: Consumer) -> None:
    expected = [
        (row["id"], digest_of({name: texts[name] for name in ("id", "Text of it") if name in texts}))
        for row, texts in ROWS
    ]
    assert rows(consumer, "select id, digest from analytics.digests_of_some order by id") == expected


def test_a_set_digest_is_of_the_rows_whatever_their_order(consumer: Consumer) -> None:
    digests = [digest_of(texts) for _, texts in ROWS]
    expected = [
        set_digest_of(digests),
        set_digest_of([digest for digest, (row, _) in zip(digests, ROWS, strict=True) if row["id"] != 3]),
        set_digest_of(digests[:1]),
    ]
    assert rows(consumer, "select every, without_one, only_one from analytics.sets") == [tuple(expected)]
    assert rows(consumer, "select every from analytics.no_set") == [("0-0-0",)]


def test_winners_have_the_relations_own_columns(consumer: Consumer) -> None:
    (first, *_) = consumer.query("select * from analytics.winners")
    assert list(first) == ["n", "Key", "seen_at", "loaded 'at'"]
    # Of the two that tie either may win: no more than the order says is promised.
    found = [n for (n,) in rows(consumer, "select n from analytics.winners order by n")]
    # 4 and 5 have no key and say different things: neither is lost.
    assert found in ([2, 3, 4, 5, 6], [2, 3, 4, 5, 7])


def test_losers_name_their_winner_by_what_orders_them(consumer: Consumer) -> None:
    found = rows(
        consumer, "select n, dedup_rank, dedup_winner, dedup_reason from analytics.losers order by n"
    )
    assert [(n, rank, json.loads(winner)["n"], reason) for n, rank, winner, reason in found] == [
        (1, 2, "2", "repeated"),
        (7, 2, "6", "repeated"),
    ]
    assert {tuple(json.loads(winner)) for _, _, winner, _ in found} == {("n", "seen_at")}


def test_keys_and_winners_may_be_expressions(consumer: Consumer) -> None:
    found = rows(
        consumer, "select n, dedup_rank, dedup_winner, dedup_reason from analytics.by_expression order by n"
    )
    assert found == [
        (1, 1, "10", "winner"),
        (2, 2, "10", "conflict"),
        (3, 3, "10", "conflict"),
        (4, 1, "40", "winner"),
        (5, 1, "50", "winner"),
        (6, 1, "60", "winner"),
        (7, 2, "60", "duplicate"),
    ]


def test_late_rows_are_those_after_their_deadline(consumer: Consumer) -> None:
    columns = (
        "n, timeliness, cast(window_start as varchar) as start, cast(lateness_seconds as varchar) as seconds"
    )
    assert rows(consumer, f"select {columns} from analytics.late order by n") == [
        (2, "late", "2026-01-05 00:00:00", "54000.000000000"),
        (4, "late", "2026-01-05 00:00:00", "309599.000000000"),
        (5, "too_late", "2026-01-05 00:00:00", "309599.000000000"),
    ]
    assert rows(consumer, f"select {columns} from analytics.late_by_hour order by n") == [
        (1, "too_late", "2026-01-05 09:00:00", "57599.000000000"),
        (2, "too_late", "2026-01-05 10:00:00", "54000.000000000"),
        (4, "too_late", "2026-01-05 11:00:00", "309599.000000000"),
        (5, "too_late", "2026-01-05 11:00:00", "309599.000000000"),
        (6, "late", "2026-01-05 12:00:00", "3659.000000000"),
    ]


def test_misuse_is_refused_in_words(consumer: Consumer) -> None:
    parsed = consumer.dbt(["parse"]).result
    refusals = {}
    for name in MISUSES:
        run = consumer.dbt(["run-operation", name], expect="failure", manifest=parsed.deepcopy())
        refusals[name] = " ".join(run.log.split())
    assert {name: message for name, (_, message) in MISUSES.items() if message not in refusals[name]} == {}, (
        refusals
    )


STREAMS = {
    "orders": {
        "relation": "source.raw.orders",
        "event_id": "id",
        "event_time": "at",
        "ingested_at": "loaded_at",
        "batch_id": "batch",
        "on_conflict": "first_wins",
        "metrics": {"amount": {"agg": "sum", "expr": "amount"}},
    }
}


def test_the_chain_head_is_printed_once_there_is_one(engine: Engine, tmp_path: Any) -> None:
    consumer = Consumer(engine, tmp_path, streams=STREAMS, sources={"raw": ["orders"]})
    consumer.create_table(
        "orders",
        {
            "id": "varchar",
            "at": "timestamp",
            "loaded_at": "timestamp",
            "batch": "varchar",
            "amount": "integer",
        },
    )
    row = {
        "id": "e1",
        "at": "2026-01-05 09:00:00",
        "loaded_at": "2026-01-05 10:00:00",
        "batch": "b",
        "amount": 1,
    }
    consumer.insert("orders", [row])
    assert "nothing is sealed yet" in consumer.dbt(["run-operation", "print_chain_head"]).log
    heads = []
    for hour, amount in ((12, 2), (13, 3)):
        consumer.build(as_of=f"2026-01-05 {hour}:00:00")
        (line,) = [
            line
            for line in consumer.dbt(["run-operation", "print_chain_head"]).log.splitlines()
            if line.startswith("orders ")
        ]
        (name, recorded_at, head) = line.split()
        assert (name, recorded_at) == ("orders", f"2026-01-05T{hour}:00:00.000000Z")
        heads.append(head)
        consumer.insert("orders", [{**row, "batch": "B", "amount": amount}])
    seals = consumer.query(
        "select seal, previous_seal from analytics.forensics__batch_history order by recorded_at"
    )
    assert [seals[0]["previous_seal"], seals[1]["previous_seal"]] == [
        hashlib.md5(b"orders").hexdigest(),
        heads[0],
    ]
    assert heads == [hashlib.md5(set_digest_of([seal["seal"]]).encode()).hexdigest() for seal in seals]
