"""Reading incidents, and recording that somebody took one on, contained it, or dismissed it as expected."""

from __future__ import annotations

from dbt_forensics.actions import log
from dbt_forensics.document.masking import shortened
from dbt_forensics.errors import ForensicsError
from dbt_forensics.incidents.document import Incident
from dbt_forensics.sql import in_list, literal
from dbt_forensics.streams import no_such_stream
from dbt_forensics.text import iso
from dbt_forensics.warehouse import Row, Warehouse
from dbt_forensics.writing import WritingWarehouse

#: The kind of such acts in the log of actions; their ``action_id`` is the incident's id.
KIND = "incident"
ACTS = ("acknowledged", "mitigated", "dismissed")


def listed(warehouse: Warehouse, stream: str | None, *, with_resolved: bool = False) -> list[Incident]:
    """Returns the incidents, the severe ones first.

    Args:
        warehouse: Where the package has been built.
        stream: Only of this stream; None means all.
        with_resolved: Those that are over too.

    Raises:
        ForensicsError: The stream is not declared, or nothing has been built.
    """
    streams = warehouse.streams()
    if stream is not None and stream not in streams:
        raise no_such_stream(stream, streams)
    rows = warehouse.query(
        f"""
        select * from {warehouse.relation("forensics__incidents")}
        where
            stream in {in_list([stream] if stream else streams)}
            and {"1 = 1" if with_resolved else "resolved_at is null"}
        order by
            case severity when 'critical' then 1 when 'high' then 2 when 'medium' then 3 else 4 end,
            opened_at, incident_id
        """
    )
    return [shown(row) for row in rows]


def shown(row: Row) -> Incident:
    """Returns an incident as the command prints it."""
    return {
        "incident_id": row["incident_id"],
        "stream": row["stream"],
        "kind": row["kind"],
        "name": row["name"],
        "severity": row["severity"],
        "status": row["status"],
        "owner": shortened(row["owner"]),
        "window_start": iso(row["window_start"]),
        "window_end": iso(row["window_end"]),
        "opened_at": iso(row["opened_at"]),
        "resolved_at": iso(row["resolved_at"]),
    }


def is_open(incident: Incident) -> bool:
    """Returns whether an incident, as the command prints it, is not over."""
    return incident["resolved_at"] is None


def record_act(warehouse: WritingWarehouse, act: str, incident_id: str, owner: str, reason: str) -> Incident:
    """Records that somebody took an incident on, contained or dismissed it; returns the incident as it is then.

    Args:
        warehouse: Where to act.
        act: One of ACTS.
        incident_id: Its id, or the beginning of it, if no other incident's begins so.
        owner: Who did it.
        reason: What was done, or why.

    Raises:
        ForensicsError: There is no such incident, or more than one; or it is over (1): what is resolved may be
            dismissed all the same.
    """
    incidents = warehouse.relation("forensics__incidents")
    found = warehouse.query(
        f"select * from {incidents} where substr(incident_id, 1, {len(incident_id)}) = {literal(incident_id)}"
    )
    if len(found) != 1:
        many = "no incident" if not found else f"{len(found)} incidents"
        raise ForensicsError(
            f"There is {many} whose id begins with '{incident_id}': dbt-forensics incident list shows them."
        )
    (incident,) = found
    if incident["status"] == "dismissed" or (incident["resolved_at"] is not None and act != "dismissed"):
        raise ForensicsError(
            f"Incident {incident['incident_id']} is {incident['status']} already.", exit_code=1
        )
    book = log.open_book(warehouse)
    with warehouse.transaction():
        log.record(
            book,
            log.Act(
                *(incident["incident_id"], act, KIND, incident["stream"]),
                *(owner, reason, warehouse.target),
                selection=_span(incident) if act == "dismissed" else None,
            ),
        )
    (after,) = warehouse.query(
        f"select * from {incidents} where incident_id = {literal(incident['incident_id'])}"
    )
    return shown(after)


def _span(incident: Row) -> str:
    """Returns from when to when an incident's windows are, as ``int_forensics__dismissed_spans`` reads it."""
    return f"{incident['window_start']:%Y-%m-%d %H:%M:%S} {incident['window_end']:%Y-%m-%d %H:%M:%S}"
