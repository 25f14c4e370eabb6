"""What a text asks of the keyword index, and that FTS5 takes whatever a user typed: asked of a real
table of FTS5's.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchapp.backends.sqlite import fts
from searchapp.backends.sqlite.fts import HOLDING, OCCURRENCES, TABLE, TOP, expression
from searchapp.lexical import fold, keyword_row, spaced
from searchapp.search.query_parser import (
    ParsedQuery,
    ideal,
    idf,
    literal,
    may_be_plain,
    named,
    parse,
    rarity,
    repairable,
    stands_in,
    telling,
    words,
)
from searchapp.types.filters import Term
from tests.effort import examples


def term(text: str) -> Term:
    """A term as these tests write it: "word", "a phrase", "title:word", "東 京"."""
    return Term(tuple(text.removeprefix("title:").split()), is_title=text.startswith("title:"))


def terms(*texts: str) -> tuple[Term, ...]:
    return tuple(map(term, texts))


@contextmanager
def index(*bodies: str, titles: Sequence[str] = ()) -> Iterator[sqlite3.Connection]:
    """A keyword index as a corpus has it, of passages with these bodies, counted from 1."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(f"CREATE VIRTUAL TABLE keywords USING {TABLE}")
        connection.execute(fts.VOCABULARY)
        fts.prepare(connection, ())
        for number, body in enumerate(bodies, 1):
            row = keyword_row(b"", titles[number - 1] if titles else "", (), body)
            fts.add(connection.executemany, [(number, *row, "")], ())
        yield connection


def holding(connection: sqlite3.Connection, *asked: Term) -> list[int]:
    return [row[1] for row in connection.execute(HOLDING, (json.dumps([expression(asked)]),))]


def scores(connection: sqlite3.Connection, *asked: Term) -> dict[int, float]:
    return dict(connection.execute(TOP.format(also=""), (expression(asked), -1)))


# ---- parse ---------------------------------------------------------------------------------------

PARSED = {
    "words": ("red fox", ParsedQuery("red fox", terms("red", "fox"))),
    "a phrase is required and scored": (
        '"red fox" den',
        ParsedQuery("red fox den", terms("red fox", "den"), holding=terms("red fox")),
    ),
    "a phrase of one word": (
        '"red" fox',
        ParsedQuery("red fox", terms("red", "fox"), holding=terms("red")),
    ),
    "a phrase before a full stop": (
        'a den, "red fox".',
        ParsedQuery("a den, red fox", terms("den", "red fox"), holding=terms("red fox")),
    ),
    "a phrase of stop words": (
        '"the who"',
        ParsedQuery("the who", terms("the who"), holding=terms("the who")),
    ),
    "one stop word in quotes is required all the same": (
        '"the" fox',
        ParsedQuery("the fox", terms("fox"), holding=terms("the")),
    ),
    "a minus before a word": ("fox -red", ParsedQuery("fox", terms("fox"), lacking=terms("red"))),
    "a minus before a phrase": (
        'fox -"red den"',
        ParsedQuery("fox", terms("fox"), lacking=terms("red den")),
    ),
    "a minus before a phrase of signs and words": (
        'fox -"$5 (red)"',
        ParsedQuery("fox", terms("fox"), lacking=terms("5 red")),
    ),
    "a minus before joined words": (
        "fox -red-den",
        ParsedQuery("fox", terms("fox"), lacking=terms("red den")),
    ),
    "the title": (
        "title:red fox",
        ParsedQuery("red fox", terms("title:red", "fox"), holding=terms("title:red")),
    ),
    "a phrase in the title": (
        'title:"red fox"',
        ParsedQuery("red fox", terms("title:red fox"), holding=terms("title:red fox")),
    ),
    "a minus before the title": (
        "fox -title:red",
        ParsedQuery("fox", terms("fox"), lacking=terms("title:red")),
    ),
    "curly quotes": (
        "“red fox” -„den hole“",
        ParsedQuery(
            "red fox", terms("red fox"), holding=terms("red fox"), lacking=terms("den hole")
        ),
    ),
    "all at once": (
        'den "red fox" -hole title:wood',
        ParsedQuery(
            "den red fox wood",
            terms("den", "red fox", "title:wood"),
            terms("red fox", "title:wood"),
            terms("hole"),
        ),
    ),
    "only an exclusion": ("-fox", ParsedQuery("", lacking=terms("fox"))),
    "only exclusions": ('-fox  -"red den" ', ParsedQuery("", lacking=terms("fox", "red den"))),
    "only an exclusion without spaces between words": (
        "-東京",
        ParsedQuery("", lacking=terms("東 京")),
    ),
}


