"""What the usual mistakes in making sentence vectors cost: nDCG@10 on a judged collection (BEIR
form), one vector a document.

    python -m benchmarks.mistakes COLLECTION

Every way of pooling reads the same hidden states, those of the default model, run by transformers
in float32 with its attention mask: the mean over the tokens, the mean over the tokens and the
padding (to the longest of 32 texts sorted by length, of 32 as they come, or to the model's limit;
the questions likewise, or each by itself), and the state of [CLS]. Prints the figures and writes
them to benchmarks/results/.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.keeping import keep
from searchapp import config
from searchapp.encoders.model_folder import find_model
from searchapp.evaluation.qrels import (
    collection_judgements,
    collection_questions,
    collection_records,
)

BATCH, LIMIT, DEPTH = 32, 256, 10


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("collection", type=Path)
    folder = parser.parse_args(arguments).collection
    documents = {
        each["_id"]: f"{each['title']} {each['text']}"
        for each in collection_records(folder / "corpus.jsonl")
    }
    questions = collection_questions(folder)
    rows, columns = _vectors(list(questions.values())), _vectors(list(documents.values()))
    ways = {name: (name, name) for name in rows}
    for name in [each for each in rows if "padding" in each]:
        ways[f"{name}; questions one by one"] = ("mean over the tokens", name)
    figures = {
        name: round(
            _ndcg(folder, list(questions), list(documents), rows[asked] @ columns[read].T), 4
        )
        for name, (asked, read) in ways.items()
    }
    keep(
        "mistakes",
        {f"nDCG@10 on {folder.name}": figures},
        f"python -m benchmarks.mistakes {folder.name}",
    )


def _vectors(texts: Sequence[str]) -> dict[str, np.ndarray]:
    """A unit row a text, (n, dim), for each way of pooling."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    path = str(find_model("default", cache=config.load().cache).path)
    tokenizer, model = AutoTokenizer.from_pretrained(path), AutoModel.from_pretrained(path).eval()
    ids = tokenizer(
        list(texts), padding="max_length", truncation=True, max_length=LIMIT, return_tensors="pt"
    )  # (n, limit)
    lengths = ids["attention_mask"].sum(dim=1).numpy()  # (n,)
    ends = {
        "mean over the padding too, sorted by length": _longest(
            lengths, np.argsort(lengths, kind="stable")
        ),
        "mean over the padding too, as they come": _longest(lengths, np.arange(len(texts))),
        "mean over the padding too, to the limit": np.full(len(texts), LIMIT),
    }
    parts: dict[str, list[torch.Tensor]] = {}
    for start in range(0, len(texts), BATCH):
        batch = {name: values[start : start + BATCH] for name, values in ids.items()}
        with torch.inference_mode():
            states = model(**batch).last_hidden_state  # (b, limit, dim)
        mask = batch["attention_mask"].unsqueeze(-1)  # (b, limit, 1)
        parts.setdefault("mean over the tokens", []).append(
            (states * mask).sum(dim=1) / mask.sum(dim=1)
        )
        for name, end in ends.items():
            seen = torch.from_numpy(np.arange(LIMIT) < end[start : start + BATCH, None]).unsqueeze(
                -1
            )  # (b, limit, 1)
            parts.setdefault(name, []).append((states * seen).sum(dim=1) / seen.sum(dim=1))
        parts.setdefault("[CLS]", []).append(states[:, 0])
        print(f"\r{start + len(states):,} of {len(texts):,}", end="", file=sys.stderr)
    return {
        name: torch.nn.functional.normalize(torch.cat(pooled), dim=1).numpy()
        for name, pooled in parts.items()
    }


def _longest(lengths: np.ndarray, order: np.ndarray) -> np.ndarray:
    """The length that each text is padded to, (n,), when batches are taken in that order."""
    longest = np.empty_like(lengths)
    for start in range(0, len(order), BATCH):
        batch = order[start : start + BATCH]
        longest[batch] = lengths[batch].max()
    return longest


def _ndcg(
    folder: Path, questions: Sequence[str], documents: Sequence[str], scores: np.ndarray
) -> float:
    import ir_measures

    run = [
        ir_measures.ScoredDoc(question, documents[place], float(row[place]))
        for question, row in zip(questions, scores, strict=True)
        for place in np.argsort(-row, kind="stable")[:DEPTH]
    ]
    judged = [
        ir_measures.Qrel(each.question, each.document, each.grade)
        for each in collection_judgements(folder)
    ]
    return float(
        ir_measures.calc_aggregate([ir_measures.nDCG @ DEPTH], judged, run)[
            ir_measures.nDCG @ DEPTH
        ]
    )


if __name__ == "__main__":
    main(sys.argv[1:])
