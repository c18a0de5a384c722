"""The versions of a value as they read in a terminal. Pure: data in, text out."""

from collections.abc import Iterator

from dbt_forensics.document.words import cause_in_words
from dbt_forensics.explain.document import Cause, Explanation, Version
from dbt_forensics.terminal import new_console, say, show_table, text_of
from dbt_forensics.text import count, moment, number, signed, visible, window_name


def render_explanation(document: Explanation, width: int) -> str:
    """Returns an explanation as text.

    Args:
        document: What :func:`dbt_forensics.explain.collect.explain_value` returned.
        width: How many columns the text may have.
    """
    console = new_console(width)
    for value in document["values"]:
        when = f" as of {moment(document['as_of'])}" if document["as_of"] else " now"
        dimensions = "".join(f" {visible(k)} {visible(v)}" for k, v in value["dimensions"].items())
        say(
            console,
            f"{document['metric']}{dimensions} of {window_name(value['window_start'], document['window'])} in stream "
            f"{document['stream']}: {number(value['value'])}{when}, {count(len(value['versions']), 'version')}. "
            "All times are UTC.\n",
        )
        show_table(
            console,
            title="What it showed",
            heads=("Version", "Shown from", "To", "Before", "Value", "Change", "Rows", ""),
            rows=(tuple(_version(version)) for version in value["versions"]),
        )
        for version in value["versions"]:
            show_table(
                console,
                title=f"Why version {version['version']}",
                heads=("Cause", "Change", "Events", "Arrived", "Event ids"),
                rows=(tuple(_cause(cause)) for cause in version["causes"]),
            )
            say(console, sum_in_words(version) + "\n")
    if document["total"] > len(document["values"]):
        say(
            console,
            f"{len(document['values'])} of {document['total']} values of this window, those that moved most: "
            "give --dimension name=value to see another one.",
        )
    return text_of(console)


def _version(version: Version) -> Iterator[str]:
    marks = [version["origin"]] if version["origin"] != "published" else []
    marks += ["settled"] if version["is_settled"] else []
    yield str(version["version"])
    yield moment(version["recorded_from"])
    yield moment(version["recorded_to"])
    yield number(version["previous_value"])
    yield number(version["value"])
    yield signed(version["difference"])
    yield number(version["input_count"])
    yield ", ".join(marks)


def _cause(cause: Cause) -> Iterator[str]:
    first, last = moment(cause["first_arrived_at"]), moment(cause["last_arrived_at"])
    more = cause["events"] - len(cause["sample_event_ids"])
    ids = ", ".join(visible(one) for one in cause["sample_event_ids"])
    yield f"{cause['cause']} ({cause_in_words(cause['cause'])})"
    yield signed(cause["change"])
    yield number(cause["events"])
    yield first if first == last else f"{first} to {last}"
    yield ids + (f" and {more:,} more" if ids and more > 0 else "")


def sum_in_words(version: Version) -> str:
    """Returns whether the causes of a version add up to its difference, as one line."""
    check = version["sum_check"]
    parts = " ".join(signed(cause["change"]) for cause in version["causes"]) or "nothing"
    sum_of_parts = f"Sum check: {parts} = {signed(check['causes_add_up_to'])}"
    difference = f"{number(version['value'])} less {number(version['previous_value'] or 0)}"
    if check["holds"]:
        return f"{sum_of_parts}, which is {difference}: it adds up."
    if not check["follows_on_the_version_before"]:
        return f"{sum_of_parts}: IT DOES NOT FOLLOW on the value that the version before it showed."
    if check["causes_add_up_to"] == check["difference"]:
        return f"{sum_of_parts}, which is {difference}, but a part of it is UNEXPLAINED."
    return f"{sum_of_parts}, but {difference} is {signed(check['difference'])}: IT DOES NOT ADD UP."
