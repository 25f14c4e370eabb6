"""Why two texts are as near as they are: what their words add to the cosine, which of them match,
and what attends to what.

Where a model pools by mean, each text's vector is the sum of its token states, h and g, brought to
unit length, so the cosine of two texts is the sum over all pairs of tokens of h_i . g_j / (|sum of
h| |sum of g|): what each word adds together with each word of the other text, exactly, and the sums
over rows and columns are what each word adds at all. Attention is inside one text: an encoder reads
the two apart. Computed in float64. Knows nothing of how anything is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from searchapp.encoders.word_alignment import words_of
from searchapp.errors import EmptyQuery
from searchapp.linalg import unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from searchapp.encoders.encoder import Encoder
    from searchapp.types.vectors import ForwardPass, Vector

MOST_TOKENS = 256  # of a text that are looked at: attention takes memory with their square
# What the attention of a word can go to; the first and last token only if special.
ATTENTION_PATTERNS = ("first", "last", "itself", "previous", "next", "rest")

# Between a vector and the direction of the mean: a cosine of two is then off by 1e-5 at most.
_EXACT = 5e-6


@dataclass(frozen=True, slots=True)
class TextUnit:
    """A word as written, or a token that belongs to no word: a special token, part of a prompt,
    white space.
    """

    label: str
    start: int  # of text[start:end]; equal to end where it is no word
    end: int
    tokens: tuple[int, ...]  # their positions

    @property
    def is_word(self) -> bool:
        """Whether it stands for something in the text."""
        return self.start < self.end

    @property
    def is_sign(self) -> bool:
        """Whether it has no letter and no digit."""
        return not any(map(str.isalnum, self.label))


@dataclass(frozen=True, slots=True)
class NearestWord:
    """The word of the other text that is nearest to a word, by the means of their states in
    context.
    """

    unit: int  # its position among the other text's units
    cosine: float
    is_mutual: bool  # it is in turn nearest to this word


@dataclass(frozen=True, slots=True, eq=False)
class TextSide:
    """One text of a pair as the model read it, in u units that hold all of its tokens."""

    text: str  # as far as it was read
    left_out: int  # code points behind that, over the model's limit
    units: tuple[TextUnit, ...]
    # (u,) None for what is no word, and where the other text has none
    nearest: tuple[NearestWord | None, ...]
    # (layers, heads, u, u) how much each unit, a row, takes from each; rows add up to 1
    attention: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class PairAttribution:
    """Two texts, a of m units and b of n, and what their cosine is made of."""

    cosine: float
    a: TextSide
    b: TextSide
    similarities: NDArray[np.float64]  # (m, n) cosines between the units' mean states
    # (m, n) what each pair adds to the cosine; None where vectors are no means of token states
    products: NDArray[np.float64] | None

    @property
    def shares(self) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """What each unit of a, (m,), and of b, (n,), adds to the cosine."""
        return (
            None
            if self.products is None
            else (self.products.sum(axis=1), self.products.sum(axis=0))
        )


@dataclass(frozen=True, slots=True)
class UnitGroup:
    """One row or column: a word of a text, or several of its units together."""

    kind: Literal["word", "others", "special"]
    units: tuple[int, ...]


def explain(texts: Sequence[str], encoder: Encoder) -> PairAttribution:
    """The attribution of two texts by a model; each is cut at the limit of the model, or at
    `MOST_TOKENS`. Raises EmptyQuery for a text without any token.
    """
    read = [_read(text, encoder) for text in texts]
    insides = [encoder.forward_pass(text) for text in read]
    left_out = [len(text) - len(part) for text, part in zip(texts, read, strict=True)]
    return compare(read, insides, encoder.encode_sentences(read, truncate=True), left_out=left_out)


def compare(
    texts: Sequence[str],
    insides: Sequence[ForwardPass],
    vectors: Iterable[Vector],
    *,
    left_out: Sequence[int] = (0, 0),
) -> PairAttribution:
    """The attribution of two texts. `insides` is the forward pass of each, and `vectors`, (dim,),
    are their embeddings, of any length but 0.
    """
    directions = [unit(vector.astype(np.float64)) for vector in vectors]  # (dim,) each
    units = [_units(inside, text) for text, inside in zip(texts, insides, strict=True)]
    # (m, dim), (n, dim)
    sums = [_sums(inside, text_units) for inside, text_units in zip(insides, units, strict=True)]
    similarities = unit(sums[0]) @ unit(sums[1]).T  # (m, n)
    products = _products(*sums) if all(map(_is_mean, directions, sums)) else None
    sides = [
        TextSide(text, left, text_units, nearest, _attention(inside, text_units))
        for text, left, text_units, nearest, inside in zip(
            texts, left_out, units, _nearest(similarities, *units), insides, strict=True
        )
    ]
    cosine = float(directions[0] @ directions[1] if products is None else products.sum())
    return PairAttribution(cosine, sides[0], sides[1], similarities, products)


def attention_patterns(side: TextSide) -> NDArray[np.float64]:
    """How much of its words' attention each head gives to each of `ATTENTION_PATTERNS`, on average,
    (layers, heads, 6); they add up to 1.

    Attention to a special first or last token counts as "first" or "last", even if that token is
    next to the word. All are 0 where there is no word.
    """
    size, words = len(side.units), [at for at, unit in enumerate(side.units) if unit.is_word]
    kinds = np.full((size, size), ATTENTION_PATTERNS.index("rest"))
    for name, shift in (("itself", 0), ("previous", -1), ("next", 1)):
        rows = np.arange(max(0, -shift), min(size, size - shift))
        kinds[rows, rows + shift] = ATTENTION_PATTERNS.index(name)
    for name, at in (("last", -1), ("first", 0)):
        if not side.units[at].is_word:
            kinds[:, at] = ATTENTION_PATTERNS.index(name)
    rows_of_words = side.attention[:, :, words, :]
    sums = [
        np.where(kinds[words] == kind, rows_of_words, 0).sum(axis=(2, 3))
        for kind in range(len(ATTENTION_PATTERNS))
    ]  # (layers, heads) each
    return np.stack(sums, axis=-1) / max(1, len(words))


def unit_strengths(side: TextSide, shares: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """The strength that units are chosen by, (u,): the size of their shares, or the cosine with
    their nearest word where there are no shares.
    """
    if shares is not None:
        return np.abs(shares)
    return np.array([-1.0 if nearest is None else nearest.cosine for nearest in side.nearest])


def group_units(side: TextSide, strength: NDArray[np.float64], most: int) -> list[UnitGroup]:
    """The strongest words of a text, in its order, then all other words together, then all that is
    no word; every unit is in one group.
    """
    words = [at for at, unit in enumerate(side.units) if unit.is_word]
    chosen = set(sorted(words, key=lambda at: (-strength[at], at))[:most])
    others = tuple(at for at in words if at not in chosen)
    special = tuple(at for at, unit in enumerate(side.units) if not unit.is_word)
    together = [UnitGroup("others", others)] * bool(others) + [
        UnitGroup("special", special)
    ] * bool(special)
    return [UnitGroup("word", (at,)) for at in sorted(chosen)] + together


# ---- private -------------------------------------------------------------------------------------


def _read(text: str, encoder: Encoder) -> str:
    """The part of a text that is read: its beginning, if it is too long."""
    [spans] = encoder.text_encoder.tokenize([text])
    if not spans:
        raise EmptyQuery(
            "one of the texts holds nothing to read", hint="give two texts, or two files"
        )
    limit = min(encoder.identity.max_tokens, MOST_TOKENS)
    return text if len(spans) <= limit else text[: spans[limit - 1][1]]


def _units(inside: ForwardPass, text: str) -> tuple[TextUnit, ...]:
    """The words of a text and, each on its own, the tokens that belong to none, in order."""
    words = words_of(inside.offsets, text)
    units = [
        TextUnit(text[word.start : word.end], word.start, word.end, word.tokens) for word in words
    ]
    rest = set(range(len(inside.tokens))) - {token for word in words for token in word.tokens}
    units += [TextUnit(inside.tokens[token], 0, 0, (token,)) for token in rest]
    return tuple(sorted(units, key=lambda unit: unit.tokens))


def _sums(inside: ForwardPass, units: Sequence[TextUnit]) -> NDArray[np.float64]:
    """The last states of the tokens of each unit, (t, dim), added up, (u, dim)."""
    states = inside.hidden_states[-1].astype(np.float64)
    return np.array([states[list(unit.tokens)].sum(axis=0) for unit in units])


def _is_mean(direction: NDArray[np.float64], sums: NDArray[np.float64]) -> bool:
    """Whether the vector of a text is the mean of its states, so nearly that its shares add up to
    its cosines; False where the states cancel out.
    """
    total = sums.sum(axis=0)
    return bool(total.any() and np.linalg.norm(direction - unit(total)) <= _EXACT)


def _products(sums_a: NDArray[np.float64], sums_b: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each pair of units adds to the cosine, (m, n)."""
    lengths = float(np.linalg.norm(sums_a.sum(axis=0)) * np.linalg.norm(sums_b.sum(axis=0)))
    products: NDArray[np.float64] = sums_a @ sums_b.T / lengths
    return products


