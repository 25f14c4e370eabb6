"""Why two texts are near: shares in the head and against plain loops, alignment, attention."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from searchapp import Encoder
from searchapp.analysis.pair_attribution import (
    ATTENTION_PATTERNS,
    MOST_TOKENS,
    NearestWord,
    attention_patterns,
    compare,
    explain,
)
from searchapp.encoders.model_info import read_model_info
from searchapp.errors import EmptyQuery
from searchapp.output.html.pair_page import pair_html
from searchapp.output.pair import pair_json, pair_notes
from searchapp.search.attribution import cosine_shares
from searchapp.types.vectors import ForwardPass, TokenVectors
from tests.builders.models import tiny_model
from tests.builders.pair import SMALL, inside, pair_of, random_pair


def test_what_two_words_add_together_can_be_computed_in_the_head() -> None:
    pair = pair_of(*SMALL)
    one = 1 / np.sqrt(10 * 5)
    assert pair.cosine == pytest.approx(5 * one)
    assert pair.products is not None
    assert pair.products == pytest.approx(
        np.array([[0, 0, 0, 0], [0, 3, 0, 0], [0, 0, 2, 0], [0, 0, 0, 0]]) * one
    )
    assert pair.shares is not None
    assert pair.shares[0] == pytest.approx(np.array([0, 3, 2, 0]) * one)
    assert pair.shares[1] == pytest.approx(np.array([0, 3, 2, 0]) * one)


def test_shares_are_those_of_a_passage_and_of_plain_loops_and_add_up() -> None:
    random = np.random.default_rng(1)
    texts, offsets = (
        ("playing don't", "a b"),
        ([(0, 0), (0, 4), (4, 7), (8, 11), (11, 12), (12, 13)], [(0, 1), (1, 3), (0, 0)]),
    )
    for _ in range(20):
        insides = [
            ForwardPass(
                ("t",) * len(spans),
                tuple(spans),
                random.normal(size=(2, len(spans), 8)).astype(np.float32),
                np.ones((1, 1, *[len(spans)] * 2), np.float32),
            )
            for spans in offsets
        ]
        vectors = [each.hidden_states[-1].mean(axis=0) for each in insides]
        pair = compare(texts, insides, vectors)
        h, g = (each.hidden_states[-1].astype(np.float64) for each in insides)
        length = np.linalg.norm(h.sum(axis=0)) * np.linalg.norm(g.sum(axis=0))
        for a, unit in enumerate(pair.a.units):
            for b, other in enumerate(pair.b.units):
                expected = (
                    sum(float(h[i] @ g[j]) for i in unit.tokens for j in other.tokens) / length
                )
                assert pair.products is not None
                assert pair.products[a, b] == pytest.approx(expected, abs=1e-12)
        assert pair.shares is not None
        for side, shares, states, query in (
            (pair.a, pair.shares[0], h, g),
            (pair.b, pair.shares[1], g, h),
        ):
            tokens = TokenVectors(insides[side is pair.b].offsets, states.astype(np.float32))
            known = cosine_shares(tokens, query.sum(axis=0).astype(np.float32), side.text, offset=0)
            words = [share for unit, share in zip(side.units, shares, strict=True) if unit.is_word]
            assert words == pytest.approx([word.share for word in known.words], abs=1e-6)
            assert shares.sum() == pytest.approx(pair.cosine, abs=1e-12)
            assert known.cosine == pytest.approx(pair.cosine, abs=1e-6)


def test_every_token_is_in_one_unit_and_pieces_are_put_together() -> None:
    pair = random_pair("playing chess", "x")
    spans = ((0, 0), (0, 4), (4, 7), (8, 13), (0, 0))
    states = np.ones((1, 5, 2), np.float32)
    pieces = ForwardPass(
        ("[CLS]", "play", "##ing", "chess", "[SEP]"),
        spans,
        states,
        np.full((1, 1, 5, 5), 0.2, np.float32),
    )
    made = compare(
        ["playing chess", "x"], [pieces, inside("x", [[1, 1]] * 3)], np.ones((2, 2), np.float32)
    )
    assert [(unit.label, unit.is_word, unit.tokens) for unit in made.a.units] == [
        ("[CLS]", False, (0,)),
        ("playing", True, (1, 2)),
        ("chess", True, (3,)),
        ("[SEP]", False, (4,)),
    ]
    assert [unit.label for unit in pair.a.units] == ["[CLS]", "playing", "chess", "[SEP]"]


def test_a_vector_that_is_no_mean_of_states_has_no_shares() -> None:
    insides = [inside(*each) for each in SMALL]
    pair = compare(
        [text for text, _ in SMALL], insides, [each.hidden_states[-1][1] for each in insides]
    )  # (3, 0) and (1, 0)
    assert (pair.products, pair.shares) == (None, None)
    assert pair.cosine == pytest.approx(1)
    assert pair.a.nearest[1] == NearestWord(1, 1.0, is_mutual=True)


def test_a_vector_that_is_nearly_the_mean_has_no_shares_either() -> None:
    insides = [inside(*each) for each in SMALL]
    means = [each.hidden_states[-1].mean(axis=0) for each in insides]
    for off, has_shares in ((1e-6, True), (1e-4, False)):
        pair = compare(
            [text for text, _ in SMALL],
            insides,
            [means[0] + np.float32(off) * np.array([-1, 3], np.float32), means[1]],
        )
        assert (pair.shares is not None) is has_shares


def test_each_word_has_its_nearest_and_those_of_each_other_are_told() -> None:
    pair = pair_of(
        ("up along right", [[0, 0], [0, 1], [3, 1], [5, 0], [0, 0]]),
        ("east north", [[0, 0], [1, 0], [0, 2], [0, 0]]),
    )
    assert pair.a.nearest == (
        None,
        NearestWord(2, 1.0, is_mutual=True),
        NearestWord(1, float(3 / np.sqrt(10)), is_mutual=False),
        NearestWord(1, 1.0, is_mutual=True),
        None,
    )
    assert pair.b.nearest == (
        None,
        NearestWord(3, 1.0, is_mutual=True),
        NearestWord(1, 1.0, is_mutual=True),
        None,
    )


def test_a_sign_is_not_near_to_a_word() -> None:
    special = [0.0, 0.0]
    pair = pair_of(
        ("stop !", [special, [1, 0], [1, 0], special]), ("?", [special, [1, 0], special])
    )
    assert pair.a.nearest == (None, None, NearestWord(1, 1.0, is_mutual=True), None)
    assert pair.b.nearest == (None, NearestWord(2, 1.0, is_mutual=True), None)


def test_attention_to_a_word_is_that_to_its_pieces_and_from_it_their_average() -> None:
    weights = np.array(
        [[0.1, 0.2, 0.3, 0.4], [0.5, 0.1, 0.1, 0.3], [0.3, 0.3, 0.2, 0.2], [0.0, 0.5, 0.5, 0.0]]
    )
    spans = ((0, 0), (0, 2), (2, 4), (0, 0))
    read = ForwardPass(
        ("[CLS]", "ab", "##cd", "[SEP]"),
        spans,
        np.ones((1, 4, 2), np.float32),
        weights[None, None].astype(np.float32),
    )
    pair = compare(["abcd", "x"], [read, inside("x", [[1, 1]] * 3)], np.ones((2, 2), np.float32))
    assert pair.a.attention[0, 0] == pytest.approx(
        np.array([[0.1, 0.5, 0.4], [0.4, 0.35, 0.25], [0, 1, 0]]), abs=1e-6
    )


def test_heads_are_told_by_what_the_words_attend_to() -> None:
    weights: list[list[float]] = [
        [1, 0, 0, 0, 0],
        [0.2, 0.5, 0.1, 0.1, 0.1],
        [0.1, 0.6, 0.1, 0.2, 0],
        [0, 0.4, 0, 0.4, 0.2],
        [1, 0, 0, 0, 0],
    ]
    read = inside("a b c", [[1, 1]] * 5, attention=weights)
    pair = compare(["a b c", "x"], [read, inside("x", [[1, 1]] * 3)], np.ones((2, 2), np.float32))
    [[parts]] = attention_patterns(pair.a)
    expected = {"first": 0.3, "last": 0.3, "itself": 1.0, "previous": 0.6, "next": 0.3, "rest": 0.5}
    assert dict(zip(ATTENTION_PATTERNS, parts, strict=True)) == pytest.approx(
        {kind: total / 3 for kind, total in expected.items()}, abs=1e-6
    )


@pytest.mark.model
def test_the_installed_model_is_explained_exactly(model_cache: Path) -> None:
    encoder = Encoder.load(cache=model_cache)
    texts = (
        "What do I do if the heating breaks down?",
        "Don't touch the radiator; call the caretaker.",
    )
    pair = explain(texts, encoder)
    vectors = encoder.encode_sentences(texts).astype(np.float64)
    assert pair.cosine == pytest.approx(float(vectors[0] @ vectors[1]), abs=1e-5)
    assert pair.shares is not None
    assert [float(shares.sum()) for shares in pair.shares] == pytest.approx(
        [pair.cosine] * 2, abs=1e-9
    )
    labels = [unit.label for unit in pair.b.units]
    assert labels[:3] == ["[CLS]", "Don't", "touch"]
    nearest = pair.a.nearest[[unit.label for unit in pair.a.units].index("heating")]
    assert nearest is not None
    assert (labels[nearest.unit], nearest.is_mutual) == ("radiator", True)
    assert pair.a.attention.shape == (6, 12, len(pair.a.units), len(pair.a.units))
    assert np.abs(pair.a.attention.sum(axis=-1) - 1).max() < 1e-5
    assert np.abs(attention_patterns(pair.a).sum(axis=-1) - 1).max() < 1e-5


@pytest.mark.model
@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert", "mpnet", "modernbert"])
def test_every_family_is_explained_and_other_poolings_have_no_shares(
    tmp_path: Path, model_cache: Path, family: str, pooling: str
) -> None:
    encoder = Encoder.load(
        tiny_model(tmp_path / family, family).folder, pooling=pooling, cache=model_cache
    )
    texts = ("the quick red fox", "a bird over the sea")
    pair = explain(texts, encoder)
    vectors = encoder.encode_sentences(texts).astype(np.float64)
    assert pair.cosine == pytest.approx(float(vectors[0] @ vectors[1]), abs=1e-5)
    assert (pair.shares is None) == (pooling != "mean")
    if pair.shares is not None:
        assert [float(shares.sum()) for shares in pair.shares] == pytest.approx(
            [pair.cosine] * 2, abs=1e-9
        )


@pytest.mark.model
@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert", "mpnet", "modernbert"])
def test_attention_is_that_of_transformers_in_float64(
    tmp_path: Path, model_cache: Path, family: str
) -> None:
    import torch

    tiny, text = tiny_model(tmp_path / family, family), "the quick red fox, a bird over the sea"
    pair = explain((text, "a ship"), Encoder.load(tiny.folder, cache=model_cache))
    ids = torch.tensor([Tokenizer.from_file(str(tiny.folder / "tokenizer.json")).encode(text).ids])
    named = dict(zip(tiny.inputs, (ids, torch.ones_like(ids), torch.zeros_like(ids)), strict=False))
    with torch.no_grad():
        expected = np.stack(
            [
                each[0].numpy()
                for each in tiny.module.double()(**named, output_attentions=True).attentions
            ]
        )
    assert pair.a.attention.shape == expected.shape  # a token is a word here
    assert np.abs(pair.a.attention - expected).max() < 1e-5


@pytest.mark.model
def test_a_text_over_the_limit_is_cut_and_said_so(tmp_path: Path, model_cache: Path) -> None:
    folder = tiny_model(tmp_path / "bert", "bert").folder
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 16}')
    encoder, by = Encoder.load(folder, cache=model_cache), read_model_info(str(folder), model_cache)
    assert encoder.identity.max_tokens == 14 < MOST_TOKENS
    pair = explain(("a " * 19, "fox " * 14), encoder)
    assert (pair.a.text, pair.a.left_out, pair.b.text, pair.b.left_out) == (
        ("a " * 14).rstrip(),
        11,
        "fox " * 14,
        0,
    )
    assert pair_notes(pair, by) == [
        "text A is too long to be explained whole: 11 characters at its end are left out"
    ]
    assert "11 characters at its end are left out" in pair_html(pair, by)
    assert json.loads(json.dumps(pair_json(pair, by)))["a"]["left_out"] == 11
    with pytest.raises(EmptyQuery):
        explain(("a", " \n "), encoder)
