"""How FTS5 is asked: the keyword index, its statements and its query language; and the vocabulary
beside it, as the index keeps stems and no words; and the languages that it has stems in, as the
tokenizer's are English.

What the user typed never reaches MATCH: only words in quotes do, which this module puts there. The
words of a question come from `search.query_parser`, which knows nothing of FTS5.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, TypeAlias

from searchapp.search import spelling
from searchapp.search.stemming import alternatives, english_token, stemmed
from searchapp.types.filters import Term

# of a passage: its id, the columns, and the code of its language
Row: TypeAlias = tuple[int | str, ...]
COLUMNS = "title, headings, body, name, forms"
TABLE = f"fts5({COLUMNS}, content='', tokenize='porter unicode61 remove_diacritics 2')"
VOCABULARY = (
    "CREATE TABLE vocabulary (word TEXT, written TEXT, passages INTEGER, "
    "PRIMARY KEY (word, written))"
)
# The languages, by code, in which passages stand in the index by stems not of the tokenizer's.
STEMMED_LANGUAGES = "CREATE TABLE stemmed_language (language TEXT PRIMARY KEY)"
# Values: a row without its language.
_INSERT = f"INSERT INTO keywords(rowid, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"
# Values: those that the row was given, as the table itself holds no text.
_DELETE = f"INSERT INTO keywords(keywords, rowid, {COLUMNS}) VALUES ('delete', ?, ?, ?, ?, ?, ?)"
_COUNT = """
    INSERT INTO vocabulary(word, written, passages) VALUES (?, ?, ?)
    ON CONFLICT(word, written) DO UPDATE SET passages = passages + excluded.passages
"""
_CLEAR = "DELETE FROM vocabulary WHERE word = ? AND written = ? AND passages < 1"
# Ordered best first; the title counts twice, as a word there says more of a passage than one in it.
# bm25() itself is sorted by, as it is asked only of what passes the rest of the condition; `rank`
# is asked of all. Values: expression, count.
TOP = (
    "SELECT rowid AS id, -bm25(keywords, 2.0, 1.0, 1.0, 1.0, 1.0) AS score FROM keywords "
    "WHERE keywords MATCH ?1 {also} ORDER BY score DESC LIMIT ?2"
)
# Values, after those: an expression. The plus keeps SQLite from asking for its passages one by one.
AMONG = "AND +rowid IN (SELECT rowid FROM keywords WHERE keywords MATCH ?3)"


# The passages that hold each of a JSON array of expressions. Values: the array.
HOLDING = (
    "SELECT j.key AS key, k.rowid AS id FROM json_each(?) j CROSS JOIN keywords k "
    "WHERE k.keywords MATCH j.value"
)
# Of each of a JSON array of expressions, with a word that may be mistyped and one that the
# vocabulary may have, or null: how many passages hold it; of the first of them which, at most so
# many; and where none does, the word of the vocabulary that may be meant, the one in most passages,
# with their number. To ask FTS5 takes longer than what it answers: a word that the vocabulary has
# in more than a few passages is not looked up, and the passages of any other once. The outer WHERE
# keeps SQLite from looking them up once more for each time that they are named.
# Values: whether all are counted, how many expressions are listed, of how many passages each, how
# many are few, the array.
OCCURRENCES = """
    SELECT asked.key,
           CASE WHEN asked.ids IS NULL THEN asked.known
                WHEN ?1 AND json_array_length(asked.ids) = ?3 THEN (
                    SELECT count(*) FROM keywords WHERE keywords MATCH asked.expression
                )
                ELSE json_array_length(asked.ids) END,
           CASE WHEN asked.key < ?2 THEN coalesce(asked.ids, '[]') END,
           CASE WHEN asked.word IS NOT NULL AND asked.ids = '[]' THEN (
               SELECT json_array(
                   written,
                   (SELECT count(*) FROM keywords WHERE keywords MATCH as_asked(written))
               )
               FROM (
                   SELECT v.written FROM json_each(one_edit_away(asked.word)) e
                   CROSS JOIN vocabulary v ON v.word = e.value
                   ORDER BY v.passages DESC, v.word, v.written LIMIT 1
               )
           ) END
    FROM (
        SELECT key, expression, word, known,
               CASE WHEN coalesce(known, 0) <= ?4 THEN (
                   SELECT json_group_array(id) FROM (
                       SELECT rowid AS id FROM keywords WHERE keywords MATCH expression LIMIT ?3
                   )
               ) END AS ids
        FROM (
            SELECT key, json_extract(value, '$[0]') AS expression,
                   json_extract(value, '$[1]') AS word,
                   (
                       SELECT sum(passages) FROM vocabulary v
                       WHERE v.word = json_extract(value, '$[2]')
                   ) AS known
            FROM json_each(?5) LIMIT -1
        ) WHERE key >= 0 LIMIT -1
    ) asked WHERE asked.key >= 0 ORDER BY asked.key