def _nearest(
    cosines: NDArray[np.float64], units_a: Sequence[TextUnit], units_b: Sequence[TextUnit]
) -> tuple[tuple[NearestWord | None, ...], tuple[NearestWord | None, ...]]:
    """The nearest word of the other text for each word, for both texts; `cosines` is (m, n). Signs
    are compared with signs, words with words.
    """
    kinds_a, kinds_b = (
        [(unit.is_word, unit.is_word and unit.is_sign) for unit in units]
        for units in (units_a, units_b)
    )
    may_match = np.array([[a == b and a[0] for b in kinds_b] for a in kinds_a])  # (m, n)
    allowed = np.where(may_match, cosines, -np.inf)
    to_b, to_a = allowed.argmax(axis=1), allowed.argmax(axis=0)  # the first of equals

    def neighbor(a: int, b: int, unit: int) -> NearestWord | None:
        return (
            NearestWord(unit, float(cosines[a, b]), bool(to_b[a] == b and to_a[b] == a))
            if may_match[a, b]
            else None
        )

    return tuple(neighbor(a, int(b), int(b)) for a, b in enumerate(to_b)), tuple(
        neighbor(int(a), b, int(a)) for b, a in enumerate(to_a)
    )


def _attention(inside: ForwardPass, units: Sequence[TextUnit]) -> NDArray[np.float64]:
    """Attention between units, (layers, heads, u, u): from the pieces of a word on average, to them
    in sum.

    So rows still add up to 1 (Clark et al. 2019, section 4.1).
    """
    sums = np.zeros((len(units), len(inside.offsets)))  # (u, t)
    for at, text_unit in enumerate(units):
        sums[at, list(text_unit.tokens)] = 1
    means = sums / sums.sum(axis=1, keepdims=True)
    # (layers, heads, u, u)
    between: NDArray[np.float64] = means @ inside.attentions.astype(np.float64) @ sums.T
    return between