@pytest.mark.parametrize(("text", "expected"), PARSED.values(), ids=PARSED)
def test_operators_are_understood(text: str, expected: ParsedQuery) -> None:
    assert parse(text) == expected
    assert parse(text).has_operators == (text != "red fox")


PLAIN = {
    "a number below zero": ("fox -5", ["fox", "5"]),
    "a minus alone": ("fox - red", ["fox", "red"]),
    "two minuses": ("fox --red", ["fox", "red"]),
    "joined words": ("red-fox", ["red", "fox", "redfox"]),
    "a quote without its other one": ('fox "red den', ["fox", "red", "den"]),
    "such a quote after a minus": ('fox -"red den', ["fox", "red", "den"]),
    "such a quote after title:": ('title:"red den', ["title", "red", "den"]),
    "a closing quote alone": ('fox red" den', ["fox", "red", "den"]),
    "inches": ('the 27" fox', ["27", "fox"]),
    "quotes within a word": ('red"fox"den', ["red", "fox", "den"]),
    "quotes that others follow at once": ('"red","fox" den', ["red", "fox", "den"]),
    "quotes that a word follows at once": ('"red".fox', ["red", "fox"]),
    "empty quotes": ('fox "" -"" "-"', ["fox"]),
    "a minus before a sign": ("fox -(red)", ["fox", "red"]),
    "title in other letters": ("Title:fox", ["Title", "fox", *["Title fox"] * 3]),
    "title of nothing": ("title: fox", ["title", "fox"]),
    "title of an exclusion": ("title:-fox", ["title", "fox"]),
    "FTS5's own operators": (
        "fox NEAR(red den) OR body:hole* ^x + {y}",
        ["fox", "NEAR", "red", "den", "body", "hole", *["body hole"] * 3, "x", "y"],
    ),
    "white space at both ends": (" \tred \n fox  ", ["red", "fox"]),
    "curly quotes that stay": ("fox’s “red", ["fox", "s", "red"]),
    "no word": (" ?! ", []),
    "nothing": ("", []),
}


@pytest.mark.parametrize(("text", "found"), PLAIN.values(), ids=PLAIN)
def test_a_text_without_operators_is_embedded_exactly_as_it_is(text: str, found: list[str]) -> None:
    assert parse(text) == ParsedQuery(text, terms(*found))
    assert not parse(text).has_operators


def test_a_literal_text_has_no_operators() -> None:
    text = ' den "red fox" -hole title:wood'
    found = terms("den", "red", "fox", "hole", "title", "wood", *["title wood"] * 3)
    assert literal(text) == ParsedQuery(text, found)
    assert not literal(text).has_operators


def test_stop_words_are_dropped_only_where_others_remain() -> None:
    for ask in (parse, literal):
        assert ask("What is the fox").terms == terms("fox")
        assert ask("The Who").terms == terms("The", "Who")
        assert ask("to be or not to be").terms == terms("to", "be", "or", "not", "to", "be")


def test_a_word_that_is_repeated_is_kept_as_often() -> None:
    for ask in (parse, literal):
        assert ask("fox red fox Fox").terms == terms("fox", "red", "fox", "Fox")


@given(st.text(alphabet='xyq -",.:東京\n', max_size=40))
@settings(max_examples=examples(100))
def test_no_word_is_lost_between_what_is_asked_and_what_is_excluded(text: str) -> None:
    asked = parse(text)
    excluded = Counter(word for term in asked.lacking for word in term.words)
    assert Counter(term.words[0] for term, _ in words(asked.text)) + excluded == Counter(
        term.words[0] for term, _ in words(text)
    )


