"""Whether the model of a corpus speaks the languages of its documents, and how questions are
answered where it does not: by words and meaning together, and a note says so.

Knows models by their names, and nothing of how they work.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from searchapp.types.languages import by_code
from searchapp.types.model_names import DEFAULT_MODEL, MULTILINGUAL

if TYPE_CHECKING:
    from searchapp.search.query import Query
    from searchapp.types.protocols import CatalogReader

# by model; others are taken to speak all
SPOKEN: Mapping[str, frozenset[str]] = {DEFAULT_MODEL: frozenset({"en"})}

_MOST_NAMED = 3  # languages
# of the keyword leg where the model does not speak the language: words say more than vectors
TRUSTED_WEIGHT = 0.8
_SETTINGS = {"mode": "hybrid", "weight": str(TRUSTED_WEIGHT)}


def unspoken_languages(reader: CatalogReader) -> tuple[str, ...]:
    """The languages that the corpus's model does not speak, the most frequent one first, where most
    documents are in such; none elsewhere.
    """
    spoken = SPOKEN.get(reader.encoder.model) if reader.encoder else None
    if spoken is None:
        return ()
    counts = by_code(reader.languages(sampled=True))
    foreign = {code: n for code, n in counts.items() if code and code not in spoken}
    if 2 * sum(foreign.values()) <= counts.total():
        return ()
    return tuple(sorted(foreign, key=lambda code: (-foreign[code], code)))


def resolved(
    question: Query, reader: CatalogReader, defaults: Mapping[str, str]
) -> tuple[Query, list[str]]:
    """The question with what it leaves open decided by the corpus, its languages, and the defaults;
    and what is to be said of that.
    """
    languages = unspoken_languages(reader)
    chosen = {**(_SETTINGS if languages else {}), **defaults, **reader.settings()}
    query = question.resolved(chosen, passages=reader.counts()[1])
    if not languages or query.mode == "keyword":
        return query, []
    is_chosen = question.mode or "mode" in {**defaults, **reader.settings()}
    how = "" if is_chosen else ", so words count for more (mode hybrid)"
    return query, [f"{_said(languages)}{how}: {_CURE}"]


def ingest_notes(reader: CatalogReader) -> list[str]:
    """What is to be said after an ingest: that most documents are in languages that the model does
    not speak.
    """
    languages = unspoken_languages(reader)
    return [f"{_said(languages)}: {_CURE}"] if languages else []


_CURE = f"`searchapp model use {MULTILINGUAL}` takes a model that does"


def _said(languages: tuple[str, ...]) -> str:
    named = ", ".join(languages[:_MOST_NAMED])
    more = " and others" if len(languages) > _MOST_NAMED else ""
    return f"most documents are in languages that the model was not trained on ({named}{more})"
