"""The pure rates of each stage of an ingest, one at a time, and how near encoding is to what the
processor can multiply.

    python -m benchmarks.rates [--documents N]

Extraction of text files by the workers, splitting, tokenising, encoding against the processor's
measured peak (products of float32 and bf16 matrices of the model's own shape, by torch), storing
with vectors that are ready, publishing. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import synthetic
from benchmarks.keeping import keep
from benchmarks.texts import write_texts
from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.config import load
from searchapp.encoders.loading import load_encoder
from searchapp.encoders.openvino_engine import has_bf16
from searchapp.extract.sandbox.pool import ExtractionPool
from searchapp.splitter.splitter import split
from searchapp.types.documents import Document

if TYPE_CHECKING:
    from searchapp.encoders.text_encoder import TextEncoder
    from searchapp.types.vectors import EncoderIdentity

LAYERS, WIDTH, INNER = 6, 384, 1536  # of the default model
PER_TOKEN = (
    2 * LAYERS * (4 * WIDTH * WIDTH + 2 * WIDTH * INNER)
)  # operations in its matrices; attention comes on top
ROWS, RUNS = 4096, 5


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=500)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as work:
        encoder = load_encoder("default", cache=load().cache, engine="openvino")
        folder = write_texts(Path(work) / "docs", options.documents, None)
        result = {
            **_extraction(folder),
            **_encoding(encoder, folder),
            **_storing(Path(work), encoder.identity),
        }
    keep("rates", result, f"python -m benchmarks.rates --documents {options.documents}")


def _extraction(folder: Path) -> dict[str, object]:
    paths = [os.fsencode(path) for path in sorted(folder.iterdir())]
    with ExtractionPool(min(os.cpu_count() or 1, 4)) as pool:
        for future in [
            pool.submit(path) for path in paths[:50]
        ]:  # the workers are up, and their libraries imported
            future.result()
        took_s = _seconds(
            lambda: [future.result() for future in [pool.submit(path) for path in paths]]
        )
    size = sum(path.stat().st_size for path in folder.iterdir())
    return {
        "extraction_files_per_s": round(len(paths) / took_s),
        "extraction_mb_per_s": round(size / took_s / 1e6, 1),
    }


def _encoding(encoder: TextEncoder, folder: Path) -> dict[str, object]:
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.iterdir())]
    documents = [text[: _fitting(text, encoder)] for text in texts]
    tokens = sum(map(len, encoder.tokenize(documents)))
    splitting_s = _seconds(
        lambda: [
            split(Document(text, "txt"), encoder.tokenize, max_tokens=encoder.identity.max_tokens)
            for text in texts
        ]
    )
    tokenising_s = _seconds(lambda: encoder.tokenize(documents))
    encoder.encode_passages(documents[:50])
    encoding_s = _seconds(lambda: encoder.encode_passages(documents))
    peaks = {name: _peak(name) for name in ("float32", "bfloat16")}
    reached = tokens * PER_TOKEN / encoding_s / 1e9
    computed = "bfloat16" if has_bf16() else "float32"
    return {
        "splitting_files_per_s": round(len(texts) / splitting_s),
        "tokenising_tokens_per_s": round(tokens / tokenising_s),
        "encoding_tokens_per_s": round(tokens / encoding_s),
        "encoding_gflops": round(reached),
        "peak_gflops": {name: round(peak) for name, peak in peaks.items()},
        "computed_in": computed,
        "share_of_peak": round(reached / peaks[computed], 3),
    }


def _fitting(text: str, encoder: TextEncoder) -> int:
    """How much of a text fits the encoder, in characters."""
    (spans,) = encoder.tokenize([text])
    return spans[min(len(spans), encoder.identity.max_tokens) - 1][1]


def _peak(name: str) -> float:
    """What the processor multiplies, in GFLOP/s: the best of several runs."""
    import torch

    rows, matrix = (
        torch.randn(shape).to(getattr(torch, name)) for shape in ((ROWS, WIDTH), (WIDTH, INNER))
    )
    return max(
        2 * ROWS * WIDTH * INNER / _seconds(lambda: rows @ matrix) / 1e9 for _ in range(4 * RUNS)
    )


def _storing(work: Path, identity: EncoderIdentity) -> dict[str, object]:
    names = [synthetic.word(rank) for rank in range(synthetic.WORDS)]
    made = next(synthetic.documents(20_000))
    ends = np.cumsum(made.passages).tolist()
    documents = [
        (
            *synthetic.as_document(i, made.words[end - count : end], names),
            made.vectors[end - count : end],
        )
        for i, (end, count) in enumerate(zip(ends, made.passages.tolist(), strict=True))
    ]
    with closing(SqliteBackend(work / "corpus").writer()) as writer:
        writer.set_encoder(identity)

        def store() -> None:
            for source, document, passages, vectors in documents:
                writer.replace(source, document, passages, vectors=vectors)
            writer.commit()

        storing_s = _seconds(store)
        publishing_s = _seconds(writer.finish)
    return {
        "storing_passages_per_s": round(ends[-1] / storing_s),
        "publishing_passages_per_s": round(ends[-1] / publishing_s),
    }


def _seconds(act: Callable[[], object]) -> float:
    begin = time.perf_counter()
    act()
    return time.perf_counter() - begin


if __name__ == "__main__":
    main(sys.argv[1:])
