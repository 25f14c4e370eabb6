"""Why two texts are near: shares in the head and against plain loops, alignment, attention, and how
all of it is shown.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tokenizers import Tokenizer

from searchapp import Encoder
from searchapp.analysis.pair_attribution import (
    ATTENTION_PATTERNS,
    MOST_TOKENS,
    NearestWord,
    PairAttribution,
    attention_patterns,
    compare,
    explain,
    group_units,
)
from searchapp.encoders.model_info import ModelInfo, read_model_info
from searchapp.errors import EmptyQuery
from searchapp.output.html.page import asset
from searchapp.output.html.pair_page import pair_html
from searchapp.output.pair import pair_json, pair_notes, pair_text
from searchapp.output.terminal import TerminalStyle, display_width
from searchapp.search.attribution import cosine_shares
from searchapp.types.vectors import ForwardPass, TokenVectors
from tests.builders.models import tiny_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from searchapp.types.documents import Span

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
HOSTILE = (
    "</script><script>alert(1)</script> <img src=x onerror=alert(2)> ]]>\x1b[31m \x00 "
    '\u202e & "q" \'\ufffe --> {{x}}'
)


def inside(
    text: str,
    states: Sequence[Sequence[float]],
    *,
    attention: Sequence[Sequence[float]] | None = None,
) -> ForwardPass:
    """A text of words with blanks between them, a token each, between two special tokens; `states`
    has a row for every token.
    """
    spans: list[Span] = [
        (0, 0),
        *((match.start(), match.end()) for match in re.finditer(r"\S+", text)),
        (0, 0),
    ]
    tokens = ("[CLS]", *text.split(), "[SEP]")
    between = (
        np.full((len(spans), len(spans)), 1 / len(spans))
        if attention is None
        else np.array(attention)
    )
    return ForwardPass(
        tokens, tuple(spans), np.array([states], np.float32), between[None, None].astype(np.float32)
    )


def pair_of(*texts: tuple[str, Sequence[Sequence[float]]]) -> PairAttribution:
    insides = [inside(*each) for each in texts]
    return compare(
        [text for text, _ in texts],
        insides,
        [each.hidden_states[-1].mean(axis=0) for each in insides],
    )


def random_pair(
    a: str, b: str, *, dim: int = 12, heads: int = 2, layers: int = 3
) -> PairAttribution:
    """A pair of random states and attentions, equal each time."""
    random = np.random.default_rng(5)
    insides = []
    for text in (a, b):
        made = inside(text, random.normal(size=(len(text.split()) + 2, dim)).tolist())
        weights = random.dirichlet(
            np.full(len(made.tokens), 0.3), size=(layers, heads, len(made.tokens))
        )
        insides.append(replace(made, attentions=weights.astype(np.float32)))
    return compare([a, b], insides, [each.hidden_states[-1].mean(axis=0) for each in insides])


@pytest.fixture
def by(model_cache: Path) -> ModelInfo:
    return read_model_info("default", model_cache)


SMALL = (
    ("oil pump", [[0, 0], [3, 0], [0, 1], [0, 0]]),
    ("big pump", [[0, 0], [1, 0], [0, 2], [0, 0]]),
)  # sums: (3, 1) and (1, 2)


# ---- shares --------------------------------------------------------------------------------------


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


# ---- nearest words -------------------------------------------------------------------------------


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


# ---- attention -----------------------------------------------------------------------------------


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


# ---- with models ---------------------------------------------------------------------------------


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


# ---- tables and heat maps ------------------------------------------------------------------------


def lines_of(pair: PairAttribution, by: ModelInfo, **options: int | None) -> list[str]:
    return pair_text(pair, by, TerminalStyle(width=80), **options).splitlines()


def test_a_terminal_shows_bars_their_sum_and_the_nearest(by: ModelInfo) -> None:
    lines = lines_of(pair_of(*SMALL), by)
    assert lines[:4] == ["cosine 0.707", "default, mean pooling", "A  oil pump", "B  big pump"]
    assert lines[5:10] == [
        "A           adds to the cosine              nearest in B",
        "oil         ████████████████████████  .424  ↔ big   1.00",
        "pump        ████████████████          .283  ↔ pump  1.00",
        "[CLS][SEP]                            .000",
        "sum                                   .707",
    ]
    at = lines.index("what each word of A, a row, adds with each of B, in thousandths")
    assert lines[at + 1 : at + 6] == [
        "               big    pump special    sum",
        "oil            424       0       0    424",
        "pump             0     283       0    283",
        "[CLS][SEP]       0       0       0      0",
        "sum            424     283       0    707",
    ]


def test_what_takes_away_begins_left_of_the_axis_and_has_a_minus(by: ModelInfo) -> None:
    special = [0.0, 0.0]
    pair = pair_of(
        ("plus minus", [special, [3, 0], [-1, 0], special]), ("plus", [special, [1, 0], special])
    )
    lines = lines_of(pair, by)
    assert lines[6:8] == [
        "plus              ██████████████████  1.50  ↔ plus  1.00",
        "minus       ░░░░░░                   -.500  → plus -1.00",
    ]


def test_many_words_are_put_together_and_still_add_up(by: ModelInfo) -> None:
    pair = random_pair(
        " ".join(f"w{number}" for number in range(60)),
        " ".join(f"v{number}" for number in range(50)),
    )
    for columns in (40, 80, 120):
        assert "+40 more" in pair_text(pair, by, TerminalStyle(width=columns))
    assert pair.shares is not None
    rows = group_units(pair.a, np.abs(pair.shares[0]), 7)
    assert sorted(unit for row in rows for unit in row.units) == list(range(62))
    words = [row.units[0] for row in rows if row.kind == "word"]
    assert words == sorted(words)
    assert min(abs(pair.shares[0][words])) >= max(abs(pair.shares[0][list(rows[-2].units)]))


def test_a_terminal_of_forty_columns_or_more_is_never_too_narrow(by: ModelInfo) -> None:
    words = [
        "Donaudampfschifffahrtsgesellschaft",
        "海の船",
        "e\u0301te\u0301",
        *(f"word{number}" for number in range(30)),
    ]
    pair = random_pair(" ".join(words), " ".join(reversed(words)), heads=12)
    for some in (
        pair,
        replace(pair, products=None),
        random_pair("a b 海 " * 12, "船 の " * 9, heads=12),
    ):
        for columns in (40, 41, 53, 64, 80, 119, 500):
            told = pair_text(
                some,
                replace(by, model="/home/" + "anna/" * 40),
                TerminalStyle(width=columns),
                layer=1,
            )
            assert max(map(display_width, told.splitlines())) <= min(columns, 120)


def test_wide_characters_keep_the_columns(by: ModelInfo) -> None:
    lines = lines_of(random_pair("海 の ship", "船 sails"), by)
    at = next(at for at, line in enumerate(lines) if line.startswith("what each word"))
    assert [line.split()[0] for line in lines[at + 2 : at + 6]] == [
        "海",
        "の",
        "ship",
        "[CLS][SEP]",
    ]
    assert len({display_width(line) for line in lines[at + 1 : at + 7]}) == 1


def test_colour_adds_nothing_that_is_not_there_without(by: ModelInfo) -> None:
    pair = random_pair("one two three", "four five")
    painted = pair_text(pair, by, TerminalStyle(width=120, color=True), layer=1, head=2)
    assert "\x1b[" in painted
    plain = pair_text(pair, by, TerminalStyle(width=120), layer=1, head=2)
    assert ESCAPE.sub("", painted).replace("; blue is more than 0, orange is less", "") == plain


def test_one_head_and_the_average_of_all_can_be_shown(by: ModelInfo) -> None:
    weights: list[list[float]] = [[1, 0, 0, 0], [0.1, 0.2, 0.3, 0.4], [0, 1, 0, 0], [0, 0, 0, 1]]
    read = inside("oil pump", SMALL[0][1], attention=weights)
    both = replace(
        read,
        attentions=np.concatenate([read.attentions, np.roll(read.attentions, 1, axis=-1)], axis=1),
    )
    pair = compare(
        ["oil pump", "oil pump"], [both, both], [both.hidden_states[-1].mean(axis=0)] * 2
    )
    lines = lines_of(pair, by, layer=1, head=1)
    at = lines.index(
        "A, layer 1, head 1: how much of the attention of each word, a row, goes to each,"
    )
    assert lines[at + 1 : at + 5] == [
        "in hundredths",
        "      [CLS]   oil  pump [SEP]",
        "[CLS]   100     0     0     0",
        "oil      10    20    30    40",
    ]
    lines = lines_of(pair, by, layer=1)
    at = next(
        at for at, line in enumerate(lines) if line.startswith("A, layer 1, all heads on average")
    )
    assert lines[at + 4] == "oil      25    15    25    35"


def test_a_pipe_gets_every_word_and_cell_between_tabs(by: ModelInfo) -> None:
    pair = pair_of(*SMALL)
    blocks = [block.splitlines() for block in pair_text(pair, by).split("\n\n")]
    assert blocks[0] == ["cosine\t0.707107"]
    assert blocks[1] == [
        "A\tshare\tnearest\tcosine\tmutual",
        "[CLS]\t0.000000\t\t\t",
        "oil\t0.424264\tbig\t1.000000\tmutual",
        "pump\t0.282843\tpump\t1.000000\tmutual",
        "[SEP]\t0.000000\t\t\t",
    ]
    assert blocks[3][:3] == [
        "A x B\t[CLS]\tbig\tpump\t[SEP]",
        "[CLS]\t0.000000\t0.000000\t0.000000\t0.000000",
        "oil\t0.000000\t0.424264\t0.000000\t0.000000",
    ]
    assert blocks[4] == [
        "text\tlayer\thead\tfirst\tlast\titself\tprevious\tnext\trest",
        "A\t1\t1\t0.250000\t0.250000\t0.250000\t0.125000\t0.125000\t0.000000",
        "B\t1\t1\t0.250000\t0.250000\t0.250000\t0.125000\t0.125000\t0.000000",
    ]
    assert len(blocks) == 5


def test_json_has_all_of_it(by: ModelInfo) -> None:
    told = json.loads(json.dumps(pair_json(pair_of(*SMALL), by), allow_nan=False))
    assert set(told) == {
        "model",
        "pooling",
        "cosine",
        "layers",
        "heads",
        "a",
        "b",
        "products",
        "similarities",
    }
    assert (told["model"], told["pooling"], told["cosine"]) == ("default", "mean", 0.707107)
    assert told["products"][1] == [0, 0.42426407, 0, 0]
    assert told["a"]["units"][1] == {
        "label": "oil",
        "start": 0,
        "end": 3,
        "is_word": True,
        "tokens": [1],
        "share": 0.42426407,
        "nearest": {"unit": 1, "cosine": 1.0, "is_mutual": True},
    }
    assert told["a"]["attention"] == [[[[0.25] * 4] * 4]]
    assert told["a"]["habits"] == [
        [{"first": 0.25, "last": 0.25, "itself": 0.25, "previous": 0.125, "next": 0.125, "rest": 0}]
    ]


def test_json_has_the_attention_of_the_layer_and_head_that_are_asked_for(by: ModelInfo) -> None:
    pair = random_pair("one two", "three")
    for layer, head, layers, heads in (
        (None, None, [1, 2, 3], [1, 2]),
        (2, None, [2], [1, 2]),
        (3, 1, [3], [1]),
    ):
        told = json.loads(json.dumps(pair_json(pair, by, layer=layer, head=head)))
        assert (told["layers"], told["heads"]) == (layers, heads)
        expected = pair.b.attention[layers[0] - 1 : layers[-1], heads[0] - 1 : heads[-1]]
        assert np.array(told["b"]["attention"]) == pytest.approx(expected, abs=1e-5)
        assert np.array(told["b"]["attention"]).shape == expected.shape


def test_a_model_without_shares_says_so_and_shows_none(by: ModelInfo) -> None:
    insides = [inside(*each) for each in SMALL]
    pair = compare(
        [text for text, _ in SMALL], insides, [each.hidden_states[-1][1] for each in insides]
    )
    other = replace(by, pooling="cls")
    [note] = pair_notes(pair, other)
    assert note.startswith(
        "the model default pools by its first token alone, so no word has an exact share of the "
        "cosine"
    )
    told = pair_text(pair, other, TerminalStyle(width=80))
    assert "adds" not in told
    assert "sum" not in told
    assert "oil         ↔ big   1.00" in told
    assert "how near each word of A, a row, is to each of B, in hundredths of a cosine" in told
    assert pair_json(pair, other)["products"] is None
    page = pair_html(pair, other)
    assert "no word has an exact share" in page
    assert 'class="add"' not in page


# ---- the page ------------------------------------------------------------------------------------


class Elements(HTMLParser):
    """The elements of a page with their attributes, and the text of each script and of all else."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.scripts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self.scripts += [""] if tag == "script" else []

    def handle_data(self, data: str) -> None:
        if self.found and self.found[-1][0] == "script":
            self.scripts[-1] += data
        else:
            self.text += data

    def handle_endtag(self, tag: str) -> None:
        self.found.append((f"/{tag}", {}))