@pytest.mark.timeout(10)  # it took half a minute where the time grew with the square of the length
def test_a_long_text_after_a_quote_without_its_other_one_is_read_in_time() -> None:
    assert parse('"' + "fox " * 20_000).terms == terms("fox") * 20_000


# ---- scripts -------------------------------------------------------------------------------------

SCRIPTS = {
    "Japanese": ("東京大学", ["東 京", "京 大", "大 学"]),
    "one character": ("京", ["京"]),
    "Chinese with a space": ("北京 大学", ["北 京", "大 学"]),
    "Chinese with a stop": ("北京。大学", ["北 京", "大 学"]),
    "mixed with Latin": ("iPhone15の価格はUSD", ["iPhone15", "の 価", "価 格", "格 は", "USD"]),
    "one character in Latin": ("x京y", ["x", "京", "y"]),
    "Thai, over its vowel signs": ("ที่นี่ไทย", ["ท น", "น ไ", "ไ ท", "ท ย"]),
    "Hindi with combining vowel signs": ("हिन्दी में किताबें", ["हिन्दी", "में", "किताबें"]),
    "letters with combining accents": (
        "cafe\u0301s e\u0301te\u0301",
        ["caf\u00e9s", "\u00e9t\u00e9"],
    ),
    "a mark that stands alone": ("\u0301fox", ["fox"]),
    "an underscore": ("red_fox", ["red", "fox", *["red fox"] * 3, "redfox"]),
}


@pytest.mark.parametrize(("text", "found"), SCRIPTS.values(), ids=SCRIPTS)
def test_words_are_looked_for_as_their_script_writes_them(text: str, found: list[str]) -> None:
    assert literal(text).terms == parse(text).terms == terms(*found)


def test_a_korean_noun_is_found_with_any_particle() -> None:
    assert literal("서울 대학교").terms == tuple(
        Term((word,), is_prefix=True) for word in ("서울", "대학교")
    )
    with index("수문은 아침에 열린다", "수영장") as connection:
        for text in ("수문", "수문이", "수문에서는"):
            assert holding(connection, *literal(text).terms) == [1], text


def test_an_ordinary_compound_is_looked_for_in_its_words_and_as_one() -> None:
    assert literal("two-dimensional, i.e").terms == terms(
        "two", "dimensional", "e", "twodimensional", "i e"
    )
    with index("in two-dimensional flow", "twodimensional", "of two") as connection:
        assert holding(connection, term("twodimensional")) == [1, 2]


def test_a_word_with_an_asterisk_is_the_beginning_of_any() -> None:
    assert parse("rad* of").terms == (Term(("rad",), is_prefix=True),)
    assert literal("rad*").terms == terms("rad")
    with index("a radiator", "the rest") as connection:
        assert holding(connection, *parse("rad*").terms) == [1]


def test_what_is_asked_for_to_the_letter() -> None:
    text = 'is "red fox" in config.toml, PT-6610 or p53 of 2023 -"no den" e-mail 40217'
    assert named(text) == {
        "red fox": Term(("red", "fox")),
        "config.toml": Term(("config", "toml")),
        "PT-6610": Term(("PT", "6610")),
        "p53": Term(("p53",)),
        "40217": Term(("40217",)),
    }
    assert stands_in(Term(("PT", "6610")), "the PT-6610,")
    assert stands_in(Term(("PT", "6610")), "the pt6610")
    assert stands_in(Term(("tideTable",)), "the tide_table")
    assert not stands_in(Term(("PT", "6610")), "the PT-66101")


def test_the_ways_to_write_a_compound_are_no_slips() -> None:
    assert tuple(repairable(literal("my e-mail queueing"))) == terms("queueing")


def test_text_without_spaces_has_no_beginnings_of_words() -> None:
    assert parse("日本*").terms == parse("日本").terms


@pytest.mark.parametrize(
    ("text", "is_plain"),
    [("heating/boiler", True), ("cold.Who", True), ("config.toml", False), ("a/b/c", False)],
)
def test_what_may_be_two_ordinary_words(text: str, is_plain: bool) -> None:
    assert may_be_plain(text) == is_plain


