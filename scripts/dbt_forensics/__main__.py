"""`python -m dbt_forensics` is the command `dbt-forensics`."""

from dbt_forensics.cli import main

main()
