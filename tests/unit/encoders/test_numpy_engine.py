"""A question's encoder in NumPy: equal to BERT as it is defined, in float64 and number by number,
and never fooled by a damaged file.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from searchapp.encoders import cache_entry, question_weights
from searchapp.encoders.cache_entry import (
    LAYOUT,
    QUESTION_WEIGHTS,
    Batch,
    ConversionDamaged,
    ConvertedModel,
    golden_batch,
    new_entry,
)
from searchapp.encoders.late_engine import LateEngine
from searchapp.encoders.numpy_engine import NumpyEngine, erf
from tests.builders.bert import (
    FINGERPRINT,
    State,
    config_of,
    oracle,
    random_state,
    transformer_of,
    vector_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


WORDS, POSITIONS, WIDTH, INNER, HEADS, LAYERS = 11, 9, 12, 20, 3, 2
TEXTS = ((1, 7, 2), (1, 4, 4, 9, 10, 2), (3,), tuple(range(POSITIONS)))


@pytest.fixture(scope="module")
def state() -> State:
    return random_state(WORDS, POSITIONS, WIDTH, INNER, LAYERS)


@pytest.fixture
def entry(state: State, tmp_path: Path) -> ConvertedModel:
    """An entry of a cache that holds the small model, its graph being of no use."""
    config = config_of(state, HEADS, TEXTS[1::-1])
    final = cache_entry.folder_of(tmp_path) / f"{FINGERPRINT[:16]}-1.0-abc"
    with new_entry(config, final) as work:
        for name in LAYOUT:
            (work / name).write_text("{}")
        question_weights.save(transformer_of(state, HEADS), ConvertedModel(work, config))
    return cache_entry.read(final, FINGERPRINT, unhashed=())


def batch_of(ids: tuple[int, ...], padding: int = 0) -> Batch:
    mask = [1] * len(ids) + [0] * padding
    return Batch(np.array([[*ids, *[0] * padding]], np.int64), np.array([mask], np.int64))


@pytest.mark.parametrize("padding", [0, 5])
@pytest.mark.parametrize("ids", TEXTS)
def test_vectors_and_states_are_those_of_bert_by_hand(
    state: State, entry: ConvertedModel, ids: tuple[int, ...], padding: int
) -> None:
    engine, expected = NumpyEngine(entry), oracle(state, HEADS, ids)
    (vector,) = engine.run([batch_of(ids, padding)])
    (states,) = engine.run([batch_of(ids, padding)], token_states=True)
    assert (vector.dtype.name, states.dtype.name) == ("float32", "float32")
    assert np.abs(vector - [vector_of(expected)]).max() < 1e-6
    assert states.shape == (1, len(ids) + padding, WIDTH)
    assert np.abs(states[0, : len(ids)] - expected).max() < 1e-5
    assert not states[0, len(ids) :].any()


def test_words_take_two_bytes_a_number_where_nothing_is_lost_by_it(
    state: State, tmp_path: Path
) -> None:
    name = "embeddings.word_embeddings.weight"
    halves = state | {name: state[name].astype(np.float16).astype(np.float32)}
    sizes = []
    for one in (state, halves):
        entry = ConvertedModel(tmp_path, config_of(one, HEADS, TEXTS[1::-1]))
        question_weights.save(transformer_of(one, HEADS), entry)
        (vector,) = NumpyEngine(entry, thorough=True).run([batch_of(TEXTS[0])])
        assert np.abs(vector - [vector_of(oracle(one, HEADS, TEXTS[0]))]).max() < 1e-6
        sizes.append((tmp_path / "question.safetensors").stat().st_size)
    assert sizes[0] - sizes[1] == pytest.approx(2 * state[name].size, abs=8)


def test_a_batch_of_several_texts_is_refused(entry: ConvertedModel) -> None:
    two = Batch(np.ones((2, 3), np.int64), np.ones((2, 3), np.int64))
    with pytest.raises(ValueError, match="one text at a time"):
        NumpyEngine(entry).run([two])


def test_the_error_function_is_right_to_the_accuracy_of_float32() -> None:
    numbers = np.concatenate([np.linspace(-7, 7, 20_001), [0, 1e-20, -1e-20, 1e30, -1e30]])
    numbers = numbers.astype(np.float32)
    expected = np.array([math.erf(number) for number in numbers.tolist()])
    assert np.abs(erf(numbers) - expected).max() < 6e-8
    assert np.isnan(erf(np.array([np.nan], np.float32))).all()


# ---- which models --------------------------------------------------------------------------------

BERT: dict[str, Any] = {"hidden_act": "gelu", "is_decoder": False}
FOLDER: dict[str, Any] = {
    "family": "bert",
    "pooling": "mean",
    "depth": LAYERS,
    "layers": SimpleNamespace(numbers=(LAYERS,)),
    "is_normalised": True,
}


@pytest.mark.parametrize(
    ("config", "folder", "is_runnable"),
    [
        ({}, {}, True),
        ({"position_embedding_type": "absolute"}, {}, True),
        ({"position_embedding_type": "relative_key"}, {}, False),
        ({"hidden_act": "gelu_new"}, {}, False),
        ({"is_decoder": True}, {}, False),
        ({}, {"family": "electra"}, False),
        ({}, {"pooling": "cls"}, False),
        ({}, {"layers": SimpleNamespace(numbers=(1,))}, False),
        ({}, {"is_normalised": False}, False),
    ],
)
def test_only_models_of_the_shape_that_is_computed_are_run(
    state: State, config: dict[str, Any], folder: dict[str, Any], is_runnable: bool
) -> None:
    transformer: Any = transformer_of(state, HEADS, **BERT | config)
    place: Any = SimpleNamespace(**FOLDER | folder)
    assert question_weights.is_runnable(transformer, place) is is_runnable


def test_a_large_model_is_left_to_openvino(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(question_weights, "MOST_WEIGHTS", sum(map(np.size, state.values())) - 1)
    assert not question_weights.is_runnable(
        transformer_of(state, HEADS, **BERT),
        SimpleNamespace(**FOLDER),  # type: ignore[arg-type]
    )


def test_a_model_that_turns_out_to_be_another_stays_without(
    state: State, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    entry = ConvertedModel(tmp_path, config_of(state, HEADS, TEXTS[1::-1]))
    question_weights.save(transformer_of(state, HEADS + 1), entry)
    assert not list(tmp_path.iterdir())
    assert "left to OpenVINO" in caplog.text


# ---- damage --------------------------------------------------------------------------------------


def harmed(path: Path, harm: str) -> None:
    content = bytearray(path.read_bytes())
    header = 8 + int.from_bytes(content[:8], "little")
    facts: dict[str, Any] = json.loads(content[8:header])
    if harm == "empty":
        content.clear()
    elif harm == "length":
        content[:8] = b"\xff" * 8
    elif harm == "no JSON":
        content[9] ^= 1
    elif harm == "shape":
        content = content.replace(f"[{WORDS},{WIDTH}]".encode(), f"[{WORDS},{WIDTH - 1}]".encode())
    elif harm == "name":
        content = content.replace(b'"words"', b'"wards"')
    elif harm == "heads":
        content = content.replace(b'"heads":"3"', b'"heads":"4"')
    elif harm == "number":
        begin = header + facts["0.out.bias"]["data_offsets"][0]
        content[begin : begin + 4] = np.float32(1e30).tobytes()
    elif harm == "not finite":
        begin = header + facts["1.down.weight"]["data_offsets"][0]
        content[begin : begin + 4] = b"\xff" * 4
    elif harm == "no object":
        content[8:header] = b"[" + b" " * (header - 10) + b"]"
    path.unlink()  # one that is mapped is never written to
    path.write_bytes(content)


@pytest.mark.parametrize(
    "harm",
    ["empty", "length", "no JSON", "no object", "shape", "name", "heads", "number", "not finite"],
)
@pytest.mark.filterwarnings("error")
def test_a_damaged_file_is_refused_when_it_is_opened(entry: ConvertedModel, harm: str) -> None:
    before = (entry.path / QUESTION_WEIGHTS).read_bytes()
    harmed(entry.path / QUESTION_WEIGHTS, harm)
    assert (entry.path / QUESTION_WEIGHTS).read_bytes() != before
    with pytest.raises(ConversionDamaged):
        NumpyEngine(entry)


def test_weights_that_only_longer_texts_use_are_proved_by_all_golden_texts(
    entry: ConvertedModel,
) -> None:
    path = entry.path / QUESTION_WEIGHTS
    arrays = load_file(path)
    arrays["positions"][5] *= -1
    length = int.from_bytes(path.read_bytes()[:8], "little")
    facts = json.loads(path.read_bytes()[8 : 8 + length])["__metadata__"]
    save_file(arrays, path, facts)
    NumpyEngine(entry)
    with pytest.raises(ConversionDamaged, match="wrong vectors"):
        NumpyEngine(entry, thorough=True)


@pytest.mark.parametrize("name", ["tokenizer.json", QUESTION_WEIGHTS])
def test_an_entry_with_a_file_of_another_size_is_passed_over(
    entry: ConvertedModel, tmp_path: Path, name: str
) -> None:
    assert [each.path for each in cache_entry.with_question_weights(FINGERPRINT, tmp_path)] == [
        entry.path
    ]
    content = (entry.path / name).read_bytes()
    (entry.path / name).unlink()
    assert not list(cache_entry.with_question_weights(FINGERPRINT, tmp_path))
    (entry.path / name).write_bytes(content[:-1])
    assert not list(cache_entry.with_question_weights(FINGERPRINT, tmp_path))


def test_a_changed_byte_is_noticed_where_the_file_is_hashed(entry: ConvertedModel) -> None:
    harmed(entry.path / QUESTION_WEIGHTS, "number")
    cache_entry.read(entry.path, FINGERPRINT)
    cache_entry.read(entry.path, FINGERPRINT, unhashed=[QUESTION_WEIGHTS])
    with pytest.raises(ConversionDamaged, match="has changed"):
        cache_entry.read(entry.path, FINGERPRINT, unhashed=["graph.bin"])


def test_entries_without_weights_of_another_model_or_of_an_older_form_are_passed_over(
    entry: ConvertedModel, state: State, tmp_path: Path
) -> None:
    config = config_of(state, HEADS, TEXTS[1::-1])
    with new_entry(config, entry.path.with_name(f"{FINGERPRINT[:16]}-0.9-abc")) as work:
        for name in LAYOUT:
            (work / name).write_text("{}")
    other = config._replace(identity=config.identity._replace(fingerprint="f" * 63 + "0"))
    with new_entry(other, entry.path.with_name(f"{FINGERPRINT[:16]}-0.8-abc")) as work:
        for name in (*LAYOUT, QUESTION_WEIGHTS):
            (work / name).write_text("{}")
    old = entry.path.with_name(f"{FINGERPRINT[:16]}-0.7-abc")
    old.mkdir()
    for file in entry.path.iterdir():
        (old / file.name).write_bytes(file.read_bytes())
    sealed = json.loads((old / "encoder.json").read_text())
    sealed["content"]["format"] = cache_entry.FORMAT - 1
    sealed["digest"] = cache_entry._seal(sealed["content"])
    (old / "encoder.json").write_text(json.dumps(sealed))
    found = [each.path for each in cache_entry.with_question_weights(FINGERPRINT, tmp_path)]
    assert found == [entry.path]
    assert not list(cache_entry.with_question_weights("e" * 64, tmp_path))


def test_a_golden_text_is_padded_so_that_a_wrong_mask_shows(
    entry: ConvertedModel,
) -> None:
    class Blind(NumpyEngine):
        """Takes padding for text."""

        def run(self, batches: Iterable[Batch], **options: Any) -> Any:
            seen = [each._replace(mask=each.mask * 0 + 1) for each in batches]
            return super().run(seen, **options)

    assert golden_batch(entry.config.golden[0], entry.config).mask.min() == 0
    with pytest.raises(ConversionDamaged):
        Blind(entry)


# ---- the engine that waits -----------------------------------------------------------------------


def test_an_engine_that_is_opened_late_is_opened_once_and_tells_what_fails(
    entry: ConvertedModel,
) -> None:
    opened: list[int] = []

    def failing_once() -> NumpyEngine:
        opened.append(1)
        if len(opened) == 1:
            raise OSError("not now")
        return NumpyEngine(entry)

    engine = LateEngine(failing_once, batch_tokens=1)
    assert opened == []
    with pytest.raises(OSError, match="not now"):
        engine.run([])
    batch = batch_of(TEXTS[0])
    (states,) = engine.run([batch], token_states=True)
    assert states.tobytes() == NumpyEngine(entry).run([batch], token_states=True)[0].tobytes()
    engine.run([batch])
    assert len(opened) == 2
