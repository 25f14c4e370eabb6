"""What can be said with a question, once for every face: the command line, the API, assistants.

Each option has its name in requests, its flag on the command line, the keyword that `Query.parse`
takes it by, its bounds and its help. Light, as every command line imports it; knows no face.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

Kind = Literal["text", "integer", "number", "flag"]

MODES = ("cosine", "keyword", "hybrid", "best")
FACETS = ("type", "folder", "year", "label")
MOST_INTEGER = 2**63 - 1  # as large as an id can be
MOST_MATCHES = 100  # of one answer to a program; the command line has no such limit


class Option(NamedTuple):
    """One thing that can be said with a question."""

    name: str  # in requests; "" where only the command line has it
    keyword: str  # of `Query.parse`
    kind: Kind
    help: str
    flag: str = ""  # "" where only requests have it
    metavar: str | None = None  # on the command line
    is_repeatable: bool = False
    least: float | None = None
    most: float | None = None  # in requests
    choices: tuple[str, ...] = ()
    pattern: str = ""  # of a text in a request, where not every text makes sense
    is_date: bool = False


# Texts of requests, as regular expressions that Python and JSON Schema read alike. Each part ends
# where the next begins, so that no text, however long, is read more than once.
NO_NUL = r"^[^\x00]*$"
NOT_BLANK = r"^[\s\x01-\x1f\x85]*[^\s\x00-\x1f\x85][^\x00]*$"
_PLACE = r"^(/[^\x00]*|[^*?\[\x00]*[*?\[][^\x00]*)$"  # absolute, or a glob
_TYPES = r"^\.*[^.,\x00][^,\x00]*(,\.*[^.,\x00][^,\x00]*)*$"
_CONDITION = r"^[^\w=\x00]*\w[^=\x00]*=[^\w\x00]*\w[^\x00]*$"

_TABLE = (
    Option("k", "k", "integer", "How many matches.", "-k", least=1, most=MOST_MATCHES),
    Option(
        *("mode", "mode", "text"),
        "How to rank: cosine, keyword, hybrid or best. Default: the corpus's, or cosine.",
        *("--mode", "MODE"),
        choices=MODES,
    ),
    Option(
        *("weight", "weight", "number"),
        "The keyword leg's part in hybrid and best, 0 to 1. Default: the corpus's, or 0.45.",
        *("--weight", "X"),
        least=0,
        most=1,
    ),
    Option(
        *("in", "within", "text"),
        "Only documents at or below; repeatable. The * of a glob crosses folders.",
        *("--in", "PATH|GLOB"),
        is_repeatable=True,
        pattern=_PLACE,
    ),
    Option(
        *("type", "types", "text"),
        "Only documents of a type, as pdf or md; repeatable.",
        *("--type", "TYPE"),
        is_repeatable=True,
        pattern=_TYPES,
    ),
    Option(
        *("since", "since", "text"),
        "Only documents from this date on.",
        *("--since", "DATE"),
        is_date=True,
    ),
    Option(
        *("before", "before", "text"),
        "Only documents before this date.",
        "--before",
        "DATE",
        is_date=True,
    ),
    Option(
        *("where", "where", "text"),
        "Only documents whose metadata say so, as author=Anna; repeatable.",
        *("--where", "KEY=VALUE"),
        is_repeatable=True,
        pattern=_CONDITION,
    ),
    Option(
        *("label", "labels", "text"),
        "Only documents with a label; repeatable: any of them.",
        *("--label", "LABEL"),
        is_repeatable=True,
        pattern=NO_NUL,
    ),
    Option(
        *("not", "negative", "text"),
        "Keep away from a meaning; repeatable.",
        *("--not", "TEXT"),
        is_repeatable=True,
        pattern=NOT_BLANK,
    ),
    Option(
        *("like", "like_passages", "integer"),
        "Find what is like a passage, by its id; repeatable.",
        is_repeatable=True,
        least=1,
        most=MOST_INTEGER,
    ),
    Option(
        *("", "like", "text"),
        "Find what is like a file; repeatable.",
        *("--like", "FILE"),
        is_repeatable=True,
    ),
    Option(
        *("", "like_passages", "integer"),
        "Find what is like match N of the last answer; repeatable.",
        *("--like-match", "N"),
        is_repeatable=True,
        least=1,
    ),
    Option(
        *("min_score", "min_score", "number"),
        "Only matches of this cosine or more.",
        *("--min-score", "X"),
        least=-1,
        most=1,
    ),
    Option(
        *("min_confidence", "min_confidence", "number"),
        "Only matches of this confidence or more, 0 to 1; below .4 is doubt.",
        *("--min-confidence", "X"),
        least=0,
        most=1,
    ),
    Option(
        *("per_document", "per_document", "integer"),
        "At most N matches a document.",
        *("--per-document", "N"),
        least=1,
        most=MOST_INTEGER,
    ),
    Option(
        *("explain", "shares", "flag"),
        "Tell why: each leg, the fusion, and what every word adds to the cosine.",
        "--explain",
    ),
    Option(
        *("copies", "collapse", "flag"),
        "Show passages that nearly repeat one another, too.",
        "--copies",
    ),
    Option(
        *("exact", "exact", "flag"),
        "Look at every passage; only a corpus of millions is searched approximately otherwise.",
        "--exact",
    ),
    Option(
        *("literal", "literal", "flag"),
        'Take "quotes", -words, title: and mistyped words as they are.',
        "--literal",
    ),
    Option(
        *("facets", "facets", "text"),
        "Count the best documents by type, folder, year or label; repeatable.",
        is_repeatable=True,
        choices=FACETS,
    ),
)
ON_COMMAND_LINE = {option.flag: option for option in _TABLE if option.flag}  # by flag
IN_REQUESTS = {option.name: option for option in _TABLE if option.name}  # by name


def questions_among(words: Sequence[str]) -> list[str]:
    """The questions among the words of a command line: single words alone are one question that was
    not quoted.
    """
    if any(" " in word.strip() for word in words):
        return list(words)
    return [" ".join(words)] if words else []
