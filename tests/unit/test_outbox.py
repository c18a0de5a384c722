"""The file of an emission is written where nobody else's file can be hit."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbt_forensics.actions import outbox
from dbt_forensics.errors import ForensicsError


def test_a_link_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.txt"
    theirs.write_text("theirs")
    part = tmp_path / "emission_a1.jsonl.part"
    for target in (theirs, tmp_path / "nowhere"):
        part.symlink_to(target)
        with pytest.raises(ForensicsError, match="is a link, or no file"):
            outbox._stage(tmp_path, "a1", [])
        with pytest.raises(ForensicsError, match="is a link, or no file"):
            outbox.deliver(str(tmp_path), "a1")
        part.unlink()
    part.mkdir()
    with pytest.raises(ForensicsError, match="is a link, or no file"):
        outbox._stage(tmp_path, "a1", [])
    part.rmdir()
    # A second name of somebody's file is taken away, and the file stays.
    part.hardlink_to(theirs)
    outbox._stage(tmp_path, "a1", [])
    assert (theirs.read_text(), part.read_text()) == ("theirs", "")
    # Half a file of a process that was killed is written from its beginning.
    part.write_text("half")
    outbox._stage(tmp_path, "a1", [])
    assert part.read_text() == ""
    (tmp_path / "emission_a1.jsonl").mkdir()
    with pytest.raises(ForensicsError, match="take what is there away and apply once more"):
        outbox.deliver(str(tmp_path), "a1")
    (tmp_path / "emission_a1.jsonl").rmdir()
    assert outbox.deliver(str(tmp_path), "a1")
    assert not outbox.deliver(str(tmp_path), "a1")
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["emission_a1.jsonl", "theirs.txt"]
