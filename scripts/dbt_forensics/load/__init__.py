"""`dbt-forensics load`: lands files in a raw table, each as one batch, and accounts for every line.

Everything but :mod:`.run` and :mod:`.log` is pure: bytes in, rows and rejections out.
"""
