"""How a tuning looks: figures before and after for people, values for JSON. Pure, as
`answers` is.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING

from searchapp.finetuning.pipeline import SIGNIFICANT, TuningResult, account_of
from searchapp.humanize import human_duration, one_line, pluralize
from searchapp.output.terminal import (
    BOLD,
    DIM,
    GREEN,
    PLAIN,
    RED,
    WIDEST,
    TerminalStyle,
    joined,
    wrapped,
)

if TYPE_CHECKING:
    from pathlib import Path

    from searchapp.finetuning.held_out import Score
    from searchapp.finetuning.trainer import TrainingStep

_COLUMNS = ("hits@1", "nDCG@10", "MRR@10", "p")
_KINDS = {"judgements": "judgements", "pairs": "pairs of texts", "headings": "titles and headings"}
_FIRST, _COLUMN = 8, 10
_TELLING_STEPS = 3  # before which the time left is a guess


def tuned_json(result: TuningResult) -> dict[str, object]:
    """What came of a tuning, for programs; `p` is of the difference in nDCG@10."""
    kept_at = None if result.kept is None else str(result.kept)
    return {
        "output": str(result.output),
        **account_of(result),
        "is_in_place": result.is_in_place,
        "kept": kept_at,
    }


def tuned_text(result: TuningResult, style: TerminalStyle = PLAIN, *, used: bool = False) -> str:
    """What was learned and asked, the figures before and after, and what became of the model; how
    to use it, unless that comes next.
    """
    before, after, comparison = result.before, result.after, result.comparison
    if before is None or after is None or comparison is None:
        return joined(["stopped; run the same command again to go on"])
    change = [b - a for a, b in zip(_figures(before), _figures(after), strict=True)]
    heading = (
        f"{pluralize(result.learned, 'question')} learned, {result.held_out:,} held out and asked "
        f"in mode {_mode(after)}"
    )
    lines = [
        style.paint(heading, BOLD),
        style.paint(_row("", _COLUMNS), DIM),
        _row("before", (f"{figure:.4f}" for figure in _figures(before))),
        _row("after", (f"{figure:.4f}" for figure in _figures(after))),
        _row("change", (*(f"{difference:+.4f}" for difference in change), f"{comparison.p:.4f}")),
        "",
        *_outcome(result, style),
        *(
            [f"next: searchapp model use {_word(result.output)}"]
            if result.is_in_place and not used
            else []
        ),
        *(
            style.paint(note[start:end], DIM)
            for note in (_note(result),)
            for start, end in wrapped(note, min(style.width or WIDEST, WIDEST))
        ),
    ]
    return joined(lines)


def step_text(step: TrainingStep) -> str:
    """How far the training is, at what rate, and how long the rest takes once enough is done to
    tell.
    """
    progress = (
        f"step {step.done:,}/{step.total:,}, {step.pairs_per_s:.1f} pairs/s, loss {step.loss:.3f}"
    )
    return (
        f"{progress}, about {human_duration(step.left_s)} left"
        if step.done_here >= _TELLING_STEPS
        else progress
    )


def embedding_text(done: int, total: int, took_s: float) -> str:
    """How far the embedding is that an evaluation takes."""
    return f"{done:,}/{total:,} texts, {done / max(took_s, 0.1):.0f}/s"


def _outcome(result: TuningResult, style: TerminalStyle) -> list[str]:
    beyond = f"beyond chance (p below {SIGNIFICANT:g})".replace("0.", ".")
    if result.is_in_place:
        verdict = (
            style.paint(f"better {beyond}", GREEN)
            if result.is_better
            else style.paint(f"not better {beyond}; put in place anyway", RED)
        )
        return [f"{verdict}: {_shown(result.output)}"]
    kept = (
        [f"it is kept at {_shown(result.kept)}; --force puts it in place without training again"]
        if result.kept
        else []
    )
    return [f"{style.paint(f'not better {beyond}', RED)}: not put in place", *kept]


def _note(result: TuningResult) -> str:
    """What was learned, and how far that was apart from what was asked."""
    dropped = (
        f" ({pluralize(result.dropped, 'question')} left out for that)" if result.dropped else ""
    )
    known = (
        f"; {result.familiar:,} of those held out have answers that were learned from, with "
        "other questions"
    )
    answers = known if result.familiar else ", or an answer to one"
    return (
        f"Learned from {pluralize(result.training_pairs, 'pair')}, of {_KINDS[result.kind]}. "
        f"None holds a question held out, or nearly one{dropped}{answers}. "
        "p: two-sided, paired, over nDCG@10."
    )


def _figures(score: Score) -> tuple[float, float, float]:
    return score.hits_at_1, score.evaluation.ndcg_at_10, score.evaluation.mrr_at_10


def _mode(score: Score) -> str:
    return score.evaluation.label


def _row(label: str, fields: Iterable[str]) -> str:
    return f"{label:<{_FIRST}}" + "".join(f"{field:>{_COLUMN}}" for field in fields)


def _shown(path: Path) -> str:
    return one_line(os.fsencode(path).decode("utf-8", "backslashreplace"))


def _word(path: Path) -> str:
    """A path as a word of a command line."""
    return shlex.quote(_shown(path))
