"""Documents as JSON text. Pure."""

import json
from typing import Any


def render_json(document: Any) -> str:
    """Returns a document as JSON text, the same for the same document."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
