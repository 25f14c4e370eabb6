"""The tables that compare searchapp with other programs, of the results of `benchmarks.versus`.

Times are those on the clock where the machine was idle meanwhile; else processor time, which other
programs disturb less. A page says which.
"""

from __future__ import annotations

import json
from typing import Any

from tools.results import RESULTS, latest, table, thousands

IDLE_CORES = 0.2  # what other programs may have computed meanwhile
OURS = {False: "searchapp", True: "searchapp --mode keyword"}


def rivals_in_short() -> str:
    """Those that use the same model in the same way, in few columns."""
    results = latest("versus")
    rows = [
        [name, *_times(results, tool), _memory(tool), _quality(name, tool)]
        for name, tool in results["tools"].items()
        if tool["model"] == results["tools"]["searchapp"]["model"] and tool["finds_by"] == "meaning"
    ]
    heads = ["", "ingest", "cold query", "memory: ingest, query", "nDCG@10"]
    return (
        f"{thousands(results['documents'])} texts, one model, {_clock(results)}; "
        f"[others, and the conditions](docs/benchmarks.md).\n\n{table(heads, rows)}"
    )


def rivals() -> str:
    """All that find by meaning, alone or with keywords."""
    return comparison(latest("versus"), by_words=False)


def rivals_by_keywords() -> str:
    """Those that find by keywords alone."""
    return comparison(latest("versus"), by_words=True)


def rivals_remarks() -> str:
    """What has to be known of those tables."""
    results = latest("versus")
    runs = "one run" if results["runs"] == 1 else f"{results['runs']} runs"
    left_out = "".join(f" {name} was left out: {why}." for name, why in results["left_out"].items())
    return (
        f"{thousands(results['documents'])} {results['texts']}, medians of {runs} in turn, "
        f"{results['minutes']:g} minutes in all; {_clock(results)}\n(other programs took "
        f"{results['others_cores']:g} cores meanwhile). Ratios are against searchapp.{left_out}\n\n"
        f"{results['remarks']}\n\nMachine: {results['machine']}. Command: `make bench`."
    )


def comparison(results: dict[str, Any], *, by_words: bool) -> str:
    """The table of those that find by words alone, or of the others; ratios against ours."""
    ours = results["tools"][OURS[by_words]]
    rows = [
        [
            name,
            f"{tool['version']}",
            *([] if by_words else [tool["model"]]),
            tool["processor"],
            *_times(results, tool, ours),
            _memory(tool),
            _quality(name, tool),
        ]
        for name, tool in results["tools"].items()
        if (tool["finds_by"] == "words") == by_words
    ]
    heads = ["", "version", *([] if by_words else ["model"]), "processor"]
    return table([*heads, "ingest", "cold query", "memory: ingest, query", "nDCG@10"], rows)


def _times(
    results: dict[str, Any], tool: dict[str, Any], ours: dict[str, Any] | None = None
) -> list[str]:
    """An ingest and a cold query in seconds, and in so many times what ours take."""
    unit = "s" if _is_idle(results) else "cpu_s"
    cells = []
    for kind, digits in (("ingest", 1), ("query", 2)):
        took = tool[f"{kind}_{unit}"]
        times = f" ({_times_as_much(took / ours[f'{kind}_{unit}'])})" if ours else ""
        cells.append(f"{took:.{digits}f} s{'' if tool is ours else times}")
    return cells


def _times_as_much(ratio: float) -> str:
    return f"{ratio:.0f}×" if ratio >= 10 else f"{ratio:.1f}×" if ratio >= 1 else f"{ratio:.2f}×"


def _memory(tool: dict[str, Any]) -> str:
    return f"{tool['ingest_mb']:.0f}, {tool['query_mb']:.0f} MB"


def _quality(name: str, tool: dict[str, Any]) -> str:
    """nDCG@10 on SciFact: a rival's, which is measured once for each version, or ours by mode."""
    if name in OURS.values():
        (scifact,) = [
            each for each in latest("quality")["collections"] if each["name"] == "scifact"
        ]
        modes = ("keyword",) if name == OURS[True] else ("cosine", "hybrid", "best")
        return ", ".join(f"{scifact['modes'][mode]['ndcg@10']:.3f} {mode}" for mode in modes)
    known = json.loads((RESULTS / "quality-scifact.json").read_text(encoding="utf-8"))
    key = f"{name} {tool['version']}"
    return f"{known[key]:.3f}" if key in known else "–"


def _is_idle(results: dict[str, Any]) -> bool:
    return bool(results["others_cores"] <= IDLE_CORES)


def _clock(results: dict[str, Any]) -> str:
    return "times on the clock" if _is_idle(results) else "processor time"