def test_a_page_holds_no_markup_of_a_text_and_asks_for_nothing(by: ModelInfo) -> None:
    page = pair_html(
        random_pair(HOSTILE, "--> <svg onload=alert(3)> </style> javascript:alert(4)"), by
    )
    elements = Elements(page)
    names = [tag for tag, _ in elements.found]
    assert names.count("script") == names.count("/script") == 2
    assert not {"img", "link", "iframe", "object", "embed", "base", "form"} & set(names)
    attributes = [(name, value or "") for _, each in elements.found for name, value in each.items()]
    assert not [name for name, _ in attributes if name.startswith("on") or name == "src"]
    assert {value[:5] for name, value in attributes if name == "href"} == {"data:", "#atla"}
    assert "alert(1)</script>" in elements.text
    assert not set("\x00\x1b\u202e\ufffe") & set(page)
    assert not re.findall(
        r"url\(|@import|https?://", page.replace("http://www.w3.org/2000/svg", "")
    )


def test_only_the_pages_own_script_may_run(by: ModelInfo) -> None:
    page = pair_html(random_pair("one two", "three"), by)
    elements = Elements(page)
    [policy] = [
        each["content"] or ""
        for tag, each in elements.found
        if each.get("http-equiv") == "Content-Security-Policy"
    ]
    script = elements.scripts[1]
    assert script == asset("pair.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.split("; ")[:4] == [
        "default-src 'none'",
        "img-src data:",
        "style-src 'unsafe-inline'",
        f"script-src 'sha256-{digest}'",
    ]


