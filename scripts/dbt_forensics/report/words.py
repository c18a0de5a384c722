"""How a report names changes and drift. Pure."""

from dbt_forensics.report.document import Change, Drift
from dbt_forensics.text import number, percent, signed, visible, window_name


def change_in_words(change: Change) -> str:
    """Returns a changed metric window as one clause, with its old and its new value."""
    dimensions = ", ".join(f"{name} {visible(value)}" for name, value in change["dimensions"].items())
    what = change["metric"] + (f" ({dimensions})" if dimensions else "")
    published = change["published"]
    was = "was not published" if published["version"] is None else f"was {number(published['value'])}"
    window = window_name(change["window_start"], change["window"])
    share = percent(change["difference"], published["value"])
    moved = f"{signed(change['difference'])}{', ' + share if share else ''}"
    return f"{what} of {window} {was}, is {number(change['now']['value'])} now ({moved})"


def drift_in_words(item: Drift) -> str:
    """Returns what happened to a column."""
    if item["kind"] == "type_changed":
        return f"changed from {item['before']} to {item['after']}"
    if item["kind"] == "dropped":
        return f"was dropped ({item['before']})"
    return f"{'was added' if item['kind'] == 'added' else 'came back'} ({item['after']})"
