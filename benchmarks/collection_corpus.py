"""A judged collection as a corpus, for as long as something is measured on it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from searchapp.corpus import Corpus
    from searchapp.types.protocols import Encoder


@contextmanager
def collection_corpus(folder: Path, encoder: Encoder) -> Iterator[Corpus]:
    """A corpus of the collection in a folder, which goes when the block ends."""
    from searchapp.corpus import Corpus
    from searchapp.evaluation.evaluator import index_collection

    with tempfile.TemporaryDirectory(prefix="searchapp-bench-") as work:
        corpus = Corpus.open(Path(work) / "corpus", encoder=encoder)
        with closing(corpus.writer()) as writer:
            writer.set_encoder(encoder.identity)
            index_collection(folder, writer, encoder)
            writer.finish()
        yield corpus