def test_a_pages_data_are_those_of_the_pair(by: ModelInfo) -> None:
    pair = random_pair("one </script> &amp;", "three four")
    data = json.loads(Elements(pair_html(pair, by)).scripts[0])
    assert data["a"]["labels"] == ["[CLS]", "one", "</script>", "&amp;", "[SEP]"]
    assert pair.shares is not None
    assert data["a"]["shares"] == pytest.approx(pair.shares[0].tolist(), abs=1e-6)
    assert np.array(data["products"]) == pytest.approx(pair.products, abs=1e-6)
    assert (data["layers"], data["heads"]) == (3, 2)


def test_every_word_of_a_page_is_reachable_and_every_head_has_a_button(by: ModelInfo) -> None:
    elements = Elements(pair_html(random_pair("one two three", "four"), by)).found
    words = [each for _, each in elements if (each.get("class") or "").split()[:1] == ["w"]]
    assert [(each["data-side"], each["data-unit"]) for each in words] == [
        ("a", "1"),
        ("a", "2"),
        ("a", "3"),
        ("b", "1"),
    ]
    assert all(each["tabindex"] == "-1" and each["role"] == "button" for each in words)
    buttons = [each["aria-label"] for tag, each in elements if tag == "button"]
    assert len(buttons) == 2 * 3 * 3  # texts, layers, heads and their average
    assert buttons[:3] == ["layer 1, head 1", "layer 1, head 2", "layer 1, all heads on average"]


