"""What of a JSON document is not as its TypedDict says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints, is_typeddict

from dbt_forensics.actions.document import Action, ActionList, Quarantine, Verification
from dbt_forensics.check.document import Check
from dbt_forensics.explain.document import Explanation
from dbt_forensics.incidents.document import IncidentList
from dbt_forensics.load.document import Loaded
from dbt_forensics.seal import document as seal
from dbt_forensics.trace.document import Trace

#: What commands print with --json, by their words.
DOCUMENTS = {
    "check": Check,
    "trace": Trace,
    "explain": Explanation,
    "load": Loaded,
    "incident list": IncidentList,
    "quarantine list": Quarantine,
    "quarantine release": Action,
    "quarantine discard": Action,
    "withdraw": Action,
    "replay plan": Action,
    "replay apply": Action,
    "replay revert": Action,
    "replay verify": Verification,
    "replay list": ActionList,
    "seal export": seal.Export,
    "seal verify": seal.Verification,
}


def type_of(arguments: Sequence[str]) -> Any:
    """The type of the document that a command prints."""
    return DOCUMENTS.get(arguments[0]) or DOCUMENTS[" ".join(arguments[:2])]


def mismatches(value: Any, declared: Any, place: str = "document") -> Iterator[str]:
    """Where a value is not of a declared type: a TypedDict, list, dict, union, or what JSON has itself.

    Args:
        value: As :func:`json.loads` gives it.
        declared: The type.
        place: What the value is.
    """
    origin, parts = get_origin(declared), get_args(declared)
    if declared in (Any, object) or origin is Mapping:
        return
    if is_typeddict(declared):
        hints = get_type_hints(declared)
        given = set(value) if isinstance(value, dict) else set()
        if wrong := (given - set(hints)) | (declared.__required_keys__ - given):
            yield f"{place}: {', '.join(sorted(wrong))} of {declared.__name__}"
        for name in sorted(given & set(hints)):
            yield from mismatches(value[name], hints[name], f"{place}.{name}")
    elif origin in (Union, UnionType):
        ways = [list(mismatches(value, part, place)) for part in parts]
        if all(ways):
            yield from min(ways, key=len)
    elif origin is list and isinstance(value, list):
        for number, item in enumerate(value):
            yield from mismatches(item, parts[0], f"{place}[{number}]")
    elif origin is dict and isinstance(value, dict):
        for name, item in value.items():
            yield from mismatches(item, parts[1], f"{place}.{name}")
    elif type(value) is not declared:
        yield f"{place}: {value!r} is no {declared}"


def declared_keys(declared: Any) -> set[str]:
    """The keys of a TypedDict, and of those in it."""
    found: set[str] = set()
    if is_typeddict(declared):
        for name, inner in get_type_hints(declared).items():
            found |= {name} | declared_keys(inner)
    for part in get_args(declared):
        found |= declared_keys(part)
    return found
