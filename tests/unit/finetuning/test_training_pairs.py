"""What is learned and what is held out: never nearly the same question in both, nor an answer;
tables of pairs; headings as questions.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchapp.errors import CollectionError
from searchapp.finetuning.training_pairs import (
    Answers,
    QuestionSplit,
    TrainingPair,
    exclude_held_out,
    familiar,
    heading_pairs,
    holds_pairs,
    is_alike,
    pairs,
    split_questions,
    words,
)

QUESTIONS = [
    f"{how} {what}?"
    for how, what in product(
        ("what is", "who has", "where is the old"), ("velka", "torvin", "quellis", "zorbet")
    )
]


def test_three_of_four_shared_words_make_questions_nearly_the_same() -> None:
    assert is_alike(words("Where does Velka stand?"), words("where does velka stand"))
    assert is_alike(words("What is Velka?"), words("What is Velka for?"))
    assert not is_alike(words("What is Velka?"), words("What is Torvin?"))
    assert is_alike(words("北京在哪里"), words("北京在哪里呢"))  # five of six characters
    assert not is_alike(words("北京在哪里"), words("这是什么"))


def alone(questions: Sequence[str]) -> Answers:
    """Questions that have no answer in common."""
    return {each: (each,) for each in questions}


def test_a_share_of_the_questions_is_held_out_and_the_rest_learned() -> None:
    split = split_questions(alone(QUESTIONS), share=0.3, seed=0)
    assert len(split.held_out) == 3
    assert [*split.learned, *split.held_out] != QUESTIONS
    assert sorted([*split.learned, *split.held_out]) == sorted(QUESTIONS)
    assert split.dropped == ()


def test_the_seed_alone_decides_what_is_held_out() -> None:
    there = split_questions(alone(QUESTIONS), share=0.3, seed=0)
    assert set(split_questions(alone(QUESTIONS[::-1]), share=0.3, seed=0).held_out) == set(
        there.held_out
    )
    assert {
        split_questions(alone(QUESTIONS), share=0.3, seed=seed).held_out for seed in range(5)
    } != {there.held_out}


def test_questions_that_are_nearly_the_same_stay_together() -> None:
    near = [f"{ask}, please tell me now" for ask in QUESTIONS]
    for seed in range(20):
        split = split_questions(
            alone([*QUESTIONS[:4], *near[:1], near[0].upper(), near[0].replace("please ", "")]),
            share=0.5,
            seed=seed,
        )
        sides = [
            each in split.held_out
            for each in (near[0], near[0].upper(), near[0].replace("please ", ""))
        ]
        assert len(set(sides)) == 1


@given(
    st.lists(
        st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=6).map(" ".join), max_size=25
    ),
    st.integers(0, 3),
)
def test_no_held_out_question_is_nearly_one_that_is_learned(
    questions: list[str], seed: int
) -> None:
    """Against an oracle that compares every question with every other."""
    split = split_questions(alone(questions), share=0.4, seed=seed)
    assert not any(is_alike(words(a), words(b)) for a in split.learned for b in split.held_out)
    assert len(split.held_out) <= 0.4 * len(set(questions))
    apart = exclude_held_out(questions, questions[:3])
    assert apart.learned == tuple(
        each
        for each in dict.fromkeys(questions)
        if not any(is_alike(words(each), words(other)) for other in questions[:3])
    )


def test_questions_that_have_an_answer_in_common_stay_together_however_they_are_linked() -> None:
    velka, torvin, quellis, zorbet = QUESTIONS[:4]
    answers = {velka: ["a", "b"], torvin: ["c"], quellis: ["b", "d"], zorbet: ["d"]}
    for seed in range(20):
        assert split_questions(answers, share=0.75, seed=seed).held_out in (
            (velka, quellis, zorbet),
            (torvin,),
        )
    assert split_questions(answers, share=0.5, seed=0).held_out == (torvin,), "three are too many"


@pytest.mark.slow
@given(
    st.dictionaries(
        st.sampled_from(QUESTIONS), st.sets(st.integers(0, 9).map(str), min_size=1, max_size=3)
    ),
    st.integers(0, 3),
)
def test_no_answer_is_of_both_parts(answers: dict[str, set[str]], seed: int) -> None:
    split = split_questions(answers, share=0.5, seed=seed)
    assert familiar(split, answers, answers) == 0
    learned, held_out = (
        {each for question in side for each in answers[question]}
        for side in (split.learned, split.held_out)
    )
    assert learned.isdisjoint(held_out)
    assert len(split.learned) + len(split.held_out) == len(answers)


def test_questions_held_out_whose_answers_are_learned_from_are_counted() -> None:
    split = QuestionSplit(
        learned=("what is velka", "who has torvin"), held_out=("where is velka", "where is zorbet")
    )
    learned = {"what is velka": ["a", "b"], "who has torvin": ["c"], "never learned": ["z"]}
    assert familiar(split, learned, {"where is velka": ["x", "b"], "where is zorbet": ["z"]}) == 1


def test_questions_that_are_nearly_held_out_ones_are_dropped() -> None:
    assert exclude_held_out(
        ["what is velka", "who has torvin", "What is Velka?"], ["what is velka for"]
    ) == QuestionSplit(
        learned=("who has torvin",),
        held_out=("what is velka for",),
        dropped=("what is velka", "What is Velka?"),
    )


def test_a_question_without_words_is_like_another_without_words_alone() -> None:
    assert exclude_held_out(["?!", "what is velka"], ["..."]).dropped == ("?!",)


@pytest.mark.parametrize(
    "content",
    [
        'question,text\nwhat is a,"one, or so"\nwhat is b,two\nwhat is b,two\n',
        "Question;Text;note\nwhat is a;one, or so;x\nwhat is b;two;\n;;\n",
        "\ufeffquestion\ttext\nwhat is a\tone, or so\nwhat is b\ttwo\n",
        (
            '{"question": "what is a", "text": "one, or so"}\n\n{"question": "what is b", "text": '
            '" '
            'two "}\n'
        ),
    ],
)
def test_pairs_are_read_from_a_table_or_from_json_lines(tmp_path: Path, content: str) -> None:
    file = tmp_path / "pairs"
    file.write_text(content, encoding="utf-8")
    assert holds_pairs(file)
    assert pairs(file) == [
        TrainingPair("what is a", "one, or so"),
        TrainingPair("what is b", "two"),
    ]


def test_judgements_are_told_from_pairs_by_their_columns(tmp_path: Path) -> None:
    file = tmp_path / "judgements"
    file.write_text("question,path,grade\nwhat,a.md,2\n", encoding="utf-8")
    assert not holds_pairs(file)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no header with the columns question and path, or question and text"),
        ("question,text\n", "holds no questions"),
        ("name,text\na,b\n", "no header with the columns question and path, or question and text"),
        ('{"name": "a", "text": "b"}\n', "no question with a path, or with a text"),
        ("question,path,text\na,b,c\n", "no question with a path, or with a text"),
        ('question,text\na,"b\n', "unexpected end of data"),
        ('{"question": 1', "line 1: no JSON"),
        ('{"question": "a", "text": "b"}\n[1]\n', "line 2: no JSON object"),
        ("question,text\na,b\n ,b\n", "line 3: no question"),
        ("question,text\na,b\na, \n", "line 3: no text"),
        ("question,text\na,b,c\n", "line 2: more fields than the header has"),
        ('{"question": "a", "text": 3}\n', "line 1: no text"),
    ],
)
def test_what_is_no_pair_is_an_error_that_says_where(
    tmp_path: Path, content: str, message: str
) -> None:
    file = tmp_path / "pairs"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(CollectionError, match=message):
        read(file)


def read(file: Path) -> list[TrainingPair]:
    return pairs(file) if holds_pairs(file) else []


def test_a_file_that_cannot_be_read_or_is_no_text_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CollectionError, match="No such file"):
        holds_pairs(tmp_path / "none")
    (tmp_path / "picture").write_bytes(b"\x89PNG\xff")
    with pytest.raises(CollectionError, match="not UTF-8"):
        holds_pairs(tmp_path / "picture")


def test_headings_ask_for_what_stands_below_them() -> None:
    sections = [
        (1, ("Bread", "Rye"), "Take flour."),
        (1, ("Bread", "Rye"), "Then wait."),
        (1, ("Bread", "Tools"), "A bowl."),
        (2, ("Plums", "Tools"), "A jar."),
        (2, (), "No heading."),
        (3, ("Plums",), "  "),
    ]
    assert heading_pairs(sections) == [
        TrainingPair("Rye", "Take flour."),
        TrainingPair("Bread Tools", "A bowl."),
        TrainingPair("Plums Tools", "A jar."),
    ]
