"""The compiled kernel: equal to BERT as it is defined, whatever stands beside a text, and refusing
what is not for it. Skipped where it was not compiled, or the processor has no AMX.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from searchapp import config
from searchapp.encoders import bert_kernel, question_weights
from searchapp.encoders.bert_kernel import PART_TOKENS, BertKernelEngine, KernelUnfit
from searchapp.encoders.cache_entry import (
    LAYOUT,
    QUESTION_WEIGHTS,
    Batch,
    ConversionDamaged,
    ConvertedModel,
    folder_of,
    new_entry,
)
from searchapp.encoders.loading import load_encoder, open_cached
from searchapp.errors import UsageError
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
    from numpy.typing import NDArray

runs_here = pytest.mark.skipif(bool(bert_kernel.why_not()), reason=bert_kernel.why_not())

WORDS, POSITIONS = 50, 540
SHAPES = {  # heads, width, inner, layers
    "heads of 32": (3, 96, 160, 2),
    "heads of 64": (2, 128, 256, 1),
    "one head of 96": (1, 96, 32, 1),
}
LENGTHS = (1, 2, 31, 32, 33, 100, 512, 540)
DRAW = np.random.default_rng(5)
TEXTS = [tuple(DRAW.integers(WORDS, size=length).tolist()) for length in LENGTHS]


def entry_of(state: State, heads: int, folder: Path) -> ConvertedModel:
    """A folder with the weights of a model, and its golden texts; `save` proves them."""
    entry = ConvertedModel(folder, config_of(state, heads, TEXTS[1:3]), has_question_weights=True)
    question_weights.save(transformer_of(state, heads), entry)
    assert (folder / QUESTION_WEIGHTS).exists()
    return entry


@pytest.fixture(scope="module", params=SHAPES)
def model(request: pytest.FixtureRequest) -> tuple[State, int]:
    heads, width, inner, layers = SHAPES[request.param]
    return random_state(WORDS, POSITIONS, width, inner, layers, is_tame=True), heads


@pytest.fixture(scope="module")
def entry(model: tuple[State, int], tmp_path_factory: pytest.TempPathFactory) -> ConvertedModel:
    return entry_of(*model, tmp_path_factory.mktemp("kernel"))


def batch_of(texts: list[tuple[int, ...]], padding: int = 0) -> Batch:
    size = max(map(len, texts)) + padding
    ids, mask = np.zeros((2, len(texts), size), np.int64)
    for row, text in enumerate(texts):
        ids[row, : len(text)], mask[row, : len(text)] = text, 1
    return Batch(ids, mask)


def cosine(a: NDArray[Any], b: NDArray[Any]) -> float:
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


@runs_here
def test_vectors_and_states_are_those_of_bert_by_hand(
    model: tuple[State, int], entry: ConvertedModel
) -> None:
    engine = BertKernelEngine(entry)
    batches = [batch_of([text], padding) for padding, text in enumerate(TEXTS)]
    vectors, states = engine.run(batches), engine.run(batches, token_states=True)
    for batch, text, [vector], [rows] in zip(batches, TEXTS, vectors, states, strict=True):
        expected = oracle(*model, text)
        assert cosine(vector, vector_of(expected)) > 0.9999
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)
        assert rows.shape == (batch.ids.shape[1], expected.shape[1])
        worst = min(map(cosine, rows.astype(np.float64), expected))
        assert worst > 0.9995
        assert not rows[len(text) :].any()


@runs_here
def test_a_text_has_the_same_vector_bit_for_bit_in_any_company(entry: ConvertedModel) -> None:
    engine = BertKernelEngine(entry)
    alone = np.concatenate([engine.run([batch_of([text])])[0] for text in TEXTS])
    [together] = engine.run([batch_of(TEXTS)])
    backwards = np.concatenate(engine.run([batch_of([text], 3) for text in TEXTS[::-1]]))[::-1]
    assert together.tobytes() == alone.tobytes() == backwards.tobytes()
    [states] = engine.run([batch_of(TEXTS)], token_states=True)
    for text, rows in zip(TEXTS, states, strict=True):
        [[own]] = engine.run([batch_of([text])], token_states=True)
        assert rows[: len(text)].tobytes() == own.tobytes()


@runs_here
def test_several_threads_may_run_it_at_once(entry: ConvertedModel) -> None:
    engine = BertKernelEngine(entry)
    batches = [batch_of([text] * 3) for text in TEXTS]
    expected = [rows.tobytes() for rows in engine.run(batches)]
    with ThreadPoolExecutor(4) as threads:
        for results in threads.map(engine.run, [batches] * 8):
            assert [rows.tobytes() for rows in results] == expected


@runs_here
def test_of_no_batches_there_are_no_vectors(entry: ConvertedModel) -> None:
    assert BertKernelEngine(entry).run([]) == []
    assert BertKernelEngine(entry).run([], token_states=True) == []


@runs_here
@pytest.mark.parametrize("text", [(WORDS,), (-1,), (0,) * (POSITIONS + 1), ()])
def test_what_the_model_has_no_numbers_for_is_refused(
    entry: ConvertedModel, text: tuple[int, ...]
) -> None:
    engine = BertKernelEngine(entry)
    with pytest.raises(ValueError, match="no such token"):
        engine.run([batch_of([(1,), text])])
    assert len(engine.run([batch_of(TEXTS[:2])])[0]) == 2


@runs_here
@pytest.mark.parametrize(("heads", "width", "inner"), [(4, 96, 64), (3, 144, 64), (2, 64, 40)])
def test_models_of_other_sizes_are_left_to_others(
    heads: int, width: int, inner: int, tmp_path: Path
) -> None:
    state = random_state(WORDS, POSITIONS, width, inner, 1, is_tame=True)
    with pytest.raises(KernelUnfit, match=f"{heads} heads of {width} numbers"):
        BertKernelEngine(entry_of(state, heads, tmp_path))


@runs_here
def test_a_model_whose_golden_vectors_it_misses_is_left_to_others(
    model: tuple[State, int], entry: ConvertedModel
) -> None:
    state, heads = model
    name = "encoder.layer.0.attention.output.dense.weight"
    other = config_of(state | {name: -state[name]}, heads, TEXTS[1:3])
    with pytest.raises(KernelUnfit, match="too coarse"):
        BertKernelEngine(entry._replace(config=other))


@runs_here
@pytest.mark.parametrize("harm", ["cut", "lacking", "shape", "number"])
def test_a_damaged_file_is_refused(model: tuple[State, int], harm: str, tmp_path: Path) -> None:
    entry = entry_of(*model, tmp_path)
    path = tmp_path / QUESTION_WEIGHTS
    facts = {"layers": "1", "heads": str(model[1]), "epsilon": "1e-05"}
    arrays = load_file(path)
    if harm == "lacking":
        del arrays["0.up.bias"]
    elif harm == "shape":
        arrays["0.out.weight"] = arrays["0.out.weight"][:32].copy()
    elif harm == "number":
        arrays["0.down.weight"][0, 0] = np.nan
    save_file(arrays, path, facts)
    if harm == "cut":
        path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises((ConversionDamaged, KernelUnfit)):
        BertKernelEngine(entry)


def test_texts_run_together_up_to_a_number_of_tokens_and_each_of_them_once() -> None:
    lengths = DRAW.integers(1, PART_TOKENS + 100, 200).astype(np.int32)
    parts = list(bert_kernel._parts(lengths))
    assert [i for texts, _ in parts for i in range(200)[texts]] == list(range(200))
    for texts, tokens in parts:
        assert lengths[texts].sum() == tokens.stop - tokens.start
        assert lengths[: texts.start].sum() == tokens.start
        assert tokens.stop - tokens.start <= PART_TOKENS or texts.stop - texts.start == 1
    assert len(parts) < len(lengths)


# ---- which engine --------------------------------------------------------------------------------


@runs_here
def test_questions_are_numpys_and_passages_the_kernels_whatever_openvino_there_is(
    model: tuple[State, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, heads = model
    settings = config_of(state, heads, TEXTS[1:3])
    with new_entry(settings, folder_of(tmp_path) / f"{FINGERPRINT[:16]}-4-0.1-abc") as work:
        for name in LAYOUT:
            (work / name).write_text("{}")
        (work / "tokenizer.json").write_text(_TOKENIZER)
        question_weights.save(transformer_of(state, heads), ConvertedModel(work, settings))
    encoder = open_cached(settings.identity, tmp_path)
    question, [passage] = encoder.encode_query("a b"), encoder.encode_passages(["a b"])
    expected = vector_of(oracle(state, heads, (1, 2)))
    assert np.abs(question - expected).max() < 1e-6 < np.abs(passage - expected).max()
    assert cosine(passage, expected) > 0.9999
    monkeypatch.setenv("SEARCHAPP_ENGINE", "openvino")
    with pytest.raises(Exception, match="tiny"):  # there is no such model to convert again
        open_cached(settings.identity, tmp_path).encode_passages(["a b"])


_TOKENIZER = """{"version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
"normalizer": null, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null, "decoder": null,
"model": {"type": "WordLevel", "vocab": {"[UNK]": 0, "a": 1, "b": 2}, "unk_token": "[UNK]"}}"""


def test_the_environment_names_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEARCHAPP_ENGINE", raising=False)
    assert config.processor_engine() == "auto"
    monkeypatch.setenv("SEARCHAPP_ENGINE", "openvino")
    assert config.processor_engine() == "openvino"
    monkeypatch.setenv("SEARCHAPP_ENGINE", "abacus")
    with pytest.raises(UsageError, match="no engine 'abacus'"):
        config.processor_engine()


@runs_here
@pytest.mark.model
def test_the_default_model_gives_what_torch_and_openvino_give(model_cache: Path) -> None:
    texts = ["a", "the quick red fox " * 60, "How do vaccines work?", "naïve – ok"]
    kernel = load_encoder(cache=model_cache)
    assert isinstance(kernel._engine, BertKernelEngine)
    vectors = kernel.encode_passages(texts)
    for engine in ("openvino", "torch"):
        other = load_encoder(cache=model_cache, engine=engine)
        assert not isinstance(other._engine, BertKernelEngine)
        assert (vectors * other.encode_passages(texts)).sum(axis=1).min() > 0.9999