def pixels(page: str, at: int) -> NDArray[np.int64]:
    """The red, green, blue and opacity, (height, width, 4), of a picture in a page: of the matrix,
    then of all heads of A and of B.
    """
    data = base64.b64decode(re.findall(r'href="data:image/png;base64,([^"]+)"', page)[at])
    chunks, place = {}, 8
    while place < len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        content = data[place + 8 : place + 8 + size]
        assert zlib.crc32(data[place + 4 : place + 8 + size]) == int.from_bytes(
            data[place + 8 + size : place + 12 + size], "big"
        )
        chunks[data[place + 4 : place + 8]] = content
        place += 12 + size
    width, height = (int.from_bytes(chunks[b"IHDR"][start : start + 4], "big") for start in (0, 4))
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, width + 1)
    assert not rows[:, 0].any()
    hues = np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3)
    palette = np.concatenate([hues, np.frombuffer(chunks[b"tRNS"], np.uint8)[:, None]], axis=1)
    found: NDArray[np.int64] = palette.astype(np.int64)[rows[:, 1:]]
    return found


def test_a_picture_holds_every_head_and_their_average(by: ModelInfo) -> None:
    pair = random_pair("one two three", "four five")
    levels = pixels(pair_html(pair, by), 1)[:, :, 3] / 255
    assert levels.shape == (3 * 5, 3 * 5)  # layers and heads with their average, of 5 units
    for layer in range(3):
        for head in range(3):
            part = levels[layer * 5 : layer * 5 + 5, head * 5 : head * 5 + 5] ** 2
            expected = (
                pair.a.attention[layer].mean(axis=0) if head == 2 else pair.a.attention[layer, head]
            )
            assert np.abs(part - expected).max() < 1 / 255


