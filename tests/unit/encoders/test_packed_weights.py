"""A packed model becomes an ordinary folder: its weights to the last bit, its tokenizer, its
settings.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from searchapp.encoders import packed_weights
from searchapp.encoders.model_folder import find_model
from searchapp.encoders.model_info import model_info
from tests.builders.packed_weights import Packed, packed_model


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    return packed_model(tmp_path_factory.mktemp("package") / "model.bin")


@pytest.fixture(scope="module")
def folder(packed: Packed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("unpacked")
    packed_weights.unpack(packed_weights.read(packed.path), place, max_length=24)
    return place


def test_each_weight_is_what_was_packed(packed: Packed, folder: Path) -> None:
    found = load_file(folder / "model.safetensors")
    assert len(found) == len(packed.weights)
    for name, expected in {
        "embeddings.word_embeddings.weight": "emb.word",
        "embeddings.LayerNorm.bias": "emb.ln.b",
        "encoder.layer.0.attention.self.value.weight": "l0.v.w",
        "encoder.layer.1.intermediate.dense.weight": "l1.fi.w",
        "encoder.layer.1.output.dense.weight": "l1.fo.w",
        "encoder.layer.1.output.LayerNorm.weight": "l1.oln.w",
    }.items():
        assert found[name].dtype == np.float16
        np.testing.assert_array_equal(found[name], packed.weights[expected], name)


def test_the_folder_says_what_the_model_is(folder: Path, tmp_path: Path) -> None:
    facts = model_info(find_model(str(folder), cache=tmp_path))
    assert (facts.family, facts.layers, facts.heads, facts.dim, facts.pooling) == (
        "bert",
        2,
        4,
        32,
        "mean",
    )
    assert (facts.max_length, facts.query_prompt, facts.document_prompt) == (
        24,
        "query: ",
        "passage: ",
    )


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("the sea", "<s> ▁the ▁sea </s>"),
        (" the  sea ", "<s> ▁the ▁sea ▁ </s>"),
        ("the\tsea", "<s> ▁the ▁sea </s>"),  # NMT makes spaces of what is white
        ("ｔｈｅ", "<s> ▁the </s>"),  # NFKC
        ("\uff5e", "<s> ▁ ～ </s>"),  # but for this one
        ("море", "<s> ▁м оре </s>"),
        ("query: mer海", "<s> ▁query : ▁mer 海 </s>"),
        ("the 🙂", "<s> ▁the ▁ <unk> </s>"),
        ("", "<s> </s>"),
    ],
)
def test_text_is_parted_into_the_likeliest_pieces(folder: Path, text: str, pieces: str) -> None:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    assert " ".join(str(tokenizer.id_to_token(i)) for i in tokenizer.encode(text).ids) == pieces


def test_pieces_tell_where_they_stand_in_the_text(folder: Path) -> None:
    text = "ｔｈｅ  sea"
    encoding = Tokenizer.from_file(str(folder / "tokenizer.json")).encode(
        text, add_special_tokens=False
    )
    assert [text[start:end] for start, end in encoding.offsets] == ["ｔｈｅ", " sea"]


def test_the_same_model_gives_the_same_bytes(packed: Packed, folder: Path, tmp_path: Path) -> None:
    packed_weights.unpack(packed_weights.read(packed.path), tmp_path, max_length=24)
    for path in folder.rglob("*"):
        if path.is_file():
            assert (tmp_path / path.relative_to(folder)).read_bytes() == path.read_bytes()


def test_another_file_is_refused(packed: Packed, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"GGUF" + bytes(100))
    (tmp_path / "cut").write_bytes(packed.path.read_bytes()[:60])
    for name in ("other", "cut"):
        with pytest.raises((ValueError, struct.error)):
            packed_weights.read(tmp_path / name)
