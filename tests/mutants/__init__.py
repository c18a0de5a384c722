"""Planted faults, and which test finds each: `make mutants`."""
