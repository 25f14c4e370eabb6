"""Stems of words in languages other than English; English ones the keyword index makes itself.

A document in such a language, where it is that of a share of the corpus's documents, stands in the
index with the stem of each word in the word's place. A term of a question is looked for as it is
written and by its stem in each of these languages. Stems are Snowball's
(https://snowballstem.org). Pure; knows nothing of FTS5.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache

from searchapp.search.spelling import bare
from searchapp.types.filters import Term
from searchapp.types.languages import by_code

# By the code of a language, its algorithm. Of the languages whose vowels are marks and no letters,
# as Hindi, Nepali, Tamil and Yiddish, the keyword index takes words apart: they have none.
_ALGORITHMS: Mapping[str, str] = {
    "ar": "arabic",
    "ca": "catalan",
    "cs": "czech",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "eo": "esperanto",
    "es": "spanish",
    "et": "estonian",
    "eu": "basque",
    "fa": "persian",
    "fi": "finnish",
    "fr": "french",
    "ga": "irish",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "lt": "lithuanian",
    "nl": "dutch",
    "no": "norwegian",
    "pl": "polish",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "st": "sesotho",
    "sv": "swedish",
    "tr": "turkish",
}
_MARKS = "\u0300-\u036f"  # that no letter is composed with
_LETTERS = re.compile(rf"(?<![^\W_])(?<![{_MARKS}])[^\W\d_]++(?![^\W_]|[{_MARKS}])")


# The share of a corpus's documents from which on a language is stemmed, and below which it is no
# more; docs/decisions/027-stems.md has what stems are worth to a question in the language, and what
# they cost one in another.
LEAST_SHARE = 0.1
KEPT_SHARE = 0.05


def languages_to_stem(documents: Mapping[str, int], before: Collection[str] = ()) -> frozenset[str]:
    """The languages, by code, whose documents are to stand in the keyword index by their stems, of
    a corpus with so many documents by what they say is their language; `before` they were these.
    """
    counts = by_code(documents)
    return frozenset(
        code
        for code, count in counts.items()
        if code in _ALGORITHMS
        and count >= (KEPT_SHARE if code in before else LEAST_SHARE) * counts.total()
    )


def can_be_stemmed(language: str) -> bool:
    """Whether there are stems for a language, by its code."""
    return language in _ALGORITHMS


def stemmed(text: str, language: str) -> str:
    """A folded text with the stem of each word of letters alone in its place."""
    stem = _stemmer(_ALGORITHMS[language])
    return _LETTERS.sub(lambda word: stem(word[0].lower()), text)


def alternatives(
    term: Term, languages: Iterable[str], token: Callable[[str], str] = bare
) -> list[Term]:
    """A term as it is written and by its stems in these languages, each form once: `token` is what
    an index makes of a word.
    """
    forms: dict[tuple[str, ...], Term] = {}
    for words in (term.words, *(_stems(term.words, language) for language in languages)):
        forms.setdefault(tuple(map(token, words)), term._replace(words=words))
    return list(forms.values())


@lru_cache(maxsize=10_000)
def english_token(word: str) -> str:
    """What the keyword index makes of a word: its Porter stem, without case and accents."""
    return _stemmer("porter")(bare(word))


def _stems(words: tuple[str, ...], language: str) -> tuple[str, ...]:
    return tuple(stemmed(word, language) for word in words)


def _stemmer(algorithm: str) -> Callable[[str], str]:
    """A stemmer of its own, as no two threads may use one; it takes no time to make."""
    import Stemmer

    stem: Callable[[str], str] = Stemmer.Stemmer(algorithm, 0).stemWord
    return stem
