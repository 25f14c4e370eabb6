"""How the words for a gap look: a table for people, values for JSON. Pure, as `answers` is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from searchapp.humanize import one_line
from searchapp.output.terminal import (
    BOLD,
    CYAN,
    DIM,
    PLAIN,
    WIDEST,
    TerminalStyle,
    display_width,
    joined,
    truncate,
    wrapped,
)

if TYPE_CHECKING:
    from searchapp.analysis.fill_mask import Gap, Guess

_APART = "each gap is filled by itself, while the others stay open"
_BAR, _WORD = 30, 24  # columns, at most


def gaps_json(model: str, text: str, gaps: Iterable[Gap]) -> dict[str, object]:
    """The gaps of a text for programs; `is_piece` says that the token continues the word before the
    gap.
    """
    return {"model": model, "text": text, "gaps": [_gap_json(gap) for gap in gaps]}


def gaps_text(text: str, gaps: Sequence[Gap], style: TerminalStyle = PLAIN) -> str:
    """A token on each line with its probability, gap by gap. Without a width: the number of the
    gap, the token and its probability, separated by tabs.
    """
    if style.width is None:
        rows = ((at, guess) for at, gap in enumerate(gaps, 1) for guess in gap.guesses)
        return joined(f"{at}\t{_shown(guess)}\t{guess.probability:.6f}" for at, guess in rows)
    width = min(style.width, WIDEST)
    numbered = _with_numbers(text, gaps)
    lines = [style.paint(numbered[start:end], BOLD) for start, end in wrapped(numbered, width)]
    left = max(
        display_width(truncate(_shown(guess), _WORD)) for gap in gaps for guess in gap.guesses
    )
    for at, gap in enumerate(gaps, 1):
        lines += ["", *([style.paint(f"gap {at}", DIM)] if len(gaps) > 1 else [])]
        lines += [
            _line(guess, left, max(4, min(_BAR, width - left - 10)), style) for guess in gap.guesses
        ]
    if len(gaps) > 1:
        lines += [
            "",
            *(style.paint(_APART[start:end], DIM) for start, end in wrapped(_APART, width)),
        ]
    return joined(lines)


def _line(guess: Guess, left: int, columns: int, style: TerminalStyle) -> str:
    word = truncate(_shown(guess), _WORD)
    bar = "█" * round(guess.probability * columns)
    shown = f"{word}{' ' * (left - display_width(word))}  {guess.probability:>6.1%}"
    return f"{shown}  {style.paint(bar, CYAN)}".rstrip()


def _with_numbers(text: str, gaps: Sequence[Gap]) -> str:
    """The text on one line, its gaps as blanks to fill in, with numbers where there are several."""
    parts, at = [], 0
    for number, gap in enumerate(gaps, 1):
        parts += [text[at : gap.start], f"_{number}_" if len(gaps) > 1 else "____"]
        at = gap.end
    return one_line("".join([*parts, text[at:]]))


def _shown(guess: Guess) -> str:
    """A token as a word, after an ellipsis if it continues the word before."""
    return ("…" if guess.is_piece else "") + (one_line(guess.word) or one_line(guess.token))


def _gap_json(gap: Gap) -> dict[str, object]:
    guesses = [
        {
            "word": guess.word,
            "token": guess.token,
            "probability": round(guess.probability, 8),
            "is_piece": guess.is_piece,
        }
        for guess in gap.guesses
    ]
    return {"start": gap.start, "end": gap.end, "guesses": guesses}
