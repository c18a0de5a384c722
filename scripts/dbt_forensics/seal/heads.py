"""What stands for all that is sealed: exported as one line of JSON, and verified against what is on record."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from dbt_forensics.errors import ForensicsError
from dbt_forensics.seal.document import BrokenChain, Export, Head, Verification
from dbt_forensics.sql import literal
from dbt_forensics.text import count, iso, visible
from dbt_forensics.warehouse import Row, Warehouse

_FORMAT = 1
_KEYS = ("chain", "name", "recorded_at", "head")
_WHAT = {"seals": "The chain of", "table": "The table", "stream": "The chain of batches of stream"}


@dataclass(frozen=True)
class Chains:
    """How to ask a warehouse for its heads.

    Attributes:
        query: Returns the rows of a query.
        heads: A select of every head that the chains ever had.
        contents: Returns a select of what was sealed of each table up to a time, given as SQL.
    """

    query: Callable[[str], list[Row]]
    heads: str
    contents: Callable[[str], str]


def chains_of(warehouse: Warehouse) -> Chains:
    """Returns how to ask a warehouse for its heads.

    Raises:
        ForensicsError: Nothing has been built.
    """
    seals, batches = warehouse.relation("forensics__seals"), warehouse.relation("forensics__batch_history")
    return Chains(
        warehouse.query,
        warehouse.macro("seal_heads", seals=seals, batches=batches),
        lambda as_of: str(warehouse.macro("sealed_contents", seals=seals, as_of=as_of)),
    )


def export(chains: Chains, project: str, target: str) -> Export:
    """Returns the heads of all chains, to be kept where nobody who can write the warehouse can change them.

    Args:
        chains: How to ask for them.
        project: Name of the root project.
        target: Name of the target.

    Raises:
        ForensicsError: Nothing is sealed.
    """
    latest: dict[tuple[str, str], Row] = {}
    for row in chains.query(chains.heads):
        known = latest.setdefault((row["chain"], row["name"]), row)
        if row["recorded_at"] > known["recorded_at"]:
            latest[row["chain"], row["name"]] = row
    head = latest.get(("seals", "forensics__seals"))
    if head is None:
        raise ForensicsError(f"Nothing is sealed in target '{target}': run dbt build first.")
    found = [*latest.values(), *_contents(chains, head["recorded_at"])]
    return {
        "dbt_forensics_seals": _FORMAT,
        "project": project,
        "target": target,
        "recorded_at": iso(head["recorded_at"]),
        "heads": [
            Head(chain=row["chain"], name=row["name"], recorded_at=iso(row["recorded_at"]), head=row["head"])
            for row in sorted(found, key=lambda row: (row["chain"], row["name"]))
        ],
    }


def render_export(document: Export) -> str:
    """Returns an export as one line of ASCII: no character of a name ends a line or is an order to a terminal."""
    return json.dumps(document)


def exported(text: str, name: str) -> list[Export]:
    """Returns what a file has: one export a line, as `seal export` wrote them.

    Args:
        text: The file's content.
        name: Its name, for errors.

    Raises:
        ForensicsError: A line is something else, or there is none.
    """
    exports = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            exports.append(_export(line, f"{name}, line {number}"))
    if not exports:
        raise ForensicsError(f"{name} is empty: dbt-forensics seal export --file {name} writes a line to it.")
    return exports


def verify(chains: Chains, exports: Sequence[Export], target: str) -> Verification:
    """Returns which chains, tables and streams are not as they were when they were exported.

    Args:
        chains: How to ask for what is on record.
        exports: What was exported, at one or more times.
        target: Name of the target.

    Raises:
        ForensicsError: An export is of another target.
    """
    for one in exports:
        if one["target"] != target:
            raise ForensicsError(
                f"The heads are of target '{one['target']}' and this is '{target}': give --target {one['target']}."
            )
    ever = {_as_exported(row) for row in chains.query(chains.heads)}
    held: dict[tuple[str, str], str] = {}
    broken: dict[tuple[str, str], BrokenChain] = {}
    for one in sorted(exports, key=lambda export: str(export["recorded_at"])):
        on_record = ever | {_as_exported(row) for row in _contents(chains, _time(one["recorded_at"]))}
        names = {key[:2] for key in on_record}
        for wanted in one["heads"]:
            key = (wanted["chain"], wanted["name"])
            if (*key, wanted["recorded_at"], wanted["head"]) in on_record:
                held[key] = one["recorded_at"]
            elif key not in broken:
                broken[key] = {
                    "chain": key[0],
                    "name": key[1],
                    "problem": "rewritten" if key in names else "gone",
                    "exported_at": one["recorded_at"],
                    "last_held_at": held.get(key),
                }
    return {"target": target, "exports": len(exports), "broken": [broken[key] for key in sorted(broken)]}


def render(document: Verification) -> str:
    """Returns the outcome of a verification as text."""
    exports = count(document["exports"], "export")
    if not document["broken"]:
        return f"The record is what it was at each of {exports}.\n"
    lines = []
    for one in document["broken"]:
        since = f" and after {one['last_held_at']}" if one["last_held_at"] else ""
        problem = "is not on record any more" if one["problem"] == "gone" else "was rewritten"
        lines.append(
            f"{_WHAT[one['chain']]} {visible(one['name'])}: what was sealed at or before {one['exported_at']}{since}"
            f" {problem}."
        )
    return "\n".join(lines) + "\n"


def _contents(chains: Chains, as_of: datetime) -> list[Row]:
    return chains.query(chains.contents(literal(as_of)))


def _as_exported(row: Row) -> tuple[Any, ...]:
    return (row["chain"], row["name"], iso(row["recorded_at"]), row["head"])


def _export(line: str, where: str) -> Export:
    try:
        one = json.loads(line)
        times = [_time(one["recorded_at"]), *(_time(head["recorded_at"]) for head in one["heads"])]
        is_one = (one["dbt_forensics_seals"], {tuple(head) for head in one["heads"]}) == (_FORMAT, {_KEYS})
    except (ValueError, TypeError, KeyError, AttributeError):
        times, is_one = [], False
    if not is_one or not times:
        raise ForensicsError(f"{where}: this is not a line that dbt-forensics seal export wrote.")
    export: Export = one
    return export


def _time(text: str) -> datetime:
    """A UTC time without zone, from its ISO form."""
    return datetime.fromisoformat(text).astimezone(timezone.utc).replace(tzinfo=None)
