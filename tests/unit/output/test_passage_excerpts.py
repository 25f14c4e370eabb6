"""What is shown of a passage beside others, and which of its words are marked."""

from __future__ import annotations

import pytest

from searchapp.output.excerpts import LENGTH, excerpt, marks_of


def marked(text: str, question: str) -> list[str]:
    return [text[start:end] for start, end in marks_of(text, question)]


@pytest.mark.parametrize(
    ("text", "question", "words"),
    [
        ("The lamp and the lamps are lit", "what is the lamp", ["lamp", "lamps"]),
        ("A keeper keeps; to keep is his task", "keeper", ["keeper", "keeps", "keep"]),
        ("cat, catalogue, cats", "cat", ["cat"]),
        ("Müller trägt Schuhe", "muller schuh", ["Schuhe"]),
        ("Die Straße und die STRASSE", "straße", ["Straße", "STRASSE"]),
        ("灯台の灯は夕方に", "灯", ["灯", "灯"]),
        ("of the and to", "of the and to", []),
    ],
)  # fmt: skip
def test_words_of_a_question_and_their_forms_are_marked(
    text: str, question: str, words: list[str]
) -> None:
    assert marked(text, question) == words


def test_a_short_passage_is_whole() -> None:
    part = excerpt("The lamp is lit.", "lamp")
    assert (part.text, part.marks, part.is_whole) == ("The lamp is lit.", ((4, 8),), True)
    assert part.segments == [("The ", False), ("lamp", True), (" is lit.", False)]


def test_a_long_one_is_cut_at_blanks_where_most_is_marked() -> None:
    text = f"{'before ' * 200}the lamp of the quay is lit {'after ' * 200}"
    part = excerpt(text, "lamp quay lit")
    assert len(part.text) <= LENGTH
    assert [part.text[start:end] for start, end in part.marks] == ["lamp", "quay", "lit"]
    assert text[part.start :].startswith(part.text)
    assert part.text.split()[0] in ("before", "the")


def test_the_best_sentence_decides_where_it_is_known() -> None:
    text = f"{'lamp ' * 200}The answer stands here. {'more ' * 100}"
    begin = text.index("The answer")
    assert "The answer stands here." in excerpt(text, "lamp", sentence=(begin, begin + 23)).text