def test_a_picture_tells_by_its_hue_what_adds_from_what_takes_away(by: ModelInfo) -> None:
    special = [0.0, 0.0]
    pair = pair_of(
        ("plus minus", [special, [4, 0], [-1, 0], special]), ("plus", [special, [1, 0], special])
    )
    found = pixels(pair_html(pair, by), 0)
    blue, orange = (33, 102, 172), (190, 95, 15)
    assert found[:, :, 3].tolist() == [
        [0, 0, 0],
        [0, 255, 0],
        [0, 64, 0],
        [0, 0, 0],
    ]  # 4/3 and -1/3 of the largest
    assert (tuple(found[1, 1, :3]), tuple(found[2, 1, :3])) == (blue, orange)


def test_bars_are_as_long_as_what_they_show_and_hollow_for_what_takes_away(by: ModelInfo) -> None:
    special = [0.0, 0.0]
    pair = pair_of(
        ("plus minus", [special, [4, 0], [-1, 0], special]), ("plus", [special, [1, 0], special])
    )
    bars = re.findall(
        r'<rect [^>]*width="([\d.]+)" height="12" class="([a-z ]+)"', pair_html(pair, by)
    )
    assert bars == [("96.0", "add"), ("24.0", "hollow"), ("72.0", "add")]  # 4/3, -1/3 and 1


def test_a_page_of_long_texts_stays_small(by: ModelInfo) -> None:
    pair = random_pair("a " * 250, "b " * 250, heads=1, layers=1)
    assert len(pair_html(pair, by)) < 3_000_000
