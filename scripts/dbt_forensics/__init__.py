"""The command-line toolkit of the dbt package dbt_forensics."""

__version__ = "0.1.0"