"""


def prepare(database: sqlite3.Connection, languages: Sequence[str]) -> None:
    """Give a connection the functions that these statements call: terms are looked for by their
    stems in these languages too.
    """
    database.create_function(
        "one_edit_away",
        1,
        lambda word: json.dumps(sorted(spelling.one_edit_away(word))),
        deterministic=True,
    )
    database.create_function(
        "as_asked",
        1,
        lambda word: expression([Term((word,))], languages),
        deterministic=True,
    )


def add(
    execute: Callable[[str, Any], object], rows: Sequence[Row], languages: Collection[str]
) -> None:
    """Take passages' rows into the index and the vocabulary, those in some languages by their
    stems. `execute` runs a statement once for each of some values.
    """
    if rows:
        execute(_INSERT, _by_stems(rows, languages))
    if words := _vocabulary(rows):
        execute(_COUNT, words)


def take_out(
    execute: Callable[[str, Any], object], rows: Sequence[Row], languages: Collection[str]
) -> None:
    """Take the rows of passages out of both; the languages are those that they were added with."""
    if rows:
        execute(_DELETE, _by_stems(rows, languages))
    if words := _vocabulary(rows):
        execute(_COUNT, [(word, written, -passages) for word, written, passages in words])
        execute(_CLEAR, [(word, written) for word, written, _ in words])


def asked(
    terms: Iterable[Term],
    repairable: Iterable[Term],
    languages: Sequence[str],
    *,
    counts_all: bool,
) -> str:
    """Terms as OCCURRENCES takes them; with the words of those that may be mistyped and, where not
    all passages are to be counted, as the vocabulary has them.
    """
    words = {term: term.words[0] for term in repairable}
    return json.dumps(
        [
            [
                expression([term], languages),
                words.get(term),
                None
                if counts_all or term != Term(term.words[:1])
                else spelling.bare(term.words[0]),
            ]
            for term in terms
        ]
    )


def _vocabulary(rows: Iterable[Row]) -> list[tuple[str, str, int]]:
    return spelling.vocabulary([str(column) for column in row[1:-1]] for row in rows)


def _by_stems(rows: Iterable[Row], languages: Collection[str]) -> list[Row]:
    """The rows as the index takes them: without their languages, with stems in place of words of
    these languages.
    """
    return [
        (row_id, *(stemmed(str(column), str(language)) for column in columns))
        if language in languages
        else (row_id, *columns)
        for row_id, *columns, language in rows
    ]


def expression(terms: Iterable[Term], languages: Sequence[str] = ()) -> str:
    """The terms as FTS5 takes them, and by their stems in these languages, joined by OR; words
    alone reach it, each phrase in quotes.
    """
    return any_of(phrases(terms, languages))


def phrases(terms: Iterable[Term], languages: Sequence[str] = ()) -> list[str]:
    """What `expression` joins."""
    if languages:
        terms = [form for term in terms for form in alternatives(term, languages, english_token)]
    return [
        f'{"title : " if term.is_title else ""}"{" ".join(term.words)}"{" *" * term.is_prefix}'
        for term in terms
    ]


def any_of(phrases: Iterable[str]) -> str:
    """The expression for what holds any of the phrases."""
    return " OR ".join(phrases)
