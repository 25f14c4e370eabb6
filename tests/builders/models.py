"""Tiny models with random weights, of every family that runs, for tests."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

if TYPE_CHECKING:
    from collections.abc import Sequence

WORDS = (
    "the",
    "of",
    "and",
    "to",
    "in",
    "a",
    "is",
    "fox",
    "red",
    "sea",
    "ship",
    "wind",
    "over",
    "under",
    "lazy",
    "quick",
    "stone",
    "river",
    "bird",
)
SPECIAL = {
    "bert": ("[PAD]", "[UNK]", "[CLS]", "[SEP]"),
    "roberta": ("<s>", "<pad>", "</s>", "<unk>"),
}


@dataclass(frozen=True)
class Tiny:
    """A random model of two layers in a folder, and the same model in memory."""

    folder: Path
    module: Any
    inputs: tuple[str, ...]


def tiny_tokenizer(special: Sequence[str]) -> Tokenizer:
    vocabulary = {word: index for index, word in enumerate((*special, *WORDS, ",", "!"))}
    unknown, first, last = (
        ("[UNK]", "[CLS]", "[SEP]") if "[CLS]" in special else ("<unk>", "<s>", "</s>")
    )
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=unknown))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}",
        special_tokens=[(first, vocabulary[first]), (last, vocabulary[last])],
    )
    return tokenizer


def tiny_model(folder: Path, family: str) -> Tiny:
    """A model of a family in a folder, made anew; equal each time."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from transformers import AutoConfig, AutoModel

        is_roberta = family in ("roberta", "xlm-roberta", "mpnet")
        tokenizer = tiny_tokenizer(SPECIAL["roberta" if is_roberta else "bert"])
        settings: dict[str, Any] = {
            "vocab_size": 40,
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "intermediate_size": 64,
            "max_position_embeddings": 66,
            "pad_token_id": 1 if is_roberta else 0,
            "bos_token_id": 0,
            "eos_token_id": 2,
        }
        if family == "distilbert":
            settings |= {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64}
        if family == "modernbert":
            settings |= {
                "local_attention": 8,
                "global_attn_every_n_layers": 2,
                "cls_token_id": 2,
                "sep_token_id": 3,
            }
        torch.manual_seed(7)
        module = AutoModel.from_config(
            AutoConfig.for_model(family, **settings), attn_implementation="eager"
        ).eval()
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.1)
        module.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    inputs = (
        ("input_ids", "attention_mask", "token_type_ids")
        if family in ("bert", "electra")
        else ("input_ids", "attention_mask")
    )
    return Tiny(folder, module, inputs)
