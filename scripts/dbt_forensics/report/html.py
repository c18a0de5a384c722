"""The report as one HTML file without network: a pure formatter over the JSON document."""

from datetime import datetime
from decimal import Decimal

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from dbt_forensics import text
from dbt_forensics.document.words import cause_in_words
from dbt_forensics.report import words
from dbt_forensics.report.chart import Waterfall, settling, timeline, waterfall
from dbt_forensics.report.document import Change, Curve, Report
from dbt_forensics.report.heat import SIGNS, heat
from dbt_forensics.report.scorecard import scorecard


def render_html(document: Report) -> str:
    """Returns a report as one HTML page; the same document gives the same bytes.

    Args:
        document: The report's JSON document, schema version 1.
    """
    return _environment().get_template("report.html.j2").render(report=document).rstrip("\n") + "\n"


def render_dashboard(document: Report) -> str:
    """Returns the on-call dashboard as one HTML page: streams, open incidents, windows, latest changes.

    Args:
        document: The report's JSON document, schema version 1.
    """
    page = _environment().get_template("dashboard.html.j2")
    return page.render(report=document, lines=scorecard(document), signs=SIGNS).rstrip("\n") + "\n"


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("dbt_forensics.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(
        data=_data,
        visible=text.visible,
        number=text.number,
        signed=text.signed,
        moment=_moment,
        duration=lambda seconds: "" if seconds is None else text.duration(float(seconds)),
        cause=cause_in_words,
        drift=words.drift_in_words,
        count=text.count,
        percent=text.percent,
        window=text.window_name,
        waterfall=_waterfall,
        timeline=_timeline,
        settling=_settling,
        share=text.share,
        rounded=text.rounded,
        age=text.age,
        heat=heat,
        plain_moment=text.moment,
    )
    return environment


def _data(value: object) -> Markup:
    """A value from the warehouse: isolated, so that its reading direction cannot leak into the page."""
    return Markup("–") if value is None else Markup("<bdi>{}</bdi>").format(text.visible(value))


def _moment(time: str | None) -> Markup:
    return (
        Markup("–")
        if time is None
        else Markup('<time datetime="{}">{}</time>').format(time, text.moment(time))
    )


def _waterfall(change: Change) -> Waterfall:
    steps = [(cause["cause"].replace("_", " "), Decimal(cause["change"])) for cause in change["causes"]]
    return waterfall(Decimal(change["published"]["value"] or 0), steps, words.change_in_words(change))


def _timeline(change: Change) -> Markup:
    shown = [
        (
            datetime.fromisoformat(one["recorded_from"].removesuffix("Z")),
            None if one["value"] is None else Decimal(one["value"]),
            one["is_settled"],
        )
        for one in change["history"]
    ]
    window = text.window_name(change["window_start"], change["window"])
    return timeline(
        shown, f"What {change['metric']} of {window} showed over time, in {text.count(len(shown), 'version')}"
    )


def _settling(metric: Curve) -> Markup:
    shown = [
        (
            text.age(age["age_hours"]),
            None if age["value_share"] is None else Decimal(age["value_share"]),
            None if age["final_share"] is None else Decimal(age["final_share"]),
        )
        for age in metric["curve"]
    ]
    return settling(
        shown, f"How complete {metric['metric']} was at {text.count(len(shown), 'age')} of its windows"
    )
