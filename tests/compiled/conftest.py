"""Only for these tests: they run in a virtual environment of their own (`make compiled`), beside the rest."""

import gc
import sys
from pathlib import Path

# What escapes every control character is nested deeper than the parsers' recursion may go by default.
sys.setrecursionlimit(50_000)

# The parsers make millions of small objects, and looking for garbage among them takes longer than parsing.
gc.disable()

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "compiled"), str(ROOT / "tests"), str(ROOT / "scripts")]
