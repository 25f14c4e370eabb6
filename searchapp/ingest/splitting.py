"""Documents on their way from the reader to the store: split in a thread of its own, some together,
so that the tokenizer, which needs no lock of Python's, works beside what stores the documents.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from typing import TYPE_CHECKING

from searchapp.errors import SearchappError
from searchapp.ingest.jobs import Arrival, Lot, Unsplit
from searchapp.splitter.splitter import TokenizedPassage, has_text, split_all
from searchapp.types.digests import text_digest
from searchapp.types.documents import Document, Source, embedded_text
from searchapp.types.protocols import TokenReuser
from searchapp.types.tokens import Tokens

if TYPE_CHECKING:
    from searchapp.types.protocols import Encoder

_LOT_DOCUMENTS, _LOT_CHARACTERS = 64, 262_144
_LOTS = 2  # that are split ahead of the store: one is at work, one waits for it
_MOST_CHARACTERS = 8 * 2**20  # of them
_LONG_S = 0.5  # from which on a stop ends the splitting of a lot


class _SplitStopped(Exception):
    """A lot that takes long to split is given up, as the run is to stop."""


class Splitting:
    """Splits documents in the order in which they come; `close` it."""

    def __init__(self, encoder: Encoder, is_stopped: Callable[[], bool]) -> None:
        self._encoder = encoder
        self._is_stopped = is_stopped
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="split")
        self._next: list[Unsplit] = []
        self._lots: deque[Lot] = deque()
        self._begun_s = 0.0
        self.characters = 0  # of all that was added and not taken yet

    def close(self) -> None:
        """End the thread; what was not taken by now is lost."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def add(self, source: Source, document: Document, *, new: bool) -> bool:
        """Take a document in; returns False where it holds no passage."""
        if not has_text(document):
            return False
        if len(document.text) >= _LOT_CHARACTERS:  # what came before need not wait for it
            self.submit()
        self._next.append(Unsplit(source, document, new))
        self.characters += len(document.text)
        length = sum(len(unsplit.document.text) for unsplit in self._next)
        if len(self._next) >= _LOT_DOCUMENTS or length >= _LOT_CHARACTERS:
            self.submit()
        return True

    def submit(self) -> None:
        """Have all that was added split."""
        if self._next:
            documents, self._next = self._next, []
            length = sum(len(unsplit.document.text) for unsplit in documents)
            self._lots.append(Lot(documents, length, self._thread.submit(self._split, documents)))

    @property
    def is_at_work(self) -> bool:
        """Whether any lot was not taken yet."""
        return bool(self._lots)

    @property
    def is_behind(self) -> bool:
        """Whether what comes next should wait: a lot is being split, and another waits for it, or
        they take much memory.
        """
        return len(self._lots) > _LOTS or self.characters > _MOST_CHARACTERS

    def take(self, *, timeout_s: float = 0.0) -> Lot | None:
        """The lot that came first, None where it is not split within some seconds."""
        if not self._lots:
            return None
        if not self._lots[0].arrivals.done() and not wait([self._lots[0].arrivals], timeout_s).done:
            return None
        lot = self._lots.popleft()
        self.characters -= lot.characters
        return lot

    def _split(self, documents: Sequence[Unsplit]) -> list[Arrival]:
        """What the documents become; of the first documents only, once the run is to stop. Raises
        SearchappError where one cannot be split, with its path.
        """
        self._begun_s = time.perf_counter()
        try:
            return self._split_together(documents)
        except SearchappError:
            raise  # of the encoder
        except Exception as error:
            for document in documents:
                self._split_alone(document)
            raise SearchappError(f"documents cannot be split: {_description(error)}") from error

    def _split_together(self, documents: Sequence[Unsplit]) -> list[Arrival]:
        arrivals: list[Arrival] = []
        passages = split_all(
            [unsplit.document for unsplit in documents],
            self._tokens,
            max_tokens=self._encoder.identity.max_tokens,
        )
        with suppress(_SplitStopped):
            arrivals.extend(self._arrival(unsplit, next(passages)) for unsplit in documents)
        return arrivals

    def _split_alone(self, unsplit: Unsplit) -> None:
        """Raise SearchappError where a document cannot be split."""
        try:
            self._split_together([unsplit])
        except SearchappError:
            raise
        except Exception as error:
            raise SearchappError(
                f"{os.fsdecode(unsplit.source.path)} cannot be split: {_description(error)}",
                hint="that is a defect of searchapp: report it, and leave the file out by "
                "--exclude until it is mended",
            ) from error

    def _tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """The tokens of texts. Raises _SplitStopped."""
        if time.perf_counter() - self._begun_s > _LONG_S and self._is_stopped():
            raise _SplitStopped
        if isinstance(self._encoder, TokenReuser):
            return self._encoder.tokens(texts)
        return [Tokens.of_spans(spans) for spans in self._encoder.tokenize(texts)]

    def _arrival(self, unsplit: Unsplit, tokenized: Sequence[TokenizedPassage]) -> Arrival:
        passages = [passage for passage, _ in tokenized]
        texts = [
            embedded_text(passage.headings, unsplit.document.text[passage.start : passage.end])
            for passage in passages
        ]
        fingerprint = self._encoder.identity.fingerprint
        digests = [text_digest(fingerprint, text) for text in texts]
        tokens = [ids for _, ids in tokenized]
        return Arrival(
            unsplit.source, unsplit.document, passages, texts, tokens, digests, unsplit.new
        )


def _description(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
