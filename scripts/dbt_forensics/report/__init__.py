"""The incident report: evidence from the warehouse, one versioned JSON document, and two formatters over it."""
