"""How a report names things: causes, changes, drift. Pure."""

from typing import Any

from dbt_forensics.text import number, percent, signed, visible, window_name

Json = dict[str, Any]

_CAUSES = {
    "on_time": "rows on time",
    "late": "late rows",
    "too_late": "rows after the allowed lateness",
    "correction": "corrections",
    "rewritten": "rows rewritten at the source",
    "source_deleted": "rows gone from the source, or back in it",
    "definition_changed": "a changed definition",
    "replay": "a replay",
    "release": "rows released from quarantine",
    "withdrawal": "withdrawn rows",
    "revert": "a reverted action",
    "erasure": "erased rows",
    "code_changed": "changed code of the model",
    "rounding": "rounding",
    "unattributed": "no metric is named for it",
    "unexplained": "nothing on record",
}


def cause_in_words(cause: str) -> str:
    """Returns a cause of the ledger as people say it."""
    return _CAUSES.get(cause, cause)


def change_in_words(change: Json) -> str:
    """Returns a changed metric window as one clause, with its old and its new value."""
    dimensions = ", ".join(f"{name} {visible(value)}" for name, value in change["dimensions"].items())
    what = change["metric"] + (f" ({dimensions})" if dimensions else "")
    published = change["published"]
    was = "was not published" if published["version"] is None else f"was {number(published['value'])}"
    window = window_name(change["window_start"], change["window"])
    share = percent(change["difference"], published["value"])
    moved = f"{signed(change['difference'])}{', ' + share if share else ''}"
    return f"{what} of {window} {was}, is {number(change['now']['value'])} now ({moved})"


def drift_in_words(item: Json) -> str:
    """Returns what happened to a column."""
    if item["kind"] == "type_changed":
        return f"changed from {item['before']} to {item['after']}"
    if item["kind"] == "dropped":
        return f"was dropped ({item['before']})"
    return f"{'was added' if item['kind'] == 'added' else 'came back'} ({item['after']})"
