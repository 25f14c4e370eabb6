"""What the results files hold, and the form that pages show it in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
MODES = ("cosine", "keyword", "hybrid", "best")


def latest(name: str, *, folder: str = "benchmarks/results") -> Any:  # JSON
    """The newest results of a benchmark."""
    path = max((ROOT / folder).glob(f"{name}-20*.json"))
    return json.loads(path.read_text(encoding="utf-8"))


def torture(name: str) -> Any:  # JSON
    """The newest results of one of the tests at length."""
    return latest(name, folder="tests/torture/results")


def kept(name: str) -> list[Any]:  # JSON
    """All results of one of the tests at length that are kept, the newest first."""
    paths = (ROOT / "tests/torture/results").glob(f"{name}-20*.json")
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(paths, reverse=True)]


def table(heads: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def thousands(number: float) -> str:
    """A whole number as people write it: 1,000."""
    return f"{number:,.0f}"
