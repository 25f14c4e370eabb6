"""The toolkit's encoder: equal to transformers by hand in float64, at every level, for every family
named.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tokenizers import Tokenizer

from searchapp import Encoder
from searchapp.encoders.encoder import WordVector
from searchapp.encoders.loading import load_encoder
from searchapp.encoders.model_folder import find_model
from searchapp.encoders.torch_engine import read_model
from searchapp.errors import EncoderError, UsageError
from tests.builders.models import Tiny, tiny_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

pytestmark = pytest.mark.model

FAMILIES = ("bert", "roberta", "distilbert", "mpnet", "modernbert")
TEXTS = ("the quick red fox", "a bird over the sea, the wind!", "unknownword", "a " * 20)


def by_hand(tiny: Tiny, text: str) -> tuple[NDArray[np.float64], list[tuple[int, int]], Any]:
    """All hidden states of a text in float64, (layers + 1, t, width), the offsets of its tokens,
    and the model's output.
    """
    import torch

    encoding = Tokenizer.from_file(str(tiny.folder / "tokenizer.json")).encode(text)
    ids = torch.tensor([encoding.ids])
    named = dict(zip(tiny.inputs, (ids, torch.ones_like(ids), torch.zeros_like(ids)), strict=False))
    with torch.no_grad():
        output = tiny.module.double()(**named, output_hidden_states=True, output_attentions=True)
    states = np.stack([each[0].numpy() for each in output.hidden_states])
    states[-1] = output.last_hidden_state[0].numpy()
    return states, encoding.offsets, output


def table(tiny: Tiny, text: str) -> NDArray[np.float64]:
    """The rows of the embedding table, (t, width)."""
    ids = Tokenizer.from_file(str(tiny.folder / "tokenizer.json")).encode(text).ids
    rows: NDArray[np.float64] = (
        tiny.module.get_input_embeddings().weight.detach().double().numpy()[ids]
    )
    return rows


def unit(vector: Any) -> NDArray[np.float64]:
    rows = np.asarray(vector, np.float64)
    unit_rows: NDArray[np.float64] = rows / np.linalg.norm(rows, axis=-1, keepdims=True)
    return unit_rows


def farthest(found: Any, expected: Any) -> float:
    return float(np.abs(np.asarray(found, np.float64) - np.asarray(expected, np.float64)).max())


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_sentences_are_those_of_transformers_by_hand(
    family: str, pooling: str, tmp_path: Path
) -> None:
    tiny = tiny_model(tmp_path / "model", family)
    states = [by_hand(tiny, text)[0] for text in TEXTS]
    pools: dict[str, Callable[[Any], Any]] = {
        "mean": lambda one: one.mean(0),
        "cls": lambda one: one[0],
        "max": lambda one: one.max(0),
    }
    readouts: dict[str, Callable[[Any], Any]] = {
        "last": lambda one: one[-1],
        "0": lambda one: one[0],
        "1,-1": lambda one: np.concatenate([one[1], one[-1]], axis=-1),
        "mean:last2": lambda one: (one[1] + one[2]) / 2,
        "sum:0,1,2": lambda one: one.sum(0),
    }
    for layers, read in readouts.items():
        expected = np.stack([pools[pooling](read(one)) for one in states])
        for is_unit in (True, False):
            encoder = Encoder.load(
                tiny.folder, layers=layers, pooling=pooling, normalize=is_unit, cache=tmp_path
            )
            found = encoder.encode_sentences(TEXTS)
            assert found.shape == expected.shape == (len(TEXTS), encoder.dim)
            assert farthest(found, unit(expected) if is_unit else expected) < 1e-5


@pytest.mark.parametrize("family", FAMILIES)
def test_words_are_the_means_of_their_pieces_states(family: str, tmp_path: Path) -> None:
    tiny = tiny_model(tmp_path / "model", family)
    text = TEXTS[1]
    states, offsets, _ = by_hand(tiny, text)
    places = [place for place, (start, end) in enumerate(offsets) if start < end]
    for layers, expected in (
        ("last", states[-1]),
        ("static", table(tiny, text)),
        ("sum:last2", states[1] + states[2]),
    ):
        words = Encoder.load(
            tiny.folder, layers=layers, normalize=False, cache=tmp_path
        ).encode_words(text)
        assert [word.word for word in words] == [
            "a",
            "bird",
            "over",
            "the",
            "sea",
            ",",
            "the",
            "wind",
            "!",
        ]
        assert all(text[word.start : word.end] == word.word for word in words)
        assert farthest([word.vector for word in words], expected[places]) < 1e-5


def test_pieces_are_merged_to_the_word_and_its_vector_is_their_mean(tmp_path: Path) -> None:
    encoder = Encoder.load(cache=tmp_path, normalize=False)
    text = "Unbelievably, the bank doesn't lend."
    tokens, words = encoder.encode_tokens(text), encoder.encode_words(text)
    assert [word.word for word in words] == [
        "Unbelievably",
        ",",
        "the",
        "bank",
        "doesn't",
        "lend",
        ".",
    ]
    assert [token.word for token in tokens if token.start < 12 and token.end] == [
        "un",
        "##bel",
        "##ie",
        "##va",
        "##bly",
    ]
    for word in words:
        pieces = [
            token.vector for token in tokens if word.start <= token.start < token.end <= word.end
        ]
        assert farthest(word.vector, np.mean(np.asarray(pieces, np.float64), axis=0)) < 1e-6
    assert (tokens[0].word, tokens[-1].word) == ("[CLS]", "[SEP]")
    mean = np.mean([token.vector for token in tokens], axis=0, dtype=np.float64)
    assert farthest(unit(mean), Encoder.load(cache=tmp_path).encode_sentences([text])[0]) < 1e-6


def test_a_word_has_one_static_vector_and_a_contextual_one_for_each_place(tmp_path: Path) -> None:
    def banks(layers: str) -> list[WordVector]:
        encoder = Encoder.load(cache=tmp_path, layers=layers)
        texts = (
            "The bank lent me money.",
            "He deposited cash at the bank.",
            "They sat on the bank of the river.",
        )
        return [
            word for text in texts for word in encoder.encode_words(text) if word.word == "bank"
        ]

    static = [word.vector for word in banks("static")]
    assert farthest(static[0], static[1]) == farthest(static[0], static[2]) == 0
    lent, deposited, river = (word.vector for word in banks("last"))
    assert lent @ deposited > max(lent @ river, deposited @ river)


@pytest.mark.parametrize("family", FAMILIES)
def test_hidden_states_and_attentions_are_those_of_transformers(
    family: str, tmp_path: Path
) -> None:
    tiny = tiny_model(tmp_path / "model", family)
    inside = Encoder.load(tiny.folder, cache=tmp_path).forward_pass(TEXTS[0])
    states, offsets, output = by_hand(tiny, TEXTS[0])
    assert farthest(inside.hidden_states, states) < 1e-5
    assert (
        farthest(inside.attentions, np.stack([each[0].numpy() for each in output.attentions]))
        < 1e-5
    )
    assert inside.attentions.sum(axis=-1) == pytest.approx(1, abs=1e-5)
    assert list(inside.offsets) == offsets
    assert len(inside.tokens) == len(offsets)


def test_a_text_over_the_limit_is_refused_or_cut_when_told_so_and_its_words_are_all_there(
    tmp_path: Path,
) -> None:
    tiny = tiny_model(tmp_path / "model", "bert")
    encoder = Encoder.load(tiny.folder, cache=tmp_path)
    long = "the fox is over the sea. " * 40
    assert encoder.is_too_long(long)
    with pytest.raises(ValueError, match=r"text 1 is \d+ tokens over the limit"):
        encoder.encode_sentences(["a", long])
    cut = encoder.encode_sentences(["a", long], truncate=True)[1]
    assert farthest(cut, encoder.encode_question(long)) < 1e-6
    words = encoder.encode_words(long)
    assert [word.word for word in words] == ["the", "fox", "is", "over", "the", "sea", "."] * 40
    assert [long[word.start : word.end] for word in words] == [word.word for word in words]


def test_the_fast_encoder_is_the_one_of_the_search(model_cache: Path) -> None:
    fast, exact = Encoder.load(fast=True, cache=model_cache), Encoder.load(cache=model_cache)
    assert fast.identity == exact.identity == load_encoder(cache=model_cache).identity
    found, expected = fast.encode_sentences(TEXTS), exact.encode_sentences(TEXTS)
    assert np.einsum("nd,nd->n", found, expected) == pytest.approx(1, abs=1e-3)
    assert np.array_equal(found, load_encoder(cache=model_cache).encode_passages(TEXTS))
    for options in ({"layers": "static"}, {"pooling": "cls"}, {"normalize": False}):
        with pytest.raises(UsageError, match="the fast way"):
            Encoder.load(fast=True, cache=model_cache, **options)
    with pytest.raises(EncoderError, match="does not show its layers"):
        fast.forward_pass("a")


def test_every_readout_has_a_fingerprint_of_its_own_and_the_models_own_is_as_it_was(
    tmp_path: Path,
) -> None:
    folder = find_model(str(tiny_model(tmp_path / "model", "bert").folder), cache=tmp_path)
    others = [
        folder.read_out(layers="static"),
        folder.read_out(layers="0"),
        folder.read_out(layers="last2"),
        folder.read_out(layers="mean:last2"),
        folder.read_out(layers="sum:last2"),
        folder.read_out(pooling="cls"),
        folder.read_out(normalize=False),
    ]
    assert len({each.fingerprint for each in (folder, *others)}) == 8
    assert folder.read_out(layers="-1", pooling="mean").fingerprint == folder.fingerprint
    assert [read_model(each)[0].identity.dim for each in others[:4]] == [32, 32, 64, 32]


@pytest.mark.parametrize(
    "layers",
    [
        "",
        "first",
        "last0",
        "3",
        "-4",
        "1,,2",
        "mean:",
        "max:last2",
        "mean:static",
        "1.5",
        "last" * 400,
        "٣",
    ],
)
def test_layers_that_are_none_are_refused(layers: str, tmp_path: Path) -> None:
    tiny = tiny_model(tmp_path / "model", "bert")
    with pytest.raises(UsageError):
        Encoder.load(tiny.folder, layers=layers, cache=tmp_path)


def test_an_unknown_pooling_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no pooling 'median'"):
        Encoder.load(pooling="median", cache=tmp_path)


def test_padding_never_counts_however_long_the_neighbours(tmp_path: Path) -> None:
    encoder = Encoder.load(cache=tmp_path)
    alone = encoder.encode_sentences(["The river."])[0]
    beside = encoder.encode_sentences(["The river.", "word " * 200])[0]
    assert np.array_equal(alone, beside)
    assert math.isclose(float(np.linalg.norm(alone)), 1, abs_tol=1e-6)


def test_no_text_gives_no_rows(tmp_path: Path) -> None:
    encoder = Encoder.load(cache=tmp_path)
    assert encoder.encode_sentences([]).shape == (0, 384)
    assert encoder.encode_words("") == encoder.encode_words(" \n") == []
