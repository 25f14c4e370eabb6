"""Evaluations as a bar chart. The only owner of matplotlib, which is an extra.

Draws on a canvas of its own, so that it needs no display; equal figures make equal SVG files.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from searchapp.errors import UsageError
from searchapp.filesystem import atomic_write
from searchapp.humanize import one_line, pluralize

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from searchapp.types.results import Evaluation

_ENDINGS = (".png", ".svg")
# apart in lightness, too
_SERIES = (("nDCG@10", "#1f3a5f"), ("Recall@100", "#7fa6c9"), ("MRR@10", "#d9a441"))
_INK, _FAINT = "#333333", "#999999"
_STYLE = {
    "font.family": ["DejaVu Sans", "sans-serif"],  # the first comes with matplotlib
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "searchapp",
    "text.parse_math": False,  # a "$" in a name is a "$"
}
_BAR = 0.27  # of the room of a mode, which is 1
_LEAST_MODES = 3  # for which there is room
_MODE_INCHES, _HEIGHT_INCHES = 1.4, 3.6


def require_plot(path: Path) -> None:
    """Raises UsageError where no chart could be drawn to that path: another ending, or no
    matplotlib.
    """
    if path.suffix.lower() not in _ENDINGS:
        raise UsageError(f"{path}: a chart is an SVG or a PNG", hint="end its name in .svg or .png")
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "drawing a chart takes matplotlib, which is not installed",
            hint="pip install 'searchapp[plot]'",
        ) from error


def write_plot(path: Path, evaluations: Sequence[Evaluation]) -> None:
    """Write a bar chart of nDCG@10, Recall@100 and MRR@10 of each evaluation; raises as
    `require_plot`, or where it cannot be written.
    """
    require_plot(path)
    from matplotlib import style

    ending = path.suffix.lower().removeprefix(".")
    with style.context(["default", _STYLE], after_reset=True):
        figure = _figure(evaluations)
        try:
            with atomic_write.replaced(path) as file:
                figure.savefig(
                    file,
                    format=ending,
                    dpi=200,
                    metadata={"Date": None} if ending == "svg" else {"Software": None},
                )
        except OSError as error:
            raise UsageError(
                f"cannot write {path}: {error.strerror}", hint="name a file in a folder that exists"
            ) from error


def _figure(evaluations: Sequence[Evaluation]) -> Figure:
    from matplotlib.figure import Figure

    width = _MODE_INCHES * max(_LEAST_MODES, len(evaluations)) + 0.4
    figure = Figure(figsize=(width, _HEIGHT_INCHES), layout="constrained")
    axes = figure.add_subplot()
    for place, (name, color) in enumerate(_SERIES):
        _bars(
            axes,
            name,
            color,
            [_figures(evaluation)[place] for evaluation in evaluations],
            offset=place - 1,
        )
    axes.set_xticks(range(len(evaluations)), [evaluation.label for evaluation in evaluations])
    spare = max(0, _LEAST_MODES - len(evaluations)) / 2  # so that few bars are not broad ones
    axes.set_xlim(-0.5 - spare, len(evaluations) - 0.5 + spare)
    axes.set_ylim(0, 1)
    axes.set_yticks([])  # every bar says its value
    axes.tick_params(length=0, pad=6)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(_FAINT)
    figure.suptitle(_title(evaluations), fontsize=10, fontweight="bold")
    figure.legend(loc="outside lower center", ncols=len(_SERIES), frameon=False)
    return figure


def _bars(axes: Axes, name: str, color: str, figures: Sequence[float], *, offset: int) -> None:
    """One measure's bars, each with its value above it."""
    places = [at + offset * _BAR for at in range(len(figures))]
    bars = axes.bar(places, figures, _BAR * 0.92, label=name, color=color, linewidth=0)
    axes.bar_label(
        bars, [_short(figure) for figure in figures], padding=2, fontsize=7.5, color=_INK
    )


def _figures(evaluation: Evaluation) -> tuple[float, float, float]:
    return evaluation.ndcg_at_10, evaluation.recall_at_100, evaluation.mrr_at_10


def _title(evaluations: Sequence[Evaluation]) -> str:
    return "".join(
        f"{one_line(evaluation.collection)}, {pluralize(evaluation.queries, 'question')}"
        for evaluation in evaluations[:1]
    )


def _short(figure: float) -> str:
    """A share to three places: ".660", "1"."""
    return "1" if figure > 0.9995 else f"{figure:.3f}".removeprefix("0")
