"""How FTS5 is asked: the keyword index, its statements and its query language.

What the user typed never reaches MATCH: only words in quotes do, which this module puts there. The
words of a question come from `search.query_parser`, which knows nothing of FTS5.
"""

from __future__ import annotations

from collections.abc import Iterable

from searchapp.types.filters import Term

# a row a passage
COLUMNS = "title, headings, body, name, forms"
TABLE = f"fts5({COLUMNS}, content='', tokenize='porter unicode61 remove_diacritics 2')"
INSERT = f"INSERT INTO keywords(rowid, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"
# Values: those that the row was given, as the table itself holds no text.
DELETE = f"INSERT INTO keywords(keywords, rowid, {COLUMNS}) VALUES ('delete', ?, ?, ?, ?, ?, ?)"
# Ordered best first; the title counts twice, as a word there says more of a passage than one in it.
# Values: expression, count.
TOP = (
    "SELECT rowid AS id, -rank AS score FROM keywords "
    "WHERE keywords MATCH ? AND rank MATCH 'bm25(2.0, 1.0, 1.0, 1.0, 1.0)' {also} "
    "ORDER BY rank LIMIT ?"
)


# The passages that hold each of a JSON array of expressions. Values: the array.
HOLDING = (
    "SELECT j.key AS key, k.rowid AS id FROM json_each(?) j CROSS JOIN keywords k "
    "WHERE k.keywords MATCH j.value"
)
# How many passages hold each of a JSON array of expressions, and for the first of them which, at
# most so many. Values: how many are listed, of how many passages each, the array.
OCCURRENCES = """
    SELECT j.key, (SELECT count(*) FROM keywords WHERE keywords MATCH j.value),
           CASE WHEN j.key < ? THEN (
               SELECT json_group_array(id) FROM (
                   SELECT rowid AS id FROM keywords WHERE keywords MATCH j.value LIMIT ?
               )
           ) END
    FROM json_each(?) j ORDER BY j.key
"""


def expression(terms: Iterable[Term]) -> str:
    """The terms as FTS5 takes them, joined by OR; words alone reach it, each phrase in quotes."""
    return " OR ".join(
        f'{"title : " if term.is_title else ""}"{" ".join(term.words)}"{" *" * term.is_prefix}'
        for term in terms
    )