def test_what_is_asked_for_to_the_letter_keeps_its_order() -> None:
    words = [f"p{i}" for i in range(100, 200)]
    assert list(named(" ".join(words))) == words  # not the order of a set: only a few are looked at


def test_a_text_without_spaces_is_found_by_any_part_of_it() -> None:
    with index("東京大学の価格", "京都の大きな学校", "ที่นี่ประเทศไทย") as connection:
        found = {
            text: holding(connection, *literal(text).terms)
            for text in ("大学", "の価", "の", "格価", "学校", "ประเทศ", "นี่ประ")
        }
        assert found == {
            "大学": [1],
            "の価": [1],
            "の": [1, 2],
            "格価": [],
            "学校": [2],
            "ประเทศ": [3],
            "นี่ประ": [3],
        }
        assert holding(connection, *parse('"大学の"').holding) == [1]
        assert holding(connection, *parse('"大の学"').holding) == []


# ---- what reaches FTS5 ---------------------------------------------------------------------------

NASTY = st.one_of(
    st.text(
        st.one_of(
            st.sampled_from("\"'-:*^(){}[]+,;\\\0\n _東京のท\u0301\u093f\ud800aZ5²"),
            st.characters(),
        ),
        max_size=40,
    ),
    st.lists(
        st.sampled_from(
            [
                '"',
                "-",
                "title:",
                "body:",
                "AND",
                "OR",
                "NOT",
                "NEAR(",
                ")",
                "*",
                "^",
                "x",
                "東京",
                " ",
                "-- ",
                ";",
            ]
        )
    ).map("".join),
)


@given(NASTY)
@settings(max_examples=examples(100))
def test_fts5_takes_whatever_a_user_types(text: str) -> None:
    asked = parse(text)
    with index("x 東京") as connection:
        for found in (asked.terms, asked.holding, asked.lacking, literal(text).terms):
            if found:
                scores(connection, *found)
                for each in found:
                    connection.execute(
                        OCCURRENCES,
                        (True, 0, 1, 3, fts.asked([each], [each], (), counts_all=False)),
                    ).fetchone()


@given(NASTY)
@settings(max_examples=examples(100))
def test_words_alone_are_put_in_the_quotes_of_an_expression(text: str) -> None:
    asked = parse(text)
    for each in (*asked.terms, *asked.holding, *asked.lacking, *literal(text).terms):
        assert each.words
        assert all(
            word[0].isalnum() and not set(word) & set("\"' \0\n-:*^(){}") for word in each.words
        )


@given(st.text(alphabet="axé5 \"-.:'京都のทน\u0e35", max_size=30))
@settings(max_examples=examples(60))
def test_a_passage_holds_every_term_of_its_own_text(text: str) -> None:
    with index(text) as connection:
        assert [each for each in literal(text).terms if holding(connection, each) != [1]] == []


def test_an_expression_joins_quoted_phrases() -> None:
    assert expression(terms("fox")) == '"fox"'
    assert (
        expression(terms("fox", "red den", "title:wood hole"))
        == '"fox" OR "red den" OR title : "wood hole"'
    )
    assert expression(()) == ""


def test_a_term_of_the_title_is_looked_for_there_alone() -> None:
    with index("fox", "hen", "fox hen", titles=("hen", "fox", "red")) as connection:
        assert holding(connection, term("fox")) == [1, 2, 3]
        assert holding(connection, term("title:fox")) == [2]
        assert holding(connection, *terms("title:fox", "red")) == [2, 3]


def test_words_are_found_in_other_forms_and_without_their_accents() -> None:
    with index("Ein Café", "running foxes") as connection:
        assert holding(connection, *literal("CAFE").terms) == [1]
        assert holding(connection, *literal("fox run").terms) == [2]


# ---- words and what tells ------------------------------------------------------------------------


@given(st.text(max_size=40))
def test_a_word_is_its_span_of_the_text(text: str) -> None:
    found = words(text)
    spans = [span for _, span in found]
    assert [term.words for term, _ in found] == [(fold(text[slice(*span)]),) for span in spans]
    ends = [0, *(end for _, (_, end) in found)]
    assert all(
        before <= start < end for before, (_, (start, end)) in zip(ends, found, strict=False)
    )


