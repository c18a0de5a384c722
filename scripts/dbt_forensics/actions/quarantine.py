"""What is held back, by rule, with samples."""

from __future__ import annotations

from dbt_forensics.actions.document import HeldRows, Quarantine
from dbt_forensics.actions.log import given_up
from dbt_forensics.document.masking import shown_row
from dbt_forensics.sql import in_list
from dbt_forensics.streams import no_such_stream
from dbt_forensics.text import iso
from dbt_forensics.warehouse import Warehouse


def in_quarantine(
    warehouse: Warehouse, stream: str | None, samples: int, *, with_discarded: bool = False
) -> Quarantine:
    """Returns how many rows each rule holds back, since when, and some of them: personal data masked.

    Args:
        warehouse: Where the package has been built.
        stream: Only this stream; None means all.
        samples: How many rows of each rule.
        with_discarded: What was discarded too.

    Raises:
        ForensicsError: The stream is not declared, or nothing has been built.
    """
    streams = warehouse.streams()
    if stream is not None and stream not in streams:
        raise no_such_stream(stream, streams)
    discarded = given_up(
        warehouse.relation("int_forensics__action_rows"), warehouse.relation("forensics__actions")
    )
    rows = warehouse.query(
        f"""
        with discarded as ({discarded})
        select * from (
            select
                events.*,
                count(discarded_key) over (partition by stream, broken_rule) as discarded_count,
                count(*) over (partition by stream, broken_rule) as held_count,
                min(ingested_at) over (partition by stream, broken_rule) as held_since,
                row_number() over (partition by stream, broken_rule order by ingested_at desc, row_key) as place
            from (
                select events.*, discarded.row_key as discarded_key
                from {warehouse.relation("forensics__verdicts")} as events
                left join (select distinct row_key from discarded) as discarded on events.row_key = discarded.row_key
            ) as events
            where
                verdict = 'quarantined' and stream in {in_list([stream] if stream else streams)}
                and {"1 = 1" if with_discarded else "discarded_key is null"}
        ) as held
        where place <= {max(samples, 1)}
        order by stream, broken_rule, place
        """
    )
    found: dict[tuple[str, str], HeldRows] = {}
    for row in rows:
        one = found.setdefault(
            (row["stream"], row["broken_rule"]),
            {
                "stream": row["stream"],
                "rule": row["broken_rule"],
                "rows": int(row["held_count"]),
                "discarded": int(row["discarded_count"]),
                "held_since": iso(row["held_since"]),
                "samples": [],
            },
        )
        if samples:
            one["samples"].append(shown_row(row, streams[row["stream"]]))
    return {"held": list(found.values())}
