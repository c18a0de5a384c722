"""One report in the formats that were asked for."""

from collections.abc import Mapping

from dbt_forensics.document.as_json import render_json
from dbt_forensics.report.assemble import assemble
from dbt_forensics.report.collect import collect
from dbt_forensics.report.document import Report
from dbt_forensics.report.evidence import Scope
from dbt_forensics.report.html import render_dashboard, render_html
from dbt_forensics.report.markdown import render_markdown, render_postmortem
from dbt_forensics.report.scorecard import scorecard, scorecard_csv
from dbt_forensics.warehouse import Warehouse


def make_report(warehouse: Warehouse, scope: Scope) -> Report:
    """Returns the report's JSON document.

    Args:
        warehouse: Where the package has been built.
        scope: What the report is about.
    """
    return assemble(collect(warehouse, scope), scope)


def render(document: Report) -> Mapping[str, str]:
    """Returns the files of a report by name; the postmortem only of an incident that was asked for."""
    return {
        "report.html": render_html(document),
        "report.md": render_markdown(document),
        "report.json": render_json(document),
        "dashboard.html": render_dashboard(document),
        "scorecard.csv": scorecard_csv(document),
        "scorecard.json": render_json(scorecard(document)),
        **({"postmortem.md": render_postmortem(document)} if document["scope"]["incident"] else {}),
    }
