"""Only for these tests: they run in a virtual environment of their own (`make compiled`), beside the rest."""

import sys
from pathlib import Path

# What escapes every control character is nested deeper than the parsers' recursion may go by default.
sys.setrecursionlimit(50_000)

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "compiled"), str(ROOT / "tests"), str(ROOT / "scripts")]
