"""The report as Markdown: a pure formatter over the JSON document."""

import re

from jinja2 import Environment, PackageLoader, StrictUndefined

from dbt_forensics import text
from dbt_forensics.document.words import cause_in_words
from dbt_forensics.report import words
from dbt_forensics.report.document import Report

_SPECIAL = re.compile(r"([\\`*_\[\]|~<>&$#])")


def render_markdown(document: Report) -> str:
    """Returns a report as Markdown; the same document gives the same text.

    Args:
        document: The report's JSON document, schema version 1.
    """
    return _render("report.md.j2", document)


def render_postmortem(document: Report) -> str:
    """Returns a postmortem of the report's incidents with the facts filled in, as Markdown.

    Args:
        document: The report's JSON document, schema version 1.
    """
    return _render("postmortem.md.j2", document)


def _render(template: str, document: Report) -> str:
    environment = Environment(
        loader=PackageLoader("dbt_forensics.report"),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(
        data=escape_markdown,
        number=text.number,
        signed=text.signed,
        moment=text.moment,
        duration=lambda seconds: "" if seconds is None else text.duration(float(seconds)),
        cause=cause_in_words,
        change=words.change_in_words,
        drift=words.drift_in_words,
        count=text.count,
        percent=text.percent,
        share=text.share,
        rounded=text.rounded,
        age=text.age,
        window=text.window_name,
    )
    return environment.get_template(template).render(report=document).rstrip("\n") + "\n"


def escape_markdown(value: object) -> str:
    """Returns a value as Markdown that reads as the value itself, also in a table: no markup, HTML or line break."""
    return "–" if value is None else _SPECIAL.sub(r"\\\1", text.visible(value))
