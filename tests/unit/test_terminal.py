"""Values are text in a terminal, in every command: no markup, no emoji, no link, no order to the terminal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from dbt_forensics.actions.render import render_action, render_list, render_quarantine, render_verified
from dbt_forensics.check.render import render_check
from dbt_forensics.explain.render import render_explanation
from dbt_forensics.incidents.render import render_incidents
from dbt_forensics.load.render import render_load
from dbt_forensics.seal.heads import render_export
from dbt_forensics.terminal import tell
from dbt_forensics.text import visible
from dbt_forensics.trace.render import render_trace
from structure import checks

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = "[/x] [bold]b[/bold] :smile: [link=http://x]y[/link] \x1b[31mred\x1b[0m \u202e \u2028z"
SHOWN = visible(HOSTILE)
TIME = "2026-01-05T10:00:00Z"
EFFECT = {
    "metric": HOSTILE,
    "window_start": TIME,
    "dimensions": '{"shop": "[/x] shop [beta]"}',
    "before": "1",
    "after": "2",
    "became": "3",
    "causes": {HOSTILE: "1"},
}
ACTION = {
    "kind": "withdrawal",
    "action_id": "a1",
    "status": "planned",
    "rows": 1,
    "events": 1,
    "selection": {"event": [HOSTILE], "reason": HOSTILE},
    "scanned": {},
    "skipped": {HOSTILE: 1},
    "effects": [EFFECT],
    "refusals": [{"sentence": HOSTILE, "override": "open"}],
}
EMITTED = {
    "position": 1,
    "event_id": HOSTILE,
    "entity_id": HOSTILE,
    "event_time": TIME,
    "ingested_at": TIME,
    "verdict": "accepted",
}
LISTED = {
    **dict.fromkeys(("action_id", "kind", "stream", "status", "owner", "reason"), HOSTILE),
    **dict.fromkeys(("planned_at", "applied_at", "reverted_at"), TIME),
    "rows": 1,
}
FILE = {"file": HOSTILE, "status": "refused", "refused": HOSTILE}
COUNTS = dict.fromkeys(("read", "accepted", "duplicate", "rejected"), 1)
LOADED = {
    "relation": "raw.orders",
    "stream": "orders",
    "dry_run": False,
    "filled": {},
    "notes": [HOSTILE],
    "files": [{**FILE, **COUNTS, "missing_columns": [HOSTILE], "same_as": HOSTILE}] * 2,
    "total": {"files": 2, "refused_files": 2, "rejected_by_reason": {}, **COUNTS},
}
INCIDENT = {
    **dict.fromkeys(("incident_id", "severity", "status", "stream", "kind", "name", "owner"), HOSTILE),
    **dict.fromkeys(("window_start", "window_end", "opened_at"), TIME),
}
HELD = {
    "stream": HOSTILE,
    "rows": 1,
    "rule": HOSTILE,
    "held_since": TIME,
    "discarded": 0,
    "samples": [{"event_id": HOSTILE, "ingested_at": TIME, "payload": {"note": HOSTILE}}],
}
TRACED = {
    "event_id": HOSTILE,
    "streams": [
        {
            "stream": "orders",
            "counted_arrival": None,
            "arrivals": [
                {
                    "arrival": 1,
                    "lateness_seconds": None,
                    "event_time": TIME,
                    "ingested_at": TIME,
                    "batch_id": HOSTILE,
                    "verdict": "accepted",
                    "reason": HOSTILE,
                    "vanished": [],
                    "payload": {HOSTILE: HOSTILE},
                }
            ],
            "entries": [
                {
                    "recorded_at": TIME,
                    "arrival": 1,
                    "effect": 1,
                    "verdict": HOSTILE,
                    "cause": "on_time",
                    "action_id": None,
                    "other_arrival": None,
                }
            ],
            "actions": [{"action_id": "a1", "kind": "k", "status": "s", "owner": HOSTILE, "reason": HOSTILE}],
            "counts_in": [],
            "shown_in": [],
        }
    ],
}
EXPLAINED = {
    "metric": "revenue",
    "stream": "orders",
    "as_of": None,
    "window": "day",
    "total": 1,
    "values": [
        {
            "dimensions": {"shop": HOSTILE},
            "window_start": TIME,
            "value": "1",
            "versions": [
                {
                    "version": 1,
                    "origin": "published",
                    "is_settled": False,
                    **dict.fromkeys(("recorded_from", "recorded_to"), TIME),
                    **dict.fromkeys(("previous_value", "value", "difference"), "1"),
                    "input_count": 1,
                    "causes": [
                        {
                            "cause": "on_time",
                            "change": "1",
                            "events": 1,
                            "sample_event_ids": [HOSTILE],
                            "first_arrived_at": TIME,
                            "last_arrived_at": TIME,
                        }
                    ],
                    "sum_check": {
                        "holds": True,
                        "causes_add_up_to": "1",
                        "difference": "1",
                        "follows_on_the_version_before": True,
                    },
                }
            ],
        }
    ],
}
CHECKED = {
    "project": "consumer",
    "versions": {},
    "is_built": False,
    "problems": [HOSTILE],
    "streams": [
        {
            "stream": "orders",
            "relation": "source.raw.orders",
            "source": None,
            "record": None,
            "roles": {"event_id": HOSTILE},
            "payload": [HOSTILE],
            "personal_data": [],
            "window": "day",
            "expected_delay": "1 hour",
            "allowed_lateness": "3 days",
            "on_conflict": "first_wins",
            "too_late": "include",
            "rules": {"r": HOSTILE},
            "metrics": {"m": {"agg": "sum", "expr": HOSTILE}},
            "problems": [HOSTILE],
            "notes": [HOSTILE],
        }
    ],
}
#: What a command writes, and how often the hostile text is in it.
WRITTEN: dict[str, tuple[Callable[[int], str], int]] = {
    "plan": (lambda width: render_action(ACTION, width), 6),
    "emission": (lambda width: render_action({**ACTION, "kind": "emission", "emits": [EMITTED]}, width), 6),
    "list": (lambda width: render_list({"actions": [LISTED]}, width), 6),
    "held": (lambda width: render_quarantine({"held": [HELD]}, width), 4),
    "verified": (
        lambda width: render_verified({"action_id": "a1", "values": 1, "wrong": [EFFECT]}, width),
        1,
    ),
    "refused": (
        lambda width: render_verified({"action_id": "a1", "wrong": [{"sentence": HOSTILE}]}, width),
        1,
    ),
    "load": (lambda width: render_load(LOADED, width), 15),
    "incidents": (lambda width: render_incidents({"incidents": [INCIDENT]}, width), 5),
    "trace": (lambda width: render_trace(TRACED, width), 8),
    "explain": (lambda width: render_explanation(EXPLAINED, width), 2),
    "check": (lambda width: render_check(CHECKED), 6),
}


@pytest.mark.parametrize("command", WRITTEN)
def test_values_are_text(command: str) -> None:
    render, times = WRITTEN[command]
    text = render(2000)
    assert text.count(SHOWN) == times
    assert not {"\x1b", "\u202e", "\u2028"} & set(text + render(40))


def test_a_dimension_is_shown_as_it_is() -> None:
    assert "shop [/x] shop [beta]" in render_action(ACTION, 2000)


def test_a_sentence_gives_the_terminal_no_orders() -> None:
    @click.command()
    def command() -> None:
        tell(f"Error: {HOSTILE}\nsecond line")

    assert CliRunner().invoke(command).output == f"Error: {SHOWN}\nsecond line\n"


def test_an_export_of_seals_is_one_line_that_says_all() -> None:
    document = {"heads": [{"name": HOSTILE}]}
    assert render_export(document).isascii()
    assert json.loads(render_export(document)) == document


def test_no_command_writes_beside_the_terminal() -> None:
    assert checks.other_ways_to_a_terminal(ROOT) == []


@pytest.mark.parametrize(
    "line",
    [
        "from rich.console import Console",
        "import rich",
        "from rich import print",
        'click.echo(f"{reason}")',
        "click.secho(words)",
        "print(words)",
        "sys.stdout.write(words)",
    ],
)
def test_another_way_to_a_terminal_is_found(line: str, tmp_path: Path) -> None:
    file = tmp_path / "scripts" / "dbt_forensics" / "x.py"
    file.parent.mkdir(parents=True)
    file.write_text(f"click.echo(render_json(x))\n    {line}\n", encoding="utf-8")
    assert checks.other_ways_to_a_terminal(tmp_path) == [f"scripts/dbt_forensics/x.py: {line}"]
