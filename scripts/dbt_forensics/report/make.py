"""One report in the formats that were asked for."""

import json
from collections.abc import Mapping
from typing import Any

from dbt_forensics.report.assemble import assemble
from dbt_forensics.report.collect import collect
from dbt_forensics.report.evidence import Scope
from dbt_forensics.report.html import render_html
from dbt_forensics.report.markdown import render_markdown
from dbt_forensics.warehouse import Warehouse

FORMATS = ("html", "md", "json")


def make_report(warehouse: Warehouse, scope: Scope) -> dict[str, Any]:
    """Returns the report's JSON document.

    Args:
        warehouse: Where the package has been built.
        scope: What the report is about.
    """
    return assemble(collect(warehouse, scope), scope)


def render(document: dict[str, Any]) -> Mapping[str, str]:
    """Returns a report in every format, by format."""
    return {"html": render_html(document), "md": render_markdown(document), "json": render_json(document)}


def render_json(document: Any) -> str:
    """Returns a document as JSON text, the same for the same document."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
