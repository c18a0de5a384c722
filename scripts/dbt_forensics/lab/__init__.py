"""The lab: makes the event history of a shop, with failures of which it keeps an exact list."""
