"""The words that a model would put in a gap, with their probabilities: what it was pre-trained to
do.

It takes a checkpoint with a masked-language-model head, which most encoders have lost; whether one
has it is read from the header of its weights, before torch is imported. Each gap is filled by
itself, while the others stay open (Devlin et al. 2019, section 3.1).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from searchapp.encoders.model_folder import find_model
from searchapp.encoders.model_info import read_model_info
from searchapp.encoders.torch_engine import read_model, token_probabilities
from searchapp.errors import EncoderError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    from searchapp.encoders.model_folder import ModelFolder

MASKS = ("[MASK]", "<mask>")  # as people write a gap, whatever the model calls it
# before a token that begins a word, in vocabularies of bytes and of sentence pieces
_BEGINS = ("Ġ", "▁")
_GAP = re.compile("|".join(map(re.escape, MASKS)), re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Guess:
    """A token that may stand in a gap."""

    word: str  # without the signs that a vocabulary puts on its pieces
    token: str  # as the vocabulary has it
    probability: float
    is_piece: bool  # it goes on with the word before the gap


@dataclass(frozen=True, slots=True)
class Gap:
    """A gap in a text, `text[start:end]`, and what may stand there, the likeliest first."""

    start: int
    end: int
    guesses: tuple[Guess, ...]


def predict(text: str, *, cache: Path, model: str = "default", k: int = 10) -> list[Gap]:
    """The gaps of a text, in order, each with its k likeliest tokens; gaps are written [MASK] or
    <mask>.

    Raises UsageError for a text without a gap or over the model's limit, EncoderError for a model
    that has no head to fill one, or cannot be loaded.
    """
    gaps = [match.span() for match in _GAP.finditer(text)]
    if not gaps:
        raise UsageError(
            "the text has no gap",
            hint='write [MASK] where a word is missing: "The capital of France is [MASK]."',
        )
    if not read_model_info(model, cache).has_masked_head:
        raise _headless(model)
    folder = find_model(model, cache=cache)
    _, tokenizer = read_model(folder)
    mask = _mask(tokenizer, folder)
    ids = tokenizer.encode(_GAP.sub(lambda _: mask, text)).ids
    _refuse_long(len(ids), folder.max_length)
    places = [at for at, number in enumerate(ids) if number == tokenizer.token_to_id(mask)]
    if len(places) != len(gaps):
        raise EncoderError(
            f"The tokenizer in {folder.path} does not keep its mask in one piece.",
            hint="Use its publisher's copy.",
        )
    rows = token_probabilities(folder, ids, places)
    return [
        Gap(start, end, _guesses(text[:start], row, tokenizer, k))
        for (start, end), row in zip(gaps, rows, strict=True)
    ]


# ---- private -------------------------------------------------------------------------------------


def _headless(model: str) -> EncoderError:
    which = "The default model" if model == "default" else f"The model {model}"
    return EncoderError(
        f"{which} cannot fill gaps: its weights lack a masked-language-model head.",
        hint="Name a checkpoint as it was pre-trained, as --model google-bert/bert-base-uncased; "
        "`searchapp model show` tells which can.",
    )


def _mask(tokenizer: Tokenizer, folder: ModelFolder) -> str:
    """The mask token of the model."""
    mask = next((name for name in MASKS if tokenizer.token_to_id(name) is not None), None)
    if mask is None:
        raise EncoderError(
            f"The tokenizer in {folder.path} has no token for a gap.",
            hint="Use the model with its own tokenizer.",
        )
    return mask


def _refuse_long(tokens: int, most: int) -> None:
    if tokens > most:
        hint = f"leave out some words away from the gap: it is {tokens - most} tokens over"
        raise UsageError(
            f"the text is longer than the {most} tokens that the model reads", hint=hint
        )


def _guesses(
    before: str, row: NDArray[np.float64], tokenizer: Tokenizer, k: int
) -> tuple[Guess, ...]:
    """The likeliest tokens after a text; ties in the order of the vocabulary."""
    # Vocabularies mark either what begins a word (Ġ, ▁) or what goes on with one (##).
    marks_beginnings = any(
        len(token) > 1 and token[0] in _BEGINS for token in tokenizer.get_vocab()
    )
    is_after_word = before.rstrip()[-1:].isalnum()  # a mask takes the white space before it
    guesses = []
    for number in np.argsort(-row, kind="stable")[:k].tolist():
        # a head may be wider than its vocabulary
        token = tokenizer.id_to_token(number) or f"[{number}]"
        decoded = tokenizer.decode([number], skip_special_tokens=False).strip()
        word = decoded if decoded and "\ufffd" not in decoded else token
        is_piece = token.startswith("##") or (
            marks_beginnings and is_after_word and token[0] not in _BEGINS and word[0].isalnum()
        )
        guesses.append(Guess(word.removeprefix("##"), token, float(row[number]), is_piece))
    return tuple(guesses)
