"""What the package has decided about dbt's settings: the macro node_settings(), as Python."""

from __future__ import annotations

from typing import Any

import jinja2

from harness.project import PACKAGE


def node_settings() -> dict[str, dict[str, Any]]:
    """{key: {}} where any value is harmless, else {key: {must: {kind: values}, why: text}}."""
    found: list[dict[str, dict[str, Any]]] = []
    source = (PACKAGE / "macros/config/node_settings.sql").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=False)
    environment.globals["return"] = lambda value: found.append(value) or ""
    environment.from_string(source + "{{ node_settings() }}").render()
    return found[0]