def test_each_word_has_its_span() -> None:
    assert words(" The red-fox of 東京!") == [
        (term("The"), (1, 4)),
        (term("red"), (5, 8)),
        (term("fox"), (9, 12)),
        (term("of"), (13, 15)),
        (term("東"), (16, 17)),
        (term("京"), (17, 18)),
    ]
    assert words("to be") == [(term("to"), (0, 2)), (term("be"), (3, 5))]
    assert words(" ?! ") == []


def test_what_a_long_text_may_be_about_is_what_it_says_most_often() -> None:
    text = "The hen and the Fox. The fox, the FOX and the hen saw a den; the owl."
    assert telling(text, 2) == list(terms("fox", "hen"))
    assert telling(text, 9) == list(terms("fox", "hen", "saw", "den", "owl"))
    assert telling(text, 0) == telling("the of and", 9) == telling("", 9) == []
    assert telling("東京東京", 1) == [term("東 京")]


# ---- what a term is worth ------------------------------------------------------------------------


@pytest.mark.parametrize("frequency", range(1, 11))
def test_the_weight_of_a_term_is_that_of_fts5(frequency: int) -> None:
    with index(
        *["fox"] * frequency, *["hen"] * (10 - frequency)
    ) as connection:  # of one length: a word once scores its weight
        found = scores(connection, term("fox"))
    assert found == pytest.approx(
        dict.fromkeys(range(1, frequency + 1), idf(frequency, 10)), rel=1e-12
    )


def test_a_term_in_half_of_the_passages_or_more_weighs_hardly_anything() -> None:
    assert idf(1, 10) == pytest.approx(math.log(19 / 3))
    assert [idf(frequency, 10) for frequency in (5, 6, 10)] == [1e-6] * 3
    assert idf(0, 0) == 1e-6


def test_rarity_is_positive_and_falls_with_every_passage_that_holds_a_word() -> None:
    assert rarity(1, 1) == pytest.approx(math.log(4 / 3))
    assert rarity(0, 0) == pytest.approx(math.log(2))
    found = [rarity(frequency, 1000) for frequency in range(1001)]
    assert found == sorted(found, reverse=True)
    assert 0 < found[-1] < found[0]


@given(
    st.lists(
        st.lists(st.sampled_from(["fox", "hen", "owl", "yak"]), min_size=1, max_size=30),
        min_size=1,
        max_size=12,
    ),
    st.lists(
        st.sampled_from(terms("fox", "hen", "owl", "hen owl", "title:fox", "absent")),
        min_size=1,
        max_size=5,
    ),
)
def test_no_passage_scores_more_than_the_ideal(bodies: list[list[str]], asked: list[Term]) -> None:
    with index(
        *(" ".join(body) for body in bodies), titles=[body[0] for body in bodies]
    ) as connection:
        frequencies = [len(holding(connection, each)) for each in asked]
        best = max(scores(connection, *asked).values(), default=0)
    assert best < ideal(frequencies, len(bodies))


def test_a_passage_of_nothing_but_a_term_comes_near_the_ideal() -> None:
    with index("fox " * 100_000, *["hen"] * 9) as connection:
        [best] = scores(connection, term("fox")).values()
        both = scores(connection, *terms("fox", "fox"))[1]
    assert (
        best
        == pytest.approx(2.2 * math.log(19 / 3), rel=1e-3)
        == pytest.approx(ideal([1], 10), rel=1e-3)
    )
    assert best < ideal([1], 10)
    assert both == pytest.approx(ideal([1, 1], 10), rel=1e-3)
    assert ideal([], 10) == 0


def test_what_is_written_to_the_index_has_spaces_where_a_script_has_none() -> None:
    assert keyword_row(b"", "T京", ("T京", "h都"), "b東")[:3] == ("T 京 ", "h 都 ", "b 東 ")
    assert keyword_row(b"", "", ("h",), "b") == ("", "h", "b", "", "")
    assert spaced("red fox") == "red fox"
