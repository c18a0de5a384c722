"""What is held back, by rule, with samples."""

from __future__ import annotations

from typing import Any

from dbt_forensics.report.shown import shown_row
from dbt_forensics.sql import in_list
from dbt_forensics.streams import no_such_stream
from dbt_forensics.text import iso
from dbt_forensics.warehouse import Warehouse


def held(warehouse: Warehouse, stream: str | None, samples: int) -> dict[str, Any]:
    """Returns how many rows each rule holds back, since when, and some of them: personal data masked.

    Args:
        warehouse: Where the package has been built.
        stream: Only this stream; None means all.
        samples: How many rows of each rule.

    Raises:
        ForensicsError: The stream is not declared, or nothing has been built.
    """
    streams = warehouse.streams()
    if stream is not None and stream not in streams:
        raise no_such_stream(stream, streams)
    rows = warehouse.query(
        f"""
        select * from (
            select
                events.*,
                count(*) over (partition by stream, broken_rule) as held_count,
                min(ingested_at) over (partition by stream, broken_rule) as held_since,
                row_number() over (partition by stream, broken_rule order by ingested_at desc, row_key) as place
            from {warehouse.relation("forensics__events")} as events
            where verdict = 'quarantined' and stream in {in_list([stream] if stream else streams)}
        ) as held
        where place <= {max(samples, 1)}
        order by stream, broken_rule, place
        """
    )
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        one = found.setdefault(
            (row["stream"], row["broken_rule"]),
            {
                "stream": row["stream"],
                "rule": row["broken_rule"],
                "rows": int(row["held_count"]),
                "held_since": iso(row["held_since"]),
                "samples": [],
            },
        )
        if samples:
            one["samples"].append(shown_row(row, streams[row["stream"]]))
    return {"held": list(found.values())}
