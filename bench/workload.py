"""What is measured: a raw table of order events, and the dbt projects that are run on it.

Rows arrive at equal density: 100,000 a day in hourly loads, so that ten million rows are more days than one
million, not denser ones. 1 % of the rows are retries of an earlier row in a later load, 0.1 % are
corrections (same event, other amount), and one event in ten is more than half an hour late, up to five days.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

ROWS_PER_DAY = 100_000
# So long ago that a thousand days and more are past: what arrives after the clock is all verified.
START = "2023-01-01"

COLUMNS = {
    "event_id": "varchar",
    "customer_id": "integer",
    "event_type": "varchar",
    "occurred_at": "timestamp",
    "_loaded_at": "timestamp",
    "_load_id": "varchar",
    "seq": "bigint",
    "amount": "numeric(18, 2)",
    "currency": "varchar",
    "status": "varchar",
    "sku": "varchar",
    "note": "varchar",
}

STREAM = {
    "relation": "source.shop.order_events",
    "event_id": "event_id",
    "entity_id": "customer_id",
    "event_type": "event_type",
    "event_time": "occurred_at",
    "ingested_at": "_loaded_at",
    "batch_id": "_load_id",
    "sequence_number": "seq",
    "rules": {"amount_is_not_negative": "amount >= 0"},
    "metrics": {
        "revenue": {"agg": "sum", "expr": "amount", "where": "status = 'paid'", "dimensions": ["currency"]},
        "orders": {"agg": "count"},
    },
}

SOURCES = {"sources": [{"name": "shop", "schema": "raw", "tables": [{"name": "order_events"}]}]}

SNAPSHOT = """{% snapshot order_events_snapshot %}
{{ config(strategy='check', unique_key=['event_id', '_load_id'], check_cols='all') }}
select * from {{ source('shop', 'order_events') }}
{% endsnapshot %}
"""

DEDUP = """{{ config(materialized='table') }}
with ranked as (
    select *, row_number() over (partition by event_id order by _loaded_at, _load_id) as place
    from {{ source('shop', 'order_events') }}
)
select * from ranked where place = 1
"""

APPEND = """{{ config(materialized='incremental', incremental_strategy='append') }}
select * from {{ source('shop', 'order_events') }}
{% if is_incremental() %}
where _loaded_at > (select max(_loaded_at) from {{ this }})
{% endif %}
"""


def rows_sql(first: int, last: int) -> str:
    """DuckDB SQL: the rows from number `first` to before `last`, in the order in which they arrived."""
    return f"""
        with arrivals as (
            select
                i as seq,
                case
                    when i % 100 = 99 and i >= 30003 then i - if((i // 100) % 2 = 0, 5003, 30003)
                    when i % 1000 = 500 and i >= 70003 then i - 70003
                    else i
                end as event,
                i % 1000 = 500 and i >= 70003 as is_correction
            from range({first}, {last}) as numbers(i)
        ),
        events as (
            select
                *,
                case
                    when hash(event * 5) % 1000 < 900 then hash(event * 19) % 1800
                    when hash(event * 5) % 1000 < 990 then hash(event * 19) % 28800
                    else hash(event * 19) % 432000
                end::bigint as seconds_late
            from arrivals
        )
        select
            md5(event::varchar) as event_id,
            (hash(event) % 200000)::integer as customer_id,
            (['placed', 'paid', 'shipped', 'cancelled'])[(1 + hash(event * 7) % 4)::bigint] as event_type,
            timestamp '{START}'
            + to_milliseconds(event * {86_400_000 // ROWS_PER_DAY} - seconds_late * 1000) as occurred_at,
            timestamp '{START}' + to_hours(seq * 24 // {ROWS_PER_DAY} + 1) as _loaded_at,
            'load_' || lpad((seq * 24 // {ROWS_PER_DAY})::varchar, 6, '0') as _load_id,
            seq,
            (((hash(event * 3) % 100100)::bigint - 100) / 100 + is_correction::integer)::decimal(18, 2) as amount,
            (['EUR', 'USD', 'GBP'])[(1 + hash(event * 11) % 3)::bigint] as currency,
            (['paid', 'open'])[(1 + hash(event * 13) % 2)::bigint] as status,
            'sku-' || (hash(event * 17) % 50000) as sku,
            if(hash(event * 23) % 10 = 0, 'left at door ' || (hash(event * 29) % 1000), null) as note
        from events
        order by seq
    """


def write_project(
    folder: Path, profile: Mapping[str, object], files: Mapping[str, str], **keys: object
) -> Path:
    """A dbt project in `folder`, its YAML as JSON; `keys` are further ones of its dbt_project.yml."""
    project = {"name": folder.name, "version": "1.0.0", "profile": "bench", **keys}
    profiles = {"bench": {"target": "bench", "outputs": {"bench": dict(profile)}}}
    texts = {
        "dbt_project.yml": json.dumps(project),
        "profiles.yml": json.dumps(profiles),
        "models/sources.yml": json.dumps(SOURCES),
        **files,
    }
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def write_projects(
    folder: Path, package: Path, profile: Mapping[str, object], keys: Mapping[str, object]
) -> dict[str, Path]:
    """The projects that need nothing to be known of a build: see `write_trivial` for the last one. keys: of the
    package's dbt_project.yml, what the engine needs there."""
    return {
        "package": write_project(
            folder / "package",
            profile,
            {"packages.yml": json.dumps({"packages": [{"local": str(package)}]})},
            vars={"forensics_streams": {"orders": STREAM}},
            **keys,
        ),
        "snapshot": write_project(folder / "snapshot", profile, {"snapshots/order_events.sql": SNAPSHOT}),
        "append": write_project(folder / "append", profile, {"models/order_events_appended.sql": APPEND}),
        "dedup": write_project(folder / "dedup", profile, {"models/order_events_deduplicated.sql": DEDUP}),
        "start": write_project(folder / "start", profile, {"models/one.sql": "select 1 as id\n"}),
    }


#: dbt's materialization for each of the package's own.
DBTS_OWN = {"append_only": "incremental", "replaced_view": "view"}


def write_trivial(folder: Path, profile: Mapping[str, object], built: Path) -> Path:
    """A project with as many nodes of each kind as `built`, a project that was built, each a `select 1`."""
    nodes = json.loads((built / "target" / "manifest.json").read_text())["nodes"]
    results = json.loads((built / "target" / "run_results.json").read_text())["results"]
    kinds: Counter[tuple[str, str]] = Counter()
    for result in results:
        node = nodes[result["unique_id"]]
        materialized = node["config"]["materialized"]
        kinds[node["resource_type"], DBTS_OWN.get(materialized, materialized)] += 1
    files = {}
    for (resource, materialized), count in kinds.items():
        for number in range(count):
            name = f"trivial_{materialized}_{number}"
            if resource == "snapshot":
                files[f"snapshots/{name}.sql"] = (
                    f"{{% snapshot {name} %}}\n{{{{ config(strategy='check', unique_key='id', check_cols=['id']) }}}}\n"
                    "select 1 as id\n{% endsnapshot %}\n"
                )
            elif resource == "test":
                files[f"tests/{name}.sql"] = "select 1 as id where 1 = 0\n"
            elif resource == "seed":
                files[f"seeds/{name}.csv"] = "id\n1\n"
            else:
                strategy = ", incremental_strategy='append'" if materialized == "incremental" else ""
                files[f"models/{name}.sql"] = (
                    f"{{{{ config(materialized='{materialized}'{strategy}) }}}}\nselect 1 as id\n"
                )
    return write_project(folder / "trivial", profile, files)
