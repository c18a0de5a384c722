"""Writes a guessed stream as commented YAML that the package takes as it is. Pure."""

import json
import re
from datetime import timedelta

from dbt_forensics.init.guess import Guess, slug
from dbt_forensics.init.lateness import Lateness
from dbt_forensics.init.look import Look
from dbt_forensics.text import visible

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_RESERVED = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
_ROLES = (
    "event_id",
    "entity_id",
    "event_type",
    "event_time",
    "ingested_at",
    "batch_id",
    "sequence_number",
    "schema_version",
    "tenant",
)


def render_stream(look: Look, name: str | None = None) -> str:
    """Returns the configuration of a stream as YAML to paste into dbt_project.yml.

    Args:
        look: What was seen of its relation.
        name: The stream's name; that of the relation if None.
    """
    guess = look.guess
    lines = [
        f"# Guessed from {look.sampled:,} of {look.rows:,} rows of {visible(look.path)}.",
        "# Check every line: a guess is not knowledge.",
        *(f"# {note}" for note in guess.notes),
        *_declaration(look),
        "vars:",
        "  forensics_streams:",
        f"    {name or slug(look.path.split('.')[-1])}:",
        _line("relation", _scalar(look.path)),
    ]
    lines += [
        _line(role, _scalar(guess.roles[role].column), guess.roles[role].why)
        for role in _ROLES
        if role in guess.roles
    ]
    if "batch_id" not in guess.roles:
        lines.append(
            "      # batch_id: none found; by default the rows that arrive within an hour are a batch"
        )
    if guess.writes:
        lines.append(_line("writes", guess.writes.column, f"or append: {guess.writes.why}"))
    lines.append("      # payload: every other column, by default")
    if guess.personal:
        listed = ", ".join(_scalar(choice.column) for choice in guess.personal)
        lines.append(_line("personal_data", f"[{listed}]", "by their names; never shown in reports"))
    lines += _times(look.lateness)
    lines.append(
        _line(
            "on_conflict",
            "last_wins",
            "or first_wins: which of two rows with one id and other content is true?",
        )
    )
    lines += _rules(guess)
    lines += _metrics(guess)
    return "\n".join(lines) + "\n"


def _declaration(look: Look) -> list[str]:
    if look.is_declared:
        return []
    _, schema, table = look.path.split(".")
    return [
        f"# dbt does not know {visible(look.path)} yet. Declare it in a YAML file under models/:",
        f"#   sources: [{{name: {_scalar(schema)}, schema: {_scalar(schema)}, tables: [{{name: {_scalar(table)}}}]}}]",
    ]


def _times(lateness: Lateness | None) -> list[str]:
    if lateness is None:
        return [_line("window", "day")]
    return [
        _line("window", lateness.window, lateness.why_window),
        _line(
            "expected_delay",
            _period(lateness.expected_delay),
            f"by then after the end of their {lateness.window}, {lateness.on_time_share:.1%} of the rows have arrived",
        ),
        _line(
            "allowed_lateness",
            _period(lateness.allowed_lateness),
            f"and by then, {lateness.late_share:.2%}",
        ),
    ]


def _rules(guess: Guess) -> list[str]:
    if not guess.rules:
        return []
    lines = ["      rules:"]
    for choice in guess.rules:
        condition = _scalar(f"{_identifier(choice.column)} >= 0")
        lines.append(f"        {slug(choice.column)}_is_not_negative: {condition}  # {choice.why}")
    return lines


def _metrics(guess: Guess) -> list[str]:
    lines = ["      metrics:", "        events: {agg: count}"]
    listed = ", ".join(_scalar(choice.column) for choice in guess.dimensions)
    dimensions = f", dimensions: [{listed}]" if listed else ""
    why = "".join(f"; by {visible(choice.column)}: {choice.why}" for choice in guess.dimensions)
    for choice in guess.metrics:
        expression = _scalar(_identifier(choice.column))
        metric = slug(choice.column)
        metric = f"{metric}_sum" if metric == "events" else metric
        lines.append(f"        {metric}: {{agg: sum, expr: {expression}{dimensions}}}  # {choice.why}{why}")
    return lines


def _line(key: str, value: str, why: str = "") -> str:
    return f"      {key}: {value}" + (f"  # {visible(why)}" if why else "")


def _scalar(text: str) -> str:
    """Returns text as a YAML scalar, quoted unless it is a plain word."""
    is_plain = all(_PLAIN.match(part) for part in text.split(".")) and text.lower() not in _RESERVED
    return text if is_plain else json.dumps(text)


def _identifier(column: str) -> str:
    """Returns a column name as SQL, quoted unless every engine takes it as it is."""
    return column if re.match(r"[a-z_][a-z0-9_]*\Z", column) else '"' + column.replace('"', '""') + '"'


def _period(length: timedelta) -> str:
    seconds = int(length.total_seconds())
    for size, period in ((86400, "day"), (3600, "hour")):
        if seconds % size == 0:
            return f"{{count: {seconds // size}, period: {period}}}"
    return f"{{count: {seconds // 60}, period: minute}}"
