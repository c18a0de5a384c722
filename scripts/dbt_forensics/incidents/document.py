"""The JSON document of `dbt-forensics incident list`."""

from typing import TypedDict


class Incident(TypedDict):
    """An incident, in one line."""

    incident_id: str
    stream: str
    kind: str
    name: str
    severity: str
    status: str
    owner: str | None
    window_start: str
    window_end: str
    opened_at: str
    resolved_at: str | None


class IncidentList(TypedDict):
    """Incidents, the severe ones first."""

    incidents: list[Incident]
