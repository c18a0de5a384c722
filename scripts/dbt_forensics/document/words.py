"""How documents name causes. Pure."""

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
