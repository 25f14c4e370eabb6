"""What labels stand on: a model, and vectors of the corpus or of files, for one command."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from searchapp.cli import console
from searchapp.cli.console import Exit
from searchapp.errors import CorpusMissing, OtherEncoder, UsageError
from searchapp.humanize import one_line, pluralize

if TYPE_CHECKING:
    from searchapp.classification.document_vectors import VectorSource
    from searchapp.classification.labeling import Examples
    from searchapp.config import Settings
    from searchapp.encoders.encoder import Encoder
    from searchapp.types.protocols import Reader
    from searchapp.types.vectors import EncoderIdentity

_PROGRESS_S = 5.0  # between lines of progress


@dataclass(slots=True)
class Ground:
    """What a command stands on: vectors of one encoder, and the corpus where that is
    the corpus's.
    """

    identity: EncoderIdentity
    vector_source: VectorSource
    code: Exit = Exit.DONE  # how the command ends, where it ends well

    def tell(self) -> None:
        """Say what could not be read, and what was cut, since it was last told."""
        failed, cut = self.vector_source.failed, self.vector_source.cut
        for path, reason in failed:
            console.note(f"{one_line(path)}: {reason}")
            self.code = Exit.PARTLY
        if cut:
            limit = self.identity.max_tokens
            console.note(
                f"{pluralize(cut, 'text')} longer than {limit} tokens; only the beginning of "
                "each was read"
            )
        self.vector_source.failed, self.vector_source.cut = [], 0


@contextmanager
def ground_of(
    chosen: Settings,
    *,
    model: str | None = None,
    made_by: EncoderIdentity | None = None,
    is_corpus_needed: bool = False,
) -> Iterator[Ground]:
    """The encoder that is asked for, or the corpus's, or the default one; and the corpus, where it
    is the corpus's.
    """
    from searchapp.classification.document_vectors import VectorSource

    console.show_log()
    with ExitStack() as stack:
        reader = _reader(chosen, is_needed=is_corpus_needed)
        if reader is not None:
            stack.callback(reader.close)
        its_own = reader.encoder if reader is not None else None
        wanted = made_by or (its_own if model is None else None)
        open_encoder = (
            partial(_opened, wanted, chosen)
            if wanted
            else _loaded(model or chosen.model or "default", chosen)
        )
        identity = wanted or open_encoder().identity
        if its_own is not None and its_own.fingerprint != identity.fingerprint:
            if is_corpus_needed:
                raise _other(identity, its_own, is_of_classifier=made_by is not None)
            reader = None
        yield Ground(identity, VectorSource(reader, open_encoder, _progress()))


def _reader(chosen: Settings, *, is_needed: bool) -> Reader | None:
    from searchapp.corpus import Corpus

    try:
        return Corpus.open(chosen).reader()
    except CorpusMissing:
        if is_needed:
            raise
        return None


def _loaded(name: str, chosen: Settings) -> Callable[[], Encoder]:
    """What gives the encoder of a model, which is loaded at once."""
    from searchapp.encoders.encoder import Encoder

    encoder = Encoder.load(name, fast=True, cache=chosen.cache, device=chosen.device)
    return lambda: encoder


def _opened(identity: EncoderIdentity, chosen: Settings) -> Encoder:
    from searchapp.encoders.encoder import Encoder
    from searchapp.encoders.loading import open_encoder

    return Encoder(open_encoder(identity, cache=chosen.cache, bulk=True, device=chosen.device))


def _other(
    identity: EncoderIdentity, its_own: EncoderIdentity, *, is_of_classifier: bool
) -> OtherEncoder:
    message = f"the corpus was made by the encoder {its_own.model!r} ({its_own.fingerprint[:12]}), "
    if is_of_classifier:
        hint = "train it anew: searchapp classify train LABELS"
        return OtherEncoder(
            f"{message}the classifier by {identity.model!r} ({identity.fingerprint[:12]})",
            hint=hint,
        )
    return OtherEncoder(
        f"{message}not by {identity.model!r}",
        hint="leave --model out, or keep the classifier in a file: --out FILE",
    )


def _progress() -> Callable[[int, int], None]:
    """Tells every few seconds how many texts are embedded."""
    told_s = time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal told_s
        if done < total and time.monotonic() - told_s >= _PROGRESS_S:
            told_s = time.monotonic()
            console.note(f"embedded {done:,} of {total:,} texts")

    return tell


def examples_of_source(source: Path | None, ground: Ground) -> Examples:
    """What a table or a folder says, or the documents of the corpus that were labelled by hand."""
    from searchapp.classification import labeling
    from searchapp.classification.label_files import read_labels

    if source is not None:
        examples = labeling.load_examples(read_labels(source), ground.vector_source)
        ground.tell()
        return examples
    assert ground.vector_source.reader is not None
    examples = labeling.hand_labeled_examples(ground.vector_source.reader)
    if examples.several:
        console.note(
            f"{pluralize(examples.several, 'document')} left out, as they have several labels"
        )
    return examples


def read_items(words: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Texts, files, and the lines of standard input, each with whether it is a path."""
    for word in words:
        if word == "-":
            yield from (
                (line.strip(), False)
                for line in sys.stdin.buffer.read().decode("utf-8", "replace").splitlines()
                if line.strip()
            )
            continue
        if not word.strip():
            raise UsageError(
                "one of the texts is empty", hint="give a text, a file, or - for standard input"
            )
        path = os.path.abspath(word)  # noqa: PTH100 - a text may be too long for a path
        if os.path.isdir(path):  # noqa: PTH112 - as above
            raise UsageError(
                f"{word} is a folder",
                hint="to label the documents of the corpus in it: searchapp classify apply --in "
                "FOLDER",
            )
        is_file = os.path.isfile(path)  # noqa: PTH113 - as above
        yield (path, True) if is_file else (word, False)
