"""Questions in words: what a text asks of the keyword index.

A question's words are looked for each on its own, joined by OR; `"a phrase"` must stand in the
passage, `-word` must not, `title:word` means the document's title, and `rad*` any word that begins
so. What is written together, as `PT-6610` or `tideTable`, is looked for as one thing and in its
parts. Text without spaces between its words is looked for by pairs of characters. Pure; knows
nothing of FTS5.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from searchapp.lexical import (
    camel_parts,
    compounds,
    fold,
    is_code_like,
    is_mark,
    joined,
    spaced,
    words_of,
)
from searchapp.search.spelling import is_repairable
from searchapp.types.documents import Span
from searchapp.types.filters import Term

MOST_TERMS = 1000  # words of a question that are looked for; more take seconds
_MOST_REPAIRABLE = 20  # words of a question that are looked up among those of the corpus
_FIRST_PART = 100_000  # characters
K1 = 1.2  # FTS5's: a term that a passage holds many times is worth up to 1 + K1 of its IDF

# English words that stand in too many passages to tell them apart, and cost the most to look for.
STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        a about above after again against all am an and any are as at be because been before
        being below between both but by can could did do does doing down during each few for
        from further had has have having he her here hers herself him himself his how i if
        in into is it its itself just me more most my myself no nor not now of off on once
        only or other our ours ourselves out over own same she should so some such than that
        the their theirs them themselves then there these they this those through to too
        under until up very was we were what when where which while who whom why will with
        would you your yours yourself yourselves
        """,
    )
)

_PIECE = re.compile(
    r"""(?<!\S)(?P<minus>-(?=[^\W\d_]|"))?(?P<title>title:(?=["\w]))?"""
    # a quote without its other one is text
    r"""(?:"(?P<phrase>[^"\w]*\w[^"]*)"(?=[,.;:!?]*(?:\s|$))|(?P<plain>(?!(?<=[-:])")\S+))"""
)
_CURLY = str.maketrans("“”„", '"""')
_PREFIX = re.compile(r"[^\W_]{2,}\*")
_NUMBERED = re.compile(r"(?=.*\d)(?=.*[^\W\d_])[^\W_]{3,}|\d{5,}")  # p53, 0x80070005, 40217
_TWO_WORDS = re.compile(r"[^\W\d_]+/[^\W\d_]+|[^\W\d_]*[a-z]\.[A-Z][a-z]*")
_HANGUL = re.compile("[\uac00-\ud7a3]{2,}")
# What Korean writes at the end of a noun, longest first.
_PARTICLES = re.findall(
    r"\w+",
    """
    에게서 에서는 으로는 이라는 까지 부터 에서 에게 한테 으로 처럼 보다 마다 조차 이나 라도
    은 는 이 가 을 를 의 에 로 와 과 도 만 나
    """,
)


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """What a text asks for: what is embedded, and what is looked for word by word."""

    text: str  # without operators; "" where nothing is asked for, only against
    terms: tuple[Term, ...] = ()  # any of them, repeats kept
    holding: tuple[Term, ...] = ()  # phrases in quotes, and words of the title
    lacking: tuple[Term, ...] = ()

    @property
    def has_operators(self) -> bool:
        """Whether it says more than its words."""
        return bool(self.holding or self.lacking)


def parse(text: str) -> ParsedQuery:
    """What a text asks for, its operators understood; a text without any is embedded as it is."""
    kept: list[str] = []
    term_lists: dict[str, list[Term]] = {"terms": [], "holding": [], "lacking": []}
    for piece in _PIECE.finditer(text.translate(_CURLY)):
        phrase, is_title = piece["phrase"] or piece["plain"], piece["title"] is not None
        if piece["minus"]:
            term_lists["lacking"] += _phrase(phrase, is_title=is_title)
            continue
        kept.append(phrase)
        if is_title or piece["phrase"]:
            term_lists["holding"] += _phrase(phrase, is_title=is_title)
            term_lists["terms"] += _phrase(phrase, is_title=is_title)
        elif _PREFIX.fullmatch(phrase) and spaced(phrase) == phrase:
            term_lists["terms"].append(Term((fold(phrase[:-1]),), is_prefix=True))
        else:
            term_lists["terms"] += _terms(phrase)
    asked = ParsedQuery(
        " ".join(kept),
        *(
            tuple(terms)
            for terms in (
                telling_terms(term_lists["terms"]),
                term_lists["holding"],
                term_lists["lacking"],
            )
        ),
    )
    return asked if asked.has_operators else ParsedQuery(text, asked.terms)


def literal(text: str) -> ParsedQuery:
    """What a text asks for if it has no operators: it is embedded whole, and each of its words is
    looked for.
    """
    return ParsedQuery(text, tuple(telling_terms(_terms(text))))


def named(text: str, *, is_literal: bool = False) -> dict[str, Term]:
    """What a text asks for to the letter, as it is written: phrases in quotes, and what people mean
    as one thing, such as an identifier, a path, a version or an error number. In a literal text
    quotes and minus signs are signs like others.
    """
    quoted: dict[str, Term] = {}
    if not is_literal:
        pieces = [p for p in _PIECE.finditer(text.translate(_CURLY)) if not p["minus"]]
        quoted = {
            piece["phrase"].strip(): Term(tuple(word for word, _ in words_of(piece["phrase"])))
            for piece in pieces
            if piece["phrase"] and not piece["title"]
        }
        text = " ".join(piece["phrase"] or piece["plain"] for piece in pieces)
    compounded = {
        compound: Term(tuple(word for word, _ in words_of(compound)))
        for compound in compounds(fold(text))
        if is_code_like(compound)
    }
    numbered = {word: Term((word,)) for word, _ in words_of(text) if _NUMBERED.fullmatch(word)}
    parts = {word for term in compounded.values() for word in term.words if len(term.words) > 1}
    return quoted | compounded | {word: numbered[word] for word in numbered if word not in parts}


