"""A progress bar on stderr, for a person at a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from dbt_forensics.load.files import SourceFile
from dbt_forensics.load.run import Progress


@contextmanager
def progress_bar(files: Sequence[SourceFile]) -> Iterator[Progress]:
    """Shows how many bytes of the files were read; gives what is to be called with each stretch."""
    if not sys.stderr.isatty():
        yield lambda file, size: None
        return
    from dbt_forensics.terminal import progress_of

    # Each file is read twice: once for what identifies it, once for its rows.
    with progress_of(2 * sum(file.path.stat().st_size for file in files if not file.problem)) as advance:
        yield lambda file, size: advance(file.name, size)
