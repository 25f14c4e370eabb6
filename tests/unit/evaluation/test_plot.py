"""The chart of an evaluation: what it says, that it is the same each time, and what it refuses."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from searchapp.errors import UsageError
from searchapp.evaluation.plot import require_plot, write_plot
from searchapp.types.results import Evaluation


def figures(
    mode: str, ndcg: float, recall: float, mrr: float, weight: float | None = None
) -> Evaluation:
    return Evaluation("tiny & $x$", mode, 1200, ndcg, recall, mrr, 0.0, 0.0, {}, {}, weight)


BOTH = [figures("cosine", 0.66, 0.935, 0.5), figures("hybrid", 0.7345, 1.0, 0.0, 0.3)]


def texts(svg: Path) -> list[str]:
    """What stands in a chart, from the bottom left."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg.read_text())


@pytest.mark.slow
def test_a_chart_says_modes_measures_and_every_value(tmp_path: Path) -> None:
    write_plot(tmp_path / "chart.svg", BOTH)
    shown = texts(tmp_path / "chart.svg")
    assert shown[:2] == ["cosine", "hybrid w=.3"]
    assert sorted(each for each in shown if re.fullmatch(r"[.\d]+", each)) == [
        ".000",
        ".500",
        ".660",
        ".735",
        ".935",
        "1",
    ]
    assert {"nDCG@10", "Recall@100", "MRR@10", "tiny &amp; $x$, 1,200 questions"} <= set(shown)


@pytest.mark.slow
def test_the_same_figures_make_the_same_file(tmp_path: Path) -> None:
    for ending in ("svg", "png"):
        for name in ("one", "two"):
            write_plot(tmp_path / f"{name}.{ending}", BOTH)
        assert (tmp_path / f"one.{ending}").read_bytes() == (
            tmp_path / f"two.{ending}"
        ).read_bytes()
    assert not re.search(r"20\d\d-\d\d", (tmp_path / "one.svg").read_text())


@pytest.mark.slow
def test_the_ending_decides_the_form(tmp_path: Path) -> None:
    write_plot(tmp_path / "chart.PNG", BOTH[:1])
    assert (tmp_path / "chart.PNG").read_bytes().startswith(b"\x89PNG")


def test_bars_are_as_high_as_their_values(tmp_path: Path) -> None:
    write_plot(tmp_path / "chart.svg", [figures("cosine", 0.25, 1.0, 0.5)])
    bars = re.findall(
        r'<path d="M [\d.]+ ([\d.]+) \nL [\d.]+ \1 \nL [\d.]+ ([\d.]+) \n[^"]*" clip-path',
        (tmp_path / "chart.svg").read_text(),
    )
    low, half, full = sorted(float(bottom) - float(top) for bottom, top in bars)
    assert [low / full, half / full] == pytest.approx([0.25, 0.5])


@pytest.mark.parametrize("name", ["chart.pdf", "chart", "svg"])
def test_another_ending_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="SVG or a PNG") as caught:
        require_plot(tmp_path / name)
    assert ".svg or .png" in caught.value.hint


def test_without_matplotlib_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match="matplotlib") as caught:
        require_plot(Path("chart.svg"))
    assert caught.value.hint == "pip install 'searchapp[plot]'"


def test_a_chart_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot write"):
        write_plot(tmp_path / "nowhere" / "chart.svg", BOTH)