def may_be_plain(text: str) -> bool:
    """Whether what is written as one thing may be two ordinary words: `heating/boiler`, or a
    sentence that begins behind no space, `cold.Who`. Where it stands tells.
    """
    return _TWO_WORDS.fullmatch(text) is not None


def repairable(parsed: ParsedQuery) -> list[Term]:
    """The words of a question that may be mistyped: plain ones, of letters alone; not what is asked
    for to the letter, nor the parts of it.
    """
    exact = {word for term in parsed.holding for word in term.words}
    for compound in compounds(fold(parsed.text)):
        exact.update(word for word, _ in words_of(compound))
        exact.add(joined(compound))
    return [
        term
        for term in dict.fromkeys(parsed.terms)
        if term == Term(term.words[:1])
        and is_repairable(term.words[0])
        and term.words[0] not in exact
    ][:_MOST_REPAIRABLE]


def repaired(parsed: ParsedQuery, meant: Mapping[Term, str]) -> ParsedQuery:
    """The question with other words in the place of some."""
    text, after = parsed.text, 0
    for word, (start, end) in words_of(parsed.text):
        if other := meant.get(Term((word,))):
            text = f"{text[: start + after]}{other}{text[end + after :]}"
            after += len(other) - (end - start)
    terms = [Term((meant[term],)) if term in meant else term for term in parsed.terms]
    return replace(parsed, text=text, terms=tuple(telling_terms(terms)))


def stands_in(term: Term, text: str) -> bool:
    """Whether a text holds the words of a term in a row, written together or not."""
    parts = [part for word in term.words for part in camel_parts(word) or (word,)]
    pattern = r"[\W_]*".join(map(re.escape, parts))
    return re.search(rf"(?<![^\W_]){pattern}(?![^\W_])", fold(text), re.IGNORECASE) is not None


def telling(text: str, count: int) -> list[Term]:
    """The words that a long text has most often in its first part, stop words aside, at most so
    many: what it may be about.
    """
    return [
        term
        for term, _ in Counter(
            term for term in _words(text[:_FIRST_PART].casefold()) if not is_stop(term)
        ).most_common(count)
    ]


def telling_terms(terms: Sequence[Term]) -> list[Term]:
    """The terms without stop words, where others remain."""
    return [term for term in terms if not is_stop(term)] or list(terms)


def is_stop(term: Term) -> bool:
    """Whether a term is a word that stands in too many passages to tell them apart."""
    return len(term.words) == 1 and term.words[0].casefold() in STOP_WORDS


def words(text: str) -> list[tuple[Term, Span]]:
    """Each word of a text, as it is looked for on its own, with its span."""
    return [(Term((word,)), span) for word, span in words_of(text)]


def idf(frequency: int, passages: int) -> float:
    """A term's weight as FTS5's BM25 has it: ln((N - n + .5) / (n + .5)), and hardly anything where
    most passages hold it.
    """
    return max(math.log((passages - frequency + 0.5) / (frequency + 0.5)), 1e-6)


def rarity(frequency: int, passages: int) -> float:
    """A word's weight where it must not be negative: ln(1 + (N - n + .5) / (n + .5))."""
    return math.log(1 + (passages - frequency + 0.5) / (frequency + 0.5))


def ideal(frequencies: Sequence[int], passages: int) -> float:
    """More than any passage can score for terms of these frequencies: each of them held
    very often.
    """
    return (1 + K1) * sum(idf(frequency, passages) for frequency in frequencies)


def _phrase(text: str, *, is_title: bool) -> list[Term]:
    words = tuple(word for word, _ in words_of(text))
    return [Term(words, is_title=is_title)] if words else []


def _terms(text: str) -> list[Term]:
    """The words of a text, and what is written together of several."""
    whole = [term for compound in compounds(fold(text)) for term in _compound(compound)]
    return [*_words(text), *whole]


def _words(text: str) -> list[Term]:
    """The words of a text, each a term; of text without spaces, each pair of characters."""
    terms: list[Term] = []
    for run in _runs(text):
        terms += [Term(pair) for pair in pairwise(run)] or [_word(run[0])]
    return terms


def _word(word: str) -> Term:
    """A word alone; a Korean noun with any particle."""
    if not _HANGUL.fullmatch(word):
        return Term((word,))
    stems = (word.removesuffix(end) for end in _PARTICLES if word.endswith(end))
    return Term((next((stem for stem in stems if len(stem) > 1), word),), is_prefix=True)


def _compound(compound: str) -> list[Term]:
    """How a compound is looked for beside the words in it: as a whole, where people mean one thing
    by it the more often the more parts it has; and written as one word, which passages that have
    it with hyphens are found by too.
    """
    if compound.isalnum() and not is_code_like(compound):
        return []
    if parts := camel_parts(compound):
        return [Term((compound,))] * len(parts) + [Term((part,)) for part in parts]
    words = tuple(word for word, _ in words_of(compound))
    other = [Term((word,))] if (word := joined(compound)) else []
    if is_code_like(compound):
        return [Term(words)] * (len(words) + 1) + other
    return other or [Term(words)]


def _runs(text: str) -> Iterator[list[str]]:
    """Words, each alone, and whole stretches of text without spaces, a character an item."""
    run: list[str] = []
    end = -1  # of the stretch; -1 after a word
    for word, (start, stop) in words_of(text):
        is_unspaced = spaced(word) != word
        if run and not (
            is_unspaced and end >= 0 and all(is_mark(between) for between in text[end:start])
        ):
            yield run
            run = []
        run.append(word)
        end = stop if is_unspaced else -1
    if run:
        yield run
