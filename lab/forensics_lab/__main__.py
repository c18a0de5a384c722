"""`python -m forensics_lab`: the lab's commands."""

from dbt_forensics.console import run_command
from forensics_lab.cli import lab

run_command(lab, "python -m forensics_lab")
