"""Plants the faults of mutants.py one at a time in a copy of the package, and tells which test finds each."""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from mutants.mutants import MUTANTS, Mutant

PACKAGE = Path(__file__).resolve().parents[2]


def box(mutant: Mutant) -> str:
    """The part of the package that a fault is in."""
    folders = Path(mutant.file).parts[:-1]
    return "/".join(folders[:3] if folders[0] == "scripts" else folders[:2])


def planted(mutant: Mutant, text: str) -> str:
    """A file's text with a fault; an error if it cannot be planted at one place."""
    if text.count(mutant.old) != 1:
        raise ValueError(
            f"{mutant.file}: {mutant.old!r} stands there {text.count(mutant.old)} times, not once"
        )
    return text.replace(mutant.old, mutant.new)


def first_failure(tree: Path, arguments: str, marked: str = "not slow and not gate") -> str:
    """The first test of these marks that fails in a tree; empty if all pass."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(tree / name) for name in ("scripts", "lab", "tests")]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider", "-rfE"]
    command += ["-m", f"'{marked}'"]
    done = subprocess.run(
        ["bash", "-c", f"exec {' '.join(command)} {arguments}"],
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    found = [line.partition(" ")[2].partition(" - ")[0] for line in lines]
    if done.returncode not in (0, 1, 5) and not found:
        raise RuntimeError(
            f"pytest {arguments} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
    return found[0] if found else ""


def copied(source: Path) -> Iterator[tuple[Path, Path]]:
    """Every file of the tree that git knows or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=source,
        capture_output=True,
        check=True,
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (source / name).is_file():
            yield source / name, Path(name)


def main() -> int:
    """Returns 1 if a fault is found by no test."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--package", type=Path, default=PACKAGE, help="the tree to plant them in")
    parser.add_argument("--part", default="1/1", help="such as 1/2: every second fault, from the first on")
    parser.add_argument(
        "--whole", action="store_true", help="run the whole suite where the first tests find nothing"
    )
    parser.add_argument("--only", default="", help="faults with these words")
    parser.add_argument("--out", type=Path, default=PACKAGE / "build/mutants.csv")
    wanted = parser.parse_args()
    part, parts = map(int, wanted.part.split("/"))
    chosen = [one for one in MUTANTS[part - 1 :: parts] if wanted.only in one.fault]

    folder = Path(tempfile.mkdtemp(prefix="forensics-mutants-"))
    tree = folder / "package"
    try:
        for file, name in copied(wanted.package):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, tree / name)
        shared = wanted.package.parent / "shared"
        if shared.exists():
            (folder / "shared").symlink_to(shared.resolve())
        rows = []
        for one in chosen:
            path = tree / one.file
            started, text = time.monotonic(), path.read_text(encoding="utf-8")
            try:
                path.write_text(planted(one, text), encoding="utf-8")
            except ValueError as error:
                found = f"not planted: {error}"
            else:
                found = first_failure(tree, one.tests)
                if not found and (by_gate := first_failure(tree, one.tests, "slow or gate")):
                    found = f"gate: {by_gate}"
                if not found and wanted.whole:
                    found = first_failure(tree, "")
            finally:
                path.write_text(text, encoding="utf-8")
            rows.append([box(one), one.fault, found])
            print(
                f"{time.monotonic() - started:5.0f} s  {box(one)}: {one.fault}: {found or 'NOT FOUND'}",
                flush=True,
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    wanted.out.parent.mkdir(parents=True, exist_ok=True)
    with wanted.out.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["box", "fault", "found by"], *rows])
    lost = [row for row in rows if not row[2] or row[2].startswith("not planted")]
    print(f"{len(rows) - len(lost)} of {len(rows)} faults found; written to {wanted.out}")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
